"""HTTP message signatures of the WebSocket upgrade, as AudioHook uses them: signing, verifying, and the replay check.

Sans-IO: no clock (`now` is passed in), no randomness (nonces and the decoy secret are passed in), no delay. Who answers
HTTP must send the same 401 for each failure, at a fixed time after the request came (P2.9, P12), and never a `reason`.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from offhook.errors import UsageError
from offhook.protocol.structured import (
    Component,
    MalformedField,
    SignatureParameters,
    Signed,
    read_signatures,
    write_signature,
    write_signature_params,
)

STANDARD = (
    "@request-target",
    "@authority",
    "audiohook-organization-id",
    "audiohook-session-id",
    "audiohook-correlation-id",
    "x-api-key",
)
"""The six components that must be covered, in the platform's own order (P2.5)."""

ALGORITHM = "hmac-sha256"
MIN_NONCE = 22
"""Characters: 128 bits in base64 (P2.6 step 13)."""

# Derived components that exist but have no value in an upgrade as this verifier sees it, besides the two it resolves.
_UNRESOLVED = frozenset({"@method", "@scheme", "@target-uri", "@path", "@query", "@status"})
_UNSUPPORTED = frozenset({"@query-params", "@query-param", "signature"})
_UNSUPPORTED_PARAMETERS = frozenset({"sf", "bs", "req"})

_FOLD = re.compile(r"[ \t]*\r\n[ \t]+")


class Outcome(enum.Enum):
    """How a verification ended: the names of P2.6, and `KEY_ONLY` and `REPLAYED`."""

    VERIFIED = "verified"
    KEY_ONLY = "key only"  # not signed, and the secret of this key is configured as empty (P2.7)
    UNSIGNED = "unsigned"  # not signed, but this key has a secret or is unknown
    EXPIRED = "expired"
    FAILED = "failed"
    INVALID = "invalid"
    PRECONDITION = "precondition"
    UNSUPPORTED = "unsupported"
    REPLAYED = "replayed"


class Verdict(msgspec.Struct, frozen=True):
    """The result of one verification.

    Attributes:
        outcome: let the request in only if `ok`.
        key_id: the API key that the request shows, proven only if `ok`; None if it shows none.
        reason: for our own log; never for the peer. May be set although `ok` (a replay that is only logged).
    """

    outcome: Outcome
    key_id: str | None
    reason: str = ""

    @property
    def ok(self) -> bool:
        return self.outcome is Outcome.VERIFIED or self.outcome is Outcome.KEY_ONLY


class KeyLookup(Protocol):
    """Where secrets come from. A `dict[str, bytes]` will do."""

    def get(self, key_id: str, /) -> bytes | None:
        """The decoded client secret; empty if requests with this key need no signature; None if the key is unknown."""


class NonceCache:
    """Remembers the nonces of *verified* signatures while these could pass again.

    Nobody without a secret can put anything in. Each key has its own room of `capacity` nonces (kept as hashes, about
    150 bytes each), and a full room forgets its own oldest: one customer's burst cannot wash out another's.
    The default holds 16 s (age 10 s, skew 3 s on both sides) of 500 sessions a second with one key.
    """

    def __init__(self, capacity: int = 8192) -> None:
        self._capacity = capacity
        # Ordered ones: a plain dict passes over all that was ever taken from its front to find the oldest.
        self._rooms: dict[str, OrderedDict[bytes, float]] = {}

    def add(self, key_id: str, nonce: str, *, until: float, now: float) -> bool:
        """Remember a nonce up to the time `until`.

        Returns:
            False if it was there already: a replay.
        """
        return self.remember(key_id, self.mark(nonce), until=until, now=now)

    @staticmethod
    def mark(nonce: str) -> bytes:
        """What is kept of a nonce: 16 bytes."""
        return hashlib.sha256(nonce.encode()).digest()[:16]

    def remember(self, key: str, mark: bytes, *, until: float, now: float) -> bool:
        """The same, by the nonce's mark."""
        room = self._rooms.get(key)
        if room is None:
            room = self._rooms[key] = OrderedDict()
        if room.get(mark, float("-inf")) >= now:
            return False
        room.pop(mark, None)
        # Entries lie in order of arrival, which is the order of expiry up to the clocks' skew.
        while room and (len(room) >= self._capacity or room[next(iter(room))] < now):
            room.popitem(last=False)
        room[mark] = until
        return True

    def __len__(self) -> int:
        return sum(map(len, self._rooms.values()))


