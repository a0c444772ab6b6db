"""Chapter 1: the upgrade request and its signature (P2)."""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Mapping

from ..caller import ORGANIZATION, Caller
from ..case import Failure, Source, Unsigned
from ..line import SOON, Line
from ..signing import COVERED, Signing, identity
from ..suites import SERVER

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def unsigned(caller: Caller) -> dict[str, str]:
    return identity(ORGANIZATION, caller.target.key)


def signed(caller: Caller, how: Signing | None = None, fields: Mapping[str, str] | None = None, *,
           target: str = "", secret: bytes | None = None) -> dict[str, str]:  # fmt: skip
    """The platform's fields with a signature; skips the case where the target has no secret."""
    if not caller.target.signed:
        raise Unsigned("needs --key and --secret")
    own = dict(fields or unsigned(caller))
    key = caller.target.secret if secret is None else secret
    address = caller.address
    return own | (how or Signing()).sign(own, target or address.target, address.authority, key)


async def let_in(caller: Caller, fields: Mapping[str, str], *, target: str = "") -> None:
    """Expect 101, and a session that opens.

    Raises:
        Failure: The request was refused.
    """
    status, _, socket = await caller.upgrade(fields, target=target or None)
    if status != 101:
        raise Failure(f"refused with HTTP {status}" if status else "closed without an HTTP answer")
    session = next(value for name, value in fields.items() if name.lower() == "audiohook-session-id")
    line = await caller.open(line=Line(socket, "client", session))
    await caller.finish(line)


async def turned_away(caller: Caller, fields: Mapping[str, str], *, target: str = "") -> None:
    """Expect HTTP 401, or a socket on which `open` is answered with `disconnect` (P2.9).

    Raises:
        Failure: The session opens.
    """
    status, _, socket = await caller.upgrade(fields, target=target or None)
    if status != 101:
        if status == 0 or status >= 500:
            raise Failure(f"answered HTTP {status}" if status else "closed without an HTTP answer")
        if status not in (400, 401, 403):
            caller.notes.non_strict.append(f"refused with HTTP {status}; the rule is 401")
        return
    lower = {name.lower(): value for name, value in fields.items()}
    line = Line(socket, "client", lower.get("audiohook-session-id", str(uuid.uuid4())))
    await line.send("open", caller.opening(organizationId=lower.get("audiohook-organization-id", ORGANIZATION)))
    got = await line.expect("disconnect", "opened", within=SOON)
    if got["type"] == "opened":
        raise Failure("let it in")


@SERVER.case(
    "1.1", "A request of the platform is accepted",
    does="Asks for a WebSocket with the platform's fields, signed if there is a secret, and opens a session.",
    expects="HTTP 101, not a redirect, and `opened`.",
    rule="P2.1, P2.9: a plain RFC 6455 upgrade; redirects are not followed", source=Source.REFERENCE,
    advice="Serve the WebSocket at the exact URI that the integration is configured with.",
)  # fmt: skip
async def accepted(caller: Caller) -> None:
    await let_in(caller, caller.headers(str(uuid.uuid4())))


@SERVER.case(
    "1.2", "Sec-WebSocket-Accept proves that the key was read",
    does="Sends a random Sec-WebSocket-Key.", expects="The digest that RFC 6455 section 4.2.2 asks for.",
    rule="P2.1: RFC 6455", source=Source.VENDOR, advice="Leave the handshake to a WebSocket library.",
)  # fmt: skip
async def accept_digest(caller: Caller) -> None:
    key = base64.b64encode(b"offhook-offhook-").decode()
    socket = await caller.connect()
    fields = [
        ("Host", caller.address.authority), ("Connection", "Upgrade"), ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", key), *caller.headers(str(uuid.uuid4())).items(),
    ]  # fmt: skip
    status, head = await socket.request(caller.address.target, fields)
    wanted = base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest()).decode()
    if status != 101 or _field(head, "sec-websocket-accept") != wanted:
        raise Failure(f"HTTP {status}, Sec-WebSocket-Accept {_field(head, 'sec-websocket-accept')!r}")


@SERVER.case(
    "1.3", "No subprotocol and no extension that nobody asked for",
    does="Asks for neither.", expects="An answer without Sec-WebSocket-Protocol and Sec-WebSocket-Extensions.",
    rule="P2.1: RFC 6455 section 4.1 makes a client fail otherwise", source=Source.VENDOR,
    advice="Configure no subprotocol, and no compression.",
)  # fmt: skip
async def no_extras(caller: Caller) -> None:
    _, head, _ = await caller.upgrade(caller.headers(str(uuid.uuid4())))
    for name in ("sec-websocket-protocol", "sec-websocket-extensions"):
        if _field(head, name):
            raise Failure(f"answered {name}: {_field(head, name)}")


