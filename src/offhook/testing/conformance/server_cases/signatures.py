"""Chapter 1, continued: signatures in odd forms, and requests that lack a field (P2)."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping

from ..caller import Caller
from ..case import Failure, Source
from ..line import Line
from ..signing import COVERED, Signing
from ..socket import upgrade_fields
from ..suites import SERVER
from .upgrade import let_in, signed, turned_away, unsigned

Judge = Callable[[Caller, Mapping[str, str]], Awaitable[None]]
_NO = "No session: HTTP 401, or `disconnect` unauthorized."


def _signed(number: str, title: str, does: str, how: Signing, rule: str, advice: str, *, judge: Judge = turned_away,
            source: Source = Source.REFERENCE) -> None:  # fmt: skip
    expects = _NO if judge is turned_away else "A session that opens."

    @SERVER.case(number, title, does=does, expects=expects, rule=rule, source=source, advice=advice)
    async def run(caller: Caller) -> None:
        await judge(caller, signed(caller, how))


_signed("1.44", "Parameters of a signature may stand in any order", "Writes keyid last and expires first.",
        Signing(backwards=True), "P2.6 step 12: the base is re-serialised from what came",
        "Serialise the parameters in the order of Signature-Input.", judge=let_in, source=Source.INFERRED)  # fmt: skip
_signed("1.45", "A signature without keyid is refused", "Signs without keyid.", Signing(left_out=("keyid",)),
        "P2.6 step 14", "Compare keyid with X-API-KEY; a missing one is another one.")  # fmt: skip
_signed("1.46", "A signature without created is refused", "Signs without created.", Signing(left_out=("created",)),
        "P2.6 step 9: required where age is limited", "Require created, and limit the age of signatures.",
        source=Source.INFERRED)  # fmt: skip
_signed("1.47", "A created that is a string is refused", "Signs with created as text.",
        Signing(left_out=("created",), further=';created="4000000000"'), "P2.6 step 5: right types",
        "Check the types of the parameters: times are integers.")  # fmt: skip
_signed("1.48", "A component that is listed twice is refused", "Covers @authority twice.",
        Signing((*COVERED, "@authority")), "P2.6 step 10", "Refuse a list of components that repeats one.")  # fmt: skip
_signed("1.49", "A signature over its own parameters is refused", "Lists @signature-params as a component.",
        Signing((*COVERED, "@signature-params")), "P2.6 step 10",
        "Refuse @signature-params among the components: it always stands last in the base.")  # fmt: skip


@SERVER.case(
    "1.50", "A signature of another label is refused",
    does="Labels Signature-Input sig1 and Signature sig2.", expects=_NO, rule="P2.6 step 4: labels belong together",
    source=Source.REFERENCE, advice="Look the signature up by the label of its input; do not take the first one.",
)  # fmt: skip
async def other_label(caller: Caller) -> None:
    fields = signed(caller)
    await turned_away(caller, fields | {"Signature": "sig2" + fields["Signature"].removeprefix("sig1")})


def _absent(number: str, name: str) -> None:
    @SERVER.case(number, f"A signed request without {name} is refused", does=f"Signs as if {name} was empty, and leaves it out.",
                 expects=_NO, rule="P2.6 step 10: a covered field that is absent", source=Source.REFERENCE,
                 advice="Refuse what covers a field that the request does not have.")  # fmt: skip
    async def run(caller: Caller) -> None:
        fields = {other: value for other, value in unsigned(caller).items() if other != name}
        await turned_away(caller, signed(caller, None, fields))


_absent("1.51", "Audiohook-Organization-Id")
_absent("1.52", "Audiohook-Correlation-Id")


def _handshake(number: str, title: str, does: str, **change: str) -> None:
    @SERVER.case(number, title, does=does, expects="An HTTP answer of the 400s.", rule="P2.1: RFC 6455 section 4.2.1",
                 source=Source.VENDOR, advice="Leave the handshake to a WebSocket library.")  # fmt: skip
    async def run(caller: Caller) -> None:
        plain = upgrade_fields(caller.address.authority, caller.headers(str(uuid.uuid4())))
        given = [(name, change.get(name.rpartition("-")[2], value)) for name, value in plain]
        socket = await caller.connect()
        status, _ = await socket.request(caller.address.target, [(name, value) for name, value in given if value])
        _answered(status)
        if status < 400:
            raise Failure(f"answered HTTP {status}")


def _answered(status: int) -> None:
    if status == 0 or status >= 500:
        raise Failure(f"answered HTTP {status}" if status else "closed without an HTTP answer")


_handshake("1.53", "An upgrade without Sec-WebSocket-Key is refused", "Leaves Sec-WebSocket-Key out.", Key="")
_handshake("1.54", "An upgrade of another version is refused", "Asks for version 8 of WebSocket.", Version="8")


async def either(caller: Caller, fields: Mapping[str, str], what: str, *, authority: str | None = None) -> None:
    """Note whether it is let in; all that is expected is an answer in order.

    Raises:
        Failure: There is none.
    """
    status, _, socket = await caller.upgrade(fields, authority=authority)
    if status != 101:
        _answered(status)
        caller.notes.info.append(f"{what} is refused with HTTP {status}")
        return
    line = Line(socket, "client", fields["Audiohook-Session-Id"])
    await line.send("open", caller.opening())
    got = await line.expect("opened", "disconnect", within=5.0)
    caller.notes.info.append(f"{what} is {'let in' if got['type'] == 'opened' else 'refused by `disconnect`'}")
    await caller.finish(line, "end" if got["type"] == "opened" else "disconnect")


@SERVER.case(
    "1.55", "A request through a proxy that changes Host is answered",
    does="Signs the public host, sends another Host, and the public one in X-Forwarded-Host.",
    expects="A session where the proxy is trusted, a refusal where not.", rule="P2.5 step 2: @authority is the client's",
    source=Source.INFERRED, advice="Behind a proxy verify against the host that clients address, and configure it so.",
)  # fmt: skip
async def proxied(caller: Caller) -> None:
    fields = signed(caller) | {"X-Forwarded-Host": caller.address.authority}
    await either(caller, fields, "a host that only the proxy names", authority="backend.internal:8080")


@SERVER.case(
    "1.56", "A signature over host in place of @authority is answered",
    does="Covers `host`, as an older example of the documentation did.", expects="A session, or a refusal.",
    rule="P2.5 step 1, P15 row 6", source=Source.OBSERVED, advice="Take components from Signature-Input; decide on host.",
)  # fmt: skip
async def older_form(caller: Caller) -> None:
    components = tuple("host" if name == "@authority" else name for name in COVERED)
    await either(caller, signed(caller, Signing(components)), "host in place of @authority")


_signed("1.57", "A clock that is 2 s behind is accepted", "Signs as if it was 2 s earlier.", Signing(age=2),
        "P2.6 step 9: an age of 10 s, less 3 s of skew", "Allow for clocks that differ by some seconds.", judge=let_in)  # fmt: skip

#: What a proxy writes into a request that it passes on.
_PROXY = {
    "Via": "1.1 proxy.example", "X-Forwarded-For": "203.0.113.7, 10.0.0.3", "X-Forwarded-Proto": "https",
    "X-Request-Id": "7d2c1f0a", "Forwarded": "for=203.0.113.7;proto=https", "Connection": "keep-alive, Upgrade",
}  # fmt: skip


def _passed_on(number: str, title: str, does: str, rule: str, advice: str, *names: str) -> None:
    @SERVER.case(
        number, title, does=does, expects="A session that opens.", rule=rule, source=Source.VENDOR, advice=advice
    )
    async def run(caller: Caller) -> None:
        session = str(uuid.uuid4())
        given = dict(upgrade_fields(caller.address.authority, caller.headers(session)))
        socket = await caller.connect()
        status, _ = await socket.request(caller.address.target, given | {name: _PROXY[name] for name in names})
        if status != 101:
            raise Failure(f"answered HTTP {status}" if status else "closed in place of an HTTP answer")
        await caller.finish(await caller.open(line=Line(socket, "client", session)))


_passed_on("1.58", "Fields that proxies add are passed over", "Adds Via, Forwarded and the like.",
           "RFC 9110 section 5.1: unknown fields are ignored", "Read the fields that you know, whatever stands beside them.",
           "Via", "X-Forwarded-For", "X-Forwarded-Proto", "X-Request-Id", "Forwarded")  # fmt: skip
_passed_on("1.59", "Connection may list more than Upgrade", "Sends Connection: keep-alive, Upgrade, as some proxies do.",
           "RFC 6455 section 4.2.1: a field that includes the token", "Look for the token in the list.", "Connection")  # fmt: skip


@SERVER.case(
    "1.60", "Garbage in place of a request harms nobody else",
    does="Sends bytes that are no HTTP.", expects="An HTTP answer of the 400s or the end of the connection; and further sessions.",
    rule="P12; RFC 9112 section 2.2", source=Source.INFERRED, advice="Leave HTTP to a library, and let go of who speaks none.",
)  # fmt: skip
async def no_http(caller: Caller) -> None:
    socket = await caller.connect()
    status, _ = await socket.send_head(b"\x16\x03\x01\x00\xa5\xff\xfe nonsense\r\n\r\n")
    if status and not 400 <= status < 500:
        raise Failure(f"answered garbage with HTTP {status}")
    await caller.finish(await caller.open())