class _Refused(Exception):
    """Leaves a verification early; never leaves `Verifier.verify`."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome
        self.reason = reason


class Verifier:
    """Judges the signatures of upgrade requests by the rules of P2.6, with the defaults of P15 rows 6 to 9.

    Args:
        keys: secrets by API key.
        decoy: random bytes that stand in for the secret of an unknown key, so that it costs the same time; as long as
            a usual secret (32 bytes). Draw it once per process.
        max_age: seconds from `created` during which a signature is good; None: no limit, and `created` may be absent.
        skew: seconds by which the two clocks may differ.
        tighten: True applies `skew` to age and expiry *against* the caller, as the vendor's sample does (a limit of
            10 s becomes 7 s); False widens both by it.
        replay: what a nonce that was used before leads to: "enforce" refuses, "log" says so in `reason`, "off" does
            not look.
        nonces: the memory for it; one of its own if None.
        label: which signature counts if there are several; None: the first.
    """

    def __init__(
        self,
        keys: KeyLookup,
        *,
        decoy: bytes,
        max_age: float | None = 10.0,
        skew: float = 3.0,
        tighten: bool = False,
        replay: Literal["enforce", "log", "off"] = "enforce",
        nonces: NonceCache | None = None,
        label: str | None = None,
    ) -> None:
        if not decoy:
            raise ValueError("decoy must not be empty: pass secrets.token_bytes(32)")
        self._keys = keys
        self._decoy = decoy
        self._max_age = max_age
        self._skew = skew
        self._grace = -skew if tighten else skew
        self._replay = replay
        self._nonces = NonceCache() if nonces is None else nonces
        self._label = label

    def verify(
        self, *, target: str, authority: str, headers: Mapping[str, str], now: float, secure: bool = True
    ) -> Verdict:
        """Judge one request. Never raises, whatever the peer sent.

        Args:
            target: path and query exactly as on the request line.
            authority: host and port as the client addressed us: the `Host` header, or what a trusted proxy forwards.
            headers: as `canonical_headers` makes them.
            now: UNIX time in seconds.
            secure: TLS ended here, so that only 443 can be the default port; see `normal_authority`.
        """
        key_id = headers.get("x-api-key") or None
        try:
            if key_id is None:
                raise _Refused(Outcome.PRECONDITION, "no X-API-KEY")
            signatures = read_signatures(headers)
            if not signatures:
                return self._unsigned(key_id)
            signed = self._select(signatures)
            until = self._check_times(signed.parameters, now)
            special = _special(target, authority, normal_authority(authority, secure=secure))
            values = _covered_values(signed.components, special, headers, STANDARD)
            base = signature_base(values, signed.signature_params())
            self._authenticate(signed, key_id, base)
            return self._check_replay(key_id, signed.parameters.nonce or "", until, now)
        except MalformedField as why:
            return Verdict(Outcome.INVALID, key_id, str(why))
        except UnicodeEncodeError:
            return Verdict(Outcome.INVALID, key_id, "a covered value is not ASCII")
        except _Refused as why:
            return Verdict(why.outcome, key_id, why.reason)

    def _unsigned(self, key_id: str) -> Verdict:
        if self._keys.get(key_id) == b"":
            return Verdict(Outcome.KEY_ONLY, key_id)
        return Verdict(Outcome.UNSIGNED, key_id, "no signature, and none is excused for this key")

    def _select(self, signatures: Sequence[Signed]) -> Signed:
        for signed in signatures:
            if self._label is None or signed.label == self._label:
                return signed
        raise _Refused(Outcome.PRECONDITION, f"no signature has the label {self._label}")

    def _check_times(self, parameters: SignatureParameters, now: float) -> float:
        """P2.6 steps 7 to 9. Returns the time from which the same signature will be refused as too old."""
        created, expires = parameters.created, parameters.expires
        if created is not None and created > now + self._skew:
            raise _Refused(Outcome.PRECONDITION, f"created {created - now:.1f} s in the future: compare the clocks")
        until = float("inf") if expires is None else expires + self._grace
        if until < now:
            raise _Refused(Outcome.EXPIRED, f"expires lies {now - until:.1f} s beyond the limit")
        if self._max_age is None:
            return until
        if created is None:
            raise _Refused(Outcome.PRECONDITION, "no created parameter: the age is unknown")
        until = min(until, created + self._max_age + self._grace)
        if until < now:
            raise _Refused(Outcome.EXPIRED, f"signed {now - created:.1f} s ago")
        return until

    def _authenticate(self, signed: Signed, key_id: str, base: bytes) -> None:
        """P2.6 steps 13 to 17. From the look-up of the key on, each path does the same work."""
        parameters = signed.parameters
        if len(parameters.nonce or "") < MIN_NONCE:
            raise _Refused(Outcome.PRECONDITION, f"no nonce, or one of less than {MIN_NONCE} characters")
        if parameters.keyid != key_id:
            raise _Refused(Outcome.PRECONDITION, "keyid is not X-API-KEY")
        secret = self._keys.get(key_id)
        # An empty HMAC key equals one of zero bytes (P2.7): a signature made with it proves nothing.
        matches = hmac.compare_digest(signed.signature, hmac.digest(secret or self._decoy, base, "sha256"))
        if parameters.alg not in (None, ALGORITHM):
            raise _Refused(Outcome.UNSUPPORTED, f"the algorithm is not {ALGORITHM}")
        if not (matches and secret):
            reason = "unknown API key" if secret is None else "signature does not match" if secret else "empty secret"
            raise _Refused(Outcome.FAILED, reason)

    def _check_replay(self, key_id: str, nonce: str, until: float, now: float) -> Verdict:
        if self._replay == "off" or self._nonces.add(key_id, nonce, until=until, now=now):
            return Verdict(Outcome.VERIFIED, key_id)
        outcome = Outcome.REPLAYED if self._replay == "enforce" else Outcome.VERIFIED
        return Verdict(outcome, key_id, "the nonce was used before")


def sign(
    *,
    target: str,
    authority: str,
    headers: Mapping[str, str],
    key_id: str,
    secret: bytes,
    nonce: str,
    created: int,
    expires: int,
    components: Sequence[str] = STANDARD,
    label: str = "sig1",
) -> dict[str, str]:
    """Sign an upgrade request.

    Args:
        target: path and query exactly as they will stand on the request line.
        authority: host and port, already without the default port of the scheme.
        headers: what `components` name, besides `@request-target`, `@authority` and `host`; names in any case.
        secret: decoded, not empty.
        nonce: unique for each request; at least 22 characters or nobody will accept it.
        created: UNIX time, seconds.
        expires: UNIX time, seconds.

    Returns:
        The values of `signature-input` and `signature`.

    Raises:
        UsageError: empty secret, a component without value, or something that structured fields cannot carry.
    """
    if not secret:
        raise UsageError("an empty client secret cannot sign: leave the request unsigned")
    special = _special(target, authority, authority.lower())
    fields = canonical_headers(headers.items())
    parameters: dict[str, str | int] = {"keyid": key_id, "nonce": nonce, "alg": ALGORITHM}
    parameters |= {"created": created, "expires": expires}
    try:
        values = _covered_values([(name, {}) for name in components], special, fields, required=())
        params = write_signature_params(components, parameters)
        mac = hmac.digest(secret, signature_base(values, params), "sha256")
        return {"signature-input": f"{label}={params}", "signature": write_signature(label, mac)}
    except (_Refused, ValueError) as why:
        raise UsageError(f"the request cannot be signed: {why}") from None


def signature_base(values: Mapping[str, str], signature_params: str) -> bytes:
    """The bytes that are signed (P2.5 step 5): one line for each of `values`, in their order, then the parameters.

    Raises:
        UnicodeEncodeError: a value is not ASCII.
    """
    lines = [f'"{name}": {value}' for name, value in values.items()]
    lines.append(f'"@signature-params": {signature_params}')
    return "\n".join(lines).encode("ascii")


def canonical_headers(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Lower-case names; values trimmed, folds made one space, repeated fields joined with ", " (P2.5 step 3)."""
    headers: dict[str, str] = {}
    for name, value in fields:
        name = name.lower()
        value = _FOLD.sub(" ", value.strip(" \t\r\n"))
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def normal_authority(authority: str, *, secure: bool) -> str:
    """The value of `@authority` from a `Host` header: lower-case, without default port (P2.5 step 2).

    Without TLS of our own, both 80 and 443 are dropped: a proxy before us may have ended the client's TLS.
    """
    authority = authority.lower().removesuffix(":443")
    return authority if secure else authority.removesuffix(":80")