@SERVER.case(
    "1.4", "Names of header fields are read in any case",
    does="Sends all fields with lower-case names, as some proxies do.", expects="A session that opens.",
    rule="P2.2: names are case-insensitive", source=Source.REFERENCE,
    advice="Look header fields up without regard to case.",
)  # fmt: skip
async def lower_case(caller: Caller) -> None:
    fields = caller.headers(str(uuid.uuid4()))
    await let_in(caller, {name.lower(): value for name, value in fields.items()})


@SERVER.case(
    "1.5", "A request without Audiohook-Retry-Attempt is accepted",
    does="Leaves the newer header out.", expects="A session that opens.",
    rule="P2.2: not sent by older clients", source=Source.REFERENCE, advice="Never require this header.",
)  # fmt: skip
async def no_retry_header(caller: Caller) -> None:
    fields = caller.headers(str(uuid.uuid4()), omit=["audiohook-retry-attempt"])
    await let_in(caller, fields)


@SERVER.case(
    "1.6", "A query in the URI is accepted",
    does="Adds a query to the path, as connector ids do.", expects="A session that opens.",
    rule="P2.1: the connector id may hold a query string", source=Source.REFERENCE, profiles=frozenset({"connector"}),
    advice="Route by the path and leave the query to the application; sign over both.",
)  # fmt: skip
async def query(caller: Caller) -> None:
    target = caller.address.target + ("&" if "?" in caller.address.target else "?") + "lang=en-US"
    fields = unsigned(caller)
    await let_in(caller, signed(caller, None, fields, target=target) if caller.target.signed else fields, target=target)


@SERVER.case(
    "1.7", "A request without a session id is refused",
    does="Leaves Audiohook-Session-Id out.", expects="No session.",
    rule="P2.2: the reference's endpoint refuses it", source=Source.INFERRED,
    advice="Check that the header is there: every message of the session repeats it.",
)  # fmt: skip
async def no_session_id(caller: Caller) -> None:
    fields = {name: value for name, value in unsigned(caller).items() if name != "Audiohook-Session-Id"}
    await turned_away(caller, signed(caller, None, fields) if caller.target.signed else fields)


@SERVER.case(
    "1.8", "A session id that is no UUID is refused",
    does="Sends Audiohook-Session-Id: nonsense.", expects="No session.",
    rule="P2.2: the reference's endpoint refuses it", source=Source.INFERRED, advice="Check the form of the header.",
)  # fmt: skip
async def odd_session_id(caller: Caller) -> None:
    fields = identity(ORGANIZATION, caller.target.key, "nonsense")
    await turned_away(caller, signed(caller, None, fields) if caller.target.signed else fields)


@SERVER.case(
    "1.9", "A plain GET gets no WebSocket",
    does="Asks without Upgrade.", expects="Some HTTP answer that is not 101, and a server that lives.",
    rule="P2.1: RFC 6455 section 4.2.1", source=Source.VENDOR, advice="Leave the handshake to a WebSocket library.",
)  # fmt: skip
async def plain_get(caller: Caller) -> None:
    socket = await caller.connect()
    fields = [("Host", caller.address.authority), *caller.headers(str(uuid.uuid4())).items()]
    status, _ = await socket.request(caller.address.target, fields)
    if status in (0, 101):
        raise Failure(f"answered HTTP {status}" if status else "closed without an HTTP answer")


def _field(head: str, name: str) -> str:
    for line in head.split("\r\n")[1:]:
        given, _, value = line.partition(":")
        if given.strip().lower() == name:
            return value.strip()
    return ""


def _tolerated(number: str, title: str, does: str, how: Signing, rule: str, advice: str) -> None:
    @SERVER.case(number, title, does=does, expects="A session that opens.", rule=rule, source=Source.REFERENCE,
                 advice=advice)  # fmt: skip
    async def run(caller: Caller) -> None:
        await let_in(caller, signed(caller, how, unsigned(caller) | {"X-Trace": "1"}))


_tolerated("1.10", "Components may stand in any order", "Signs over the six components in reverse order.",
           Signing(tuple(reversed(COVERED))), "P2.6 step 11: any order",
           "Build the signature base in the order of Signature-Input, not in one of your own.")  # fmt: skip
