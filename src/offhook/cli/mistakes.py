"""Why a signature does not verify: tries what signers and proxies usually get wrong, and says which of it would have.

A tool for people who hold the secret: it must never stand behind a port.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Final, NamedTuple
from urllib.parse import unquote

from ..protocol.signature import MIN_NONCE, STANDARD, Outcome, Verdict
from ..protocol.structured import MalformedField, Signed, read_signatures
from ..session.keys import Endpoint


class Request(NamedTuple):
    """An upgrade request as its server should have seen it.

    Attributes:
        endpoint: Where the client meant to go.
        headers: As `protocol.signature.canonical_headers` makes them.
        target: Of the request line, where there was one; otherwise empty.
    """

    endpoint: Endpoint
    headers: Mapping[str, str]
    target: str = ""


@dataclass(frozen=True, slots=True)
class _Guess:
    """One value, and what would have to be true for it to be the one that was signed; empty if it is the right one."""

    value: bytes
    because: str = ""


def signature_of(headers: Mapping[str, str]) -> Signed | None:
    """The first signature of a request; None if it has none that can be read."""
    try:
        return next(iter(read_signatures(headers)), None)
    except MalformedField:
        return None


def base_of(signed: Signed, request: Request) -> bytes:
    """What the signature is made over, as this server builds it; a component without value stands empty."""
    return _base(signed, request, request.endpoint.target, request.endpoint.authority)


def _base(signed: Signed, request: Request, target: str, authority: str) -> bytes:
    special = {"@request-target": target, "@authority": authority, "host": authority}
    lines = [f'"{name}": {special.get(name) or request.headers.get(name, "")}' for name, _ in signed.components]
    return "\n".join([*lines, f'"@signature-params": {signed.signature_params()}']).encode()


def would_verify(signed: Signed, request: Request, secret: bytes, others: Mapping[str, bytes]) -> list[str] | None:
    """What the signer, or a proxy, seems to have done: the smallest set of usual mistakes that makes it match.

    Args:
        secret: Of the API key, decoded; empty if there is none.
        others: Secrets by other API keys.

    Returns:
        Sentences: none if it matches as it is. None if nothing usual explains it.
    """
    guesses = _secrets(secret, others), _targets(request), _authorities(request), _endings()
    # Right values stand first, so what is not signed at all is never called a mistake.
    for key, target, authority, ending in product(*guesses):
        base = _base(signed, request, target.value.decode(), authority.value.decode()) + ending.value
        if hmac.compare_digest(hmac.digest(key.value, base, "sha256"), signed.signature):
            return [guess.because for guess in (key, target, authority, ending) if guess.because]
    return None


def _secrets(right: bytes, others: Mapping[str, bytes]) -> list[_Guess]:
    guesses = []
    if right:
        text = base64.b64encode(right)
        as_text = "the secret was used as text: it has to be decoded from base64"
        guesses += [
            _Guess(right),
            _Guess(text, as_text),
            _Guess(text.rstrip(b"="), as_text),
            _Guess(text + b"\n", f"{as_text}, and has no line end"),
            _Guess(right + b"\n", "a line end was taken for a part of the secret"),
            _Guess(right.hex().encode(), "the secret was used as hexadecimal text: it is the decoded bytes"),
        ]
        twice = _decoded(right)
        if twice:
            guesses.append(_Guess(twice, "the secret was decoded twice, or encoded twice when it was made"))
    guesses.append(_Guess(b"", "the signer has an empty secret"))
    return guesses + [
        _Guess(secret, f"the secret of another API key was used, {key}") for key, secret in others.items()
    ]


def _decoded(text: bytes) -> bytes | None:
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except ValueError:
        return None


def _targets(request: Request) -> list[_Guess]:
    endpoint = request.endpoint
    target = endpoint.target
    path, question, query = target.partition("?")
    bare = path.rstrip("/") or "/"
    whole = f"{'wss' if endpoint.secure else 'ws'}://{endpoint.authority}{target}"
    guesses = {
        target: "",
        request.target: f"the target was that of the request line, {request.target}: a proxy may change it",
        path: "the query was left out: path and query are signed",
        bare + question + query: "the path was signed without the slash behind it",
        f"{bare}/{question}{query}": "the path was signed with a slash behind it",
        unquote(target): "%XX in the target was decoded: it is signed as it is sent",
        target[1:]: "the target was signed without the slash before it",
        whole: "the whole URI was signed as the target: only path and query are",
    }
    return _ordered(guesses, target)


def _authorities(request: Request) -> list[_Guess]:
    endpoint, headers = request.endpoint, request.headers
    bare = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    host = headers.get("host", "")
    forwarded = headers.get("x-forwarded-host", "").partition(",")[0].strip()
    guesses = {
        f"{bare}:{endpoint.port}": "the default port was kept in the authority: it is left out",
        bare: "the port was left out of the authority: one that is not the default stays",
        host: f"the authority was the Host header, {host}: the client was told another URI",
        forwarded: f"the client addressed {forwarded}, before a proxy: serve with --trust-proxy",
    }
    return _ordered(guesses, endpoint.authority)


def _endings() -> list[_Guess]:
    return [_Guess(b""), _Guess(b"\n", "a line end stood behind the signature base: its last line has none")]


def _ordered(guesses: Mapping[str, str], right: str) -> list[_Guess]:
    """The right value, then the others that there are."""
    wrong = [_Guess(value.encode(), because) for value, because in guesses.items() if value and value != right]
    return [_Guess(right.encode()), *wrong]


_CLOCK: Final = "compare the clocks of both machines; what was captured can be judged with --at or --no-age"
_ADVICE: Final = (
    (Outcome.PRECONDITION, "no X-API-KEY", "The header X-API-KEY is missing: a proxy may have dropped it."),
    (Outcome.PRECONDITION, "in the future", f"The signer's clock is ahead: {_CLOCK}."),
    (Outcome.PRECONDITION, "no created", "The signature has no `created`: sign with the UNIX time in seconds."),
    (Outcome.PRECONDITION, "no nonce", f"A nonce has at least {MIN_NONCE} characters, 128 random bits."),
    (Outcome.PRECONDITION, "keyid", "The parameter `keyid` must repeat the X-API-KEY header."),
    (Outcome.PRECONDITION, "has no value", "What was signed is not in the request: a proxy may have dropped it."),
    (Outcome.PRECONDITION, "does not cover", f"All six components must be signed: {', '.join(STANDARD)}."),
    (Outcome.EXPIRED, "", f"The signature is too old: {_CLOCK}."),
    (Outcome.UNSUPPORTED, "algorithm", "Only hmac-sha256 is used, whatever `alg` says."),
    (Outcome.UNSUPPORTED, "", "A component or one of its parameters is not used by AudioHook: sign the standard six."),
    (Outcome.FAILED, "unknown API key", "The API key is not among those given: check for another environment's key."),
    (Outcome.FAILED, "empty secret", "This key has an empty secret here, so nothing signed with it can be trusted."),
    (Outcome.FAILED, "", "Secret or signed values differ: compare the signature base with the signer's, line by line."),
    (Outcome.UNSIGNED, "", "Set the client secret in the integration; or a proxy has dropped the signature."),
    (Outcome.INVALID, "only one of", "Signature-Input and Signature belong together: a proxy may have dropped one."),
    (Outcome.INVALID, "", "Write both headers as structured fields (RFC 8941), with the same labels."),
)  # fmt: skip


def advice(verdict: Verdict) -> str:
    """One sentence on what to do about a refusal; empty if it is none."""
    if verdict.ok:
        return ""
    fits = (text for outcome, part, text in _ADVICE if outcome is verdict.outcome and part in verdict.reason)
    return next(fits, "")