def _special(target: str, host: str, authority: str) -> dict[str, str]:
    """The components that are not read from the header fields."""
    # `host` is what the client addressed, not the Host header: a proxy may have changed that on the way.
    return {"@request-target": target, "@authority": authority, "host": host}


def _covered_values(
    components: Iterable[Component], special: Mapping[str, str], headers: Mapping[str, str], required: Iterable[str]
) -> dict[str, str]:
    """P2.6 steps 10 and 11: the value of each covered component, in the order received."""
    values: dict[str, str] = {}
    for name, parameters in components:
        if name == "@signature-params":
            raise _Refused(Outcome.INVALID, "@signature-params is listed as a component")
        if name in _UNSUPPORTED or not _UNSUPPORTED_PARAMETERS.isdisjoint(parameters):
            raise _Refused(Outcome.UNSUPPORTED, f"component {name[:40]!r} or its parameters are not supported")
        if parameters or name in values:
            raise _Refused(Outcome.INVALID, f"component {name[:40]!r} has parameters or is listed twice")
        if name[:1] == "@" and name not in special and name not in _UNRESOLVED:
            raise _Refused(Outcome.INVALID, f"unknown derived component {name[:40]!r}")
        value = special[name] if name in special else headers.get(name)
        if not value:
            raise _Refused(Outcome.PRECONDITION, f"component {name[:40]!r} has no value in this request")
        if "\n" in value:  # one value must not be able to forge another line of the base
            raise _Refused(Outcome.INVALID, f"the value of {name[:40]!r} has several lines")
        values[name] = value
    for name in required:
        # An older form of the protocol covered `host` in the place of `@authority` (P2.5 step 1, P15 row 6).
        if name not in values and not (name == "@authority" and "host" in values):
            raise _Refused(Outcome.PRECONDITION, f"the signature does not cover {name}")
    return values