_tolerated("1.11", "A signature may have any label", "Labels the signature `platform`.", Signing(label="platform"),
           "P2.5 step 6: any label, matched between the two fields",
           "Take the label from Signature-Input and look it up in Signature.")  # fmt: skip
_tolerated("1.12", "More components than six may be covered", "Covers one more header field.",
           Signing((*COVERED, "x-trace")), "P2.6 step 11: extra ones allowed",
           "Require the six, and take all others from Signature-Input.")  # fmt: skip
_tolerated("1.13", "A clock that is 2 s ahead is accepted", "Signs as if it was 2 s later.", Signing(age=-2),
           "P2.6 step 7: 3 s skew", "Allow for clocks that differ by some seconds.")  # fmt: skip


def _refused(number: str, title: str, does: str, how: Signing, rule: str, advice: str,
             source: Source = Source.REFERENCE) -> None:  # fmt: skip
    @SERVER.case(number, title, does=does, expects="No session: HTTP 401, or `disconnect` unauthorized.", rule=rule,
                 source=source, advice=advice)  # fmt: skip
    async def run(caller: Caller) -> None:
        await turned_away(caller, signed(caller, how))


_TIMES = "Check created and expires against your clock, with a few seconds of skew."
_refused("1.14", "An expired signature is refused", "Signs with `expires` a minute ago.",
         Signing(age=70, lifetime=10), "P2.6 step 8", _TIMES)  # fmt: skip
_refused("1.15", "A signature of the future is refused", "Signs with `created` in a minute.", Signing(age=-60),
         "P2.6 step 7", _TIMES)  # fmt: skip
_refused("1.16", "An old signature is refused, expired or not", "Signs with `created` 60 s ago, `expires` in 60 s.",
         Signing(age=60, lifetime=120), "P2.6 step 9: at most 10 s old", _TIMES, Source.INFERRED)  # fmt: skip
_refused("1.17", "A short nonce is refused", "Signs with a nonce of 8 letters.", Signing(nonce="c2hvcnRv"),
         "P2.6 step 13: at least 22 characters", "Require a nonce of 22 characters or more.")  # fmt: skip
_refused("1.18", "A signature without a nonce is refused", "Signs without a nonce.", Signing(nonce=""),
         "P2.6 step 13", "Require a nonce of 22 characters or more.")  # fmt: skip
_refused("1.19", "A keyid that is not the API key is refused", "Signs with another keyid.",
         Signing(keyid="c29tZWJvZHk="), "P2.6 step 14", "Compare keyid with X-API-KEY.")  # fmt: skip
_refused("1.20", "Another algorithm is refused", "Names alg rsa-pss-sha512.", Signing(alg="rsa-pss-sha512"),
         "P2.6 step 16", "Accept hmac-sha256 alone, whatever the request names.")  # fmt: skip
_refused("1.21", "An unknown signature parameter is refused", "Adds a parameter that does not exist.",
         Signing(further=';tag="x"'), "P2.6 step 5", "Accept the five known ones alone.", Source.INFERRED)  # fmt: skip

for _place, _name in enumerate(COVERED, 22):
    _refused(f"1.{_place}", f"A signature that does not cover {_name} is refused", f"Leaves {_name} out.",
             Signing(tuple(name for name in COVERED if name != _name)), "P2.6 step 11: all six required",
             f"Require {_name} among the covered components.")  # fmt: skip


def _changed(number: str, name: str, value: str) -> None:
    @SERVER.case(number, f"A signature of another {name} is refused", does=f"Changes {name} after signing.",
                 expects="No session: HTTP 401, or `disconnect` unauthorized.", rule="P2.6 step 17",
                 source=Source.REFERENCE, advice="Build the signature base from the request as it came.")  # fmt: skip
    async def run(caller: Caller) -> None:
        await turned_away(caller, signed(caller) | {name: value})


_changed("1.28", "Audiohook-Organization-Id", "11111111-2222-4333-8444-555555555555")
_changed("1.29", "Audiohook-Session-Id", "11111111-2222-4333-8444-555555555555")
_changed("1.30", "Audiohook-Correlation-Id", "11111111-2222-4333-8444-555555555555")


@SERVER.case(
    "1.31", "A signature of another path is refused",
    does="Signs one path and asks for it with a query.", expects="No session: HTTP 401, or `disconnect` unauthorized.",
    rule="P2.6 step 17", source=Source.REFERENCE, advice="Sign over path and query exactly as on the request line.",
)  # fmt: skip
async def other_path(caller: Caller) -> None:
    target = caller.address.target + ("&" if "?" in caller.address.target else "?") + "more=1"
    await turned_away(caller, signed(caller), target=target)


def _damaged(number: str, title: str, does: str, change: Mapping[str, str | None], advice: str) -> None:
    @SERVER.case(number, title, does=does, expects="No session: HTTP 401, or `disconnect` unauthorized.",
                 rule="P2.6 steps 1 to 4", source=Source.REFERENCE, advice=advice)  # fmt: skip
    async def run(caller: Caller) -> None:
        changed: dict[str, str | None] = {**signed(caller), **change}
        await turned_away(caller, {name: value for name, value in changed.items() if value is not None})


_PARSER = "Parse both fields strictly, with a structured-fields library, and refuse what does not parse."
_damaged("1.32", "An unsigned request is refused where there is a secret", "Leaves both signature fields out.",
         {"Signature": None, "Signature-Input": None}, "Accept these for keys without a secret only.")  # fmt: skip
_damaged("1.33", "Signature-Input alone is refused", "Leaves Signature out.", {"Signature": None}, _PARSER)
_damaged("1.34", "Signature alone is refused", "Leaves Signature-Input out.", {"Signature-Input": None}, _PARSER)
_damaged(
    "1.35",
    "A Signature-Input of garbage is refused",
    "Sends Signature-Input: ((((.",
    {"Signature-Input": "((("},
    _PARSER,
)
_damaged("1.36", "A Signature that is no byte sequence is refused", "Sends Signature: sig1=abc.",
         {"Signature": "sig1=abc"}, _PARSER)  # fmt: skip
_damaged("1.37", "A signature of another length is refused", "Sends a signature of three bytes.",
         {"Signature": "sig1=:AAAA:"}, "Check the length first: some comparisons raise otherwise.")  # fmt: skip
_damaged("1.38", "A request without an API key is refused", "Leaves X-API-KEY out.", {"X-API-KEY": None},
         "Require X-API-KEY.")  # fmt: skip


@SERVER.case(
    "1.39", "A wrong secret is refused",
    does="Signs with another secret.", expects="No session: HTTP 401, or `disconnect` unauthorized.",
    rule="P2.6 step 17", source=Source.REFERENCE,
    advice="Compare all bytes, with the base64-decoded client secret as the key.",
)  # fmt: skip
async def wrong_secret(caller: Caller) -> None:
    await turned_away(caller, signed(caller, secret=b"not the secret that was agreed on"))


@SERVER.case(
    "1.40", "An empty secret is no way in",
    does="Signs with an empty secret.", expects="No session: HTTP 401, or `disconnect` unauthorized.",
    rule="P2.7: never verify a signed request against an empty secret", source=Source.REFERENCE,
    advice="Decode the secret from base64, and check that there is one.",
)  # fmt: skip
async def empty_secret(caller: Caller) -> None:
    await turned_away(caller, signed(caller, secret=b""))


@SERVER.case(
    "1.41", "An unknown API key is refused",
    does="Sends an API key that was made up, well signed.", expects="No session: HTTP 401, or `disconnect`.",
    rule="P2.6 step 15", source=Source.REFERENCE, advice="Refuse keys that are not configured.",
)  # fmt: skip
async def unknown_key(caller: Caller) -> None:
    await turned_away(caller, signed(caller, None, unsigned(caller) | {"X-API-KEY": "bWFkZS11cC1rZXk="}))


@SERVER.case(
    "1.42", "A request that was seen before is refused",
    does="Sends one signed request twice.", expects="The second gets no session.",
    rule="P2.6, P15 row 8: a nonce is unique per request", source=Source.INFERRED,
    advice="Remember nonces for as long as their signatures are good.",
)  # fmt: skip
async def replayed(caller: Caller) -> None:
    fields = signed(caller)
    await let_in(caller, fields)
    await turned_away(caller, fields)


@SERVER.case(
    "1.43", "The organisation of the header and of open must agree",
    does="Opens a session with another organizationId than the header's.", expects="`disconnect` unauthorized.",
    rule="P2.6: checked after verification", source=Source.REFERENCE,
    advice="Compare open.parameters.organizationId with the Audiohook-Organization-Id header.",
)  # fmt: skip
async def other_organization(caller: Caller) -> None:
    line = await caller.line()
    await line.send("open", caller.opening(organizationId="11111111-2222-4333-8444-555555555555"))
    await caller.refused(line, "unauthorized", "error")
