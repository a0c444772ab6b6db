"""Chapter 1: the client's upgrade request and its signature (P2)."""

from __future__ import annotations

import re
import time
from typing import Final

from ....protocol.signature import Verifier
from ..case import Failure, Skip, Source, Unsigned
from ..line import Line
from ..partner import Partner
from ..signing import COVERED
from ..suites import CLIENT

UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
#: Seconds in which a client that is looped should be back.
_AGAIN: Final = 2.0
_ADVICE = "Send the platform's fields with every upgrade request."


@CLIENT.case(
    "1.1", "The request is a WebSocket upgrade",
    does="Reads the request.", expects="Upgrade, Connection, Sec-WebSocket-Version 13 and a key of 16 bytes.",
    rule="P2.1: RFC 6455", source=Source.VENDOR, advice="Leave the handshake to a WebSocket library.",
)  # fmt: skip
async def upgrade(partner: Partner) -> None:
    partner.request()
    given = partner.headers
    if given.get("upgrade", "").lower() != "websocket" or "upgrade" not in given.get("connection", "").lower():
        raise Failure("asked for no WebSocket")
    if given.get("sec-websocket-version") != "13" or len(given.get("sec-websocket-key", "")) != 24:
        raise Failure("Sec-WebSocket-Version or Sec-WebSocket-Key is wrong")


def _id(number: str, name: str) -> None:
    @CLIENT.case(number, f"{name} is a UUID", does="Reads the request.", expects=f"{name} with a UUID.", rule="P2.2",
                 source=Source.REFERENCE, advice=_ADVICE)  # fmt: skip
    async def run(partner: Partner) -> None:
        partner.request()
        if not UUID.fullmatch(partner.headers.get(name.lower(), "")):
            raise Failure(f"{name} is {partner.headers.get(name.lower())!r}")


_id("1.2", "Audiohook-Organization-Id")
_id("1.3", "Audiohook-Session-Id")
_id("1.4", "Audiohook-Correlation-Id")


@CLIENT.case(
    "1.5", "No subprotocol is asked for",
    does="Reads the request.", expects="No Sec-WebSocket-Protocol.", rule="P2.1: none in the official example",
    source=Source.INFERRED, advice="Leave the subprotocol out: servers need not know one.",
)  # fmt: skip
async def subprotocol(partner: Partner) -> None:
    partner.request()
    if partner.headers.get("sec-websocket-protocol"):
        raise Failure(f"asked for {partner.headers['sec-websocket-protocol']!r}")


@CLIENT.case(
    "1.6", "Messages have the id of the request",
    does="Accepts and waits for `open`.", expects="`id` equal to Audiohook-Session-Id.", rule="P2.2",
    source=Source.REFERENCE, advice="Use one id for the request and all messages.",
)  # fmt: skip
async def same_id(partner: Partner) -> None:
    line = await partner.accept()
    opening = await line.expect("open", within=5.0, passing=())
    if opening.get("id") != partner.headers.get("audiohook-session-id"):
        raise Failure(f"`open` has id {opening.get('id')!r}")


@CLIENT.case(
    "1.7", "The organisation of `open` is that of the request",
    does="Accepts and waits for `open`.", expects="organizationId equal to Audiohook-Organization-Id.", rule="P2.6",
    source=Source.REFERENCE, advice="Servers compare the two and refuse.",
)  # fmt: skip
async def same_organization(partner: Partner) -> None:
    line = await partner.accept()
    opening = await line.expect("open", within=5.0, passing=())
    given = opening.get("parameters", {}).get("organizationId")
    if given != partner.headers.get("audiohook-organization-id"):
        raise Failure(f"`open` has organizationId {given!r}")


async def _signature(partner: Partner) -> str:
    partner.request()
    shown, signature = partner.headers.get("signature-input"), partner.headers.get("signature")
    if shown is None and signature is None:
        raise Unsigned("the request is not signed")
    if shown is None or signature is None:
        raise Failure("sent one of Signature and Signature-Input alone")
    return shown


@CLIENT.case(
    "1.8", "A signature covers the six components",
    does="Reads Signature-Input.", expects="All six components.", rule="P2.5 step 1", source=Source.REFERENCE,
    advice="Cover @request-target, @authority, the three ids and x-api-key.",
)  # fmt: skip
async def covered(partner: Partner) -> None:
    shown = await _signature(partner)
    if lacking := [name for name in COVERED if f'"{name}"' not in shown]:
        raise Failure(f"the signature does not cover {', '.join(lacking)}")


@CLIENT.case(
    "1.9", "A signature has its five parameters",
    does="Reads Signature-Input.", expects="keyid, alg, created, expires, and a nonce of 22 characters.",
    rule="P2.5 step 4", source=Source.REFERENCE, advice="Send all five; make the nonce of 128 random bits or more.",
)  # fmt: skip
async def parameters(partner: Partner) -> None:
    shown = await _signature(partner)
    found = dict(re.findall(r';(\w+)=("[^"]*"|\d+)', shown))
    if lacking := {"keyid", "nonce", "alg", "created", "expires"} - set(found):
        raise Failure(f"the signature has no {', '.join(sorted(lacking))}")
    if len(found["nonce"]) < 24 or not found["created"].isdigit():
        raise Failure("the nonce is short, or created is no number")


@CLIENT.case(
    "1.10", "The signature is right",
    does="Verifies it with the secret.", expects="A signature that verifies.", rule="P2.6", source=Source.REFERENCE,
    advice="Sign with the base64-decoded secret, over the lines in the order of Signature-Input.",
)  # fmt: skip
async def verified(partner: Partner) -> None:
    await _signature(partner)
    if not partner.secret:
        raise Unsigned("needs --key and --secret")
    key = partner.headers.get("x-api-key", "")
    verdict = Verifier({key: partner.secret}, decoy=b"x" * 32).verify(
        target=partner.target, authority=partner.headers.get("host", ""), headers=partner.headers, now=time.time(),
        secure=False,
    )  # fmt: skip
    if not verdict.ok:
        raise Failure(f"the signature does not verify: {verdict.reason}")


async def _gives_up(line: Line) -> None:
    """Expect that the client takes the answer to its request for none.

    Raises:
        Failure: It goes on.
    """
    got = await line.next()
    if got is None or isinstance(got, dict | bytes):
        raise Failure("went on" if got is None else "sent a message")


def _refusal(number: str, status: int, reason: str) -> None:
    @CLIENT.case(number, f"HTTP {status} is taken for a refusal", does=f"Answers the request with HTTP {status}.",
                 expects="A client that closes the connection and sends nothing.", rule="P2.9", source=Source.VENDOR,
                 advice="Give up at any answer but 101.")  # fmt: skip
    async def run(partner: Partner) -> None:
        partner.request()
        partner.answer(status, reason)
        await partner.left_alone()


_refusal("1.11", 401, "Unauthorized")
_refusal("1.12", 403, "Forbidden")
_refusal("1.13", 503, "Service Unavailable")


@CLIENT.case(
    "1.14", "A wrong Sec-WebSocket-Accept fails the connection",
    does="Answers 101 with a digest that is not the key's.", expects="A client that closes and sends no `open`.",
    rule="RFC 6455 section 4.1", source=Source.VENDOR, advice="Leave the handshake to a WebSocket library.",
)  # fmt: skip
async def digest(partner: Partner) -> None:
    await _gives_up(await partner.accept(wrong=True))


@CLIENT.case(
    "1.15", "A redirect is not followed",
    does=f"Answers the request with HTTP 302 to another path, and waits {_AGAIN:g} s for who comes there.",
    expects="A client that closes the connection and asks for no other path.", rule="P2.1, P2.9: taken for a failure",
    source=Source.REFERENCE, advice="Give up at any answer but 101; the platform follows no redirect.",
)  # fmt: skip
async def redirected(partner: Partner) -> None:
    async def redirect() -> None:
        partner.request()
        partner.answer(302, "Found", Location="/offhook-elsewhere")
        await partner.left_alone()

    other = await partner.another(_AGAIN, meanwhile=redirect())
    if other is not None:
        other.request()
        if "offhook-elsewhere" in other.target:
            raise Failure("followed the redirect")


def _unasked(number: str, what: str, field: str) -> None:
    @CLIENT.case(number, f"{what} that nobody asked for fails the connection", does=f"Answers 101 with {field.partition(':')[0]}.",
                 expects="A client that closes and sends no `open`.", rule="RFC 6455 section 4.1", source=Source.VENDOR,
                 advice="Leave the handshake to a WebSocket library.")  # fmt: skip
    async def run(partner: Partner) -> None:
        partner.request()
        if field.partition(":")[0].lower() in partner.headers:
            raise Skip("this client asks for one")
        await _gives_up(await partner.accept(more=f"{field}\r\n"))


_unasked("1.16", "A subprotocol", "Sec-WebSocket-Protocol: audiohook")
_unasked("1.17", "An extension", "Sec-WebSocket-Extensions: permessage-deflate")


@CLIENT.case(
    "1.18", "Each request has a nonce of its own",
    does=f"Closes the connection, and waits {_AGAIN:g} s for another one.", expects="Another nonce in its signature.",
    rule="P2.5 step 4: unique per request", source=Source.REFERENCE, advice="Draw 128 random bits or more for each request.",
)  # fmt: skip
async def fresh(partner: Partner) -> None:
    first = _nonce(await _signature(partner))
    partner.answer(503, "Service Unavailable")
    other = await partner.another(_AGAIN)
    if other is None:
        raise Skip("this client does not call again")
    if first and first == _nonce(await _signature(other)):
        raise Failure("used one nonce twice")


def _nonce(shown: str) -> str:
    found = re.search(r'nonce="([^"]*)"', shown)
    return found[1] if found else ""


@CLIENT.case(
    "1.19", "Fields that proxies add to the answer are passed over",
    does="Answers 101 with further fields, one of them twice and some in lower case.", expects="`open`.",
    rule="RFC 9110 section 5.1: unknown fields are ignored", source=Source.VENDOR, advice="Read the fields that you know.",
)  # fmt: skip
async def proxied(partner: Partner) -> None:
    more = (
        "Server: proxy",
        "via: 1.1 proxy.example",
        "Date: Mon, 01 Jan 2024 00:00:00 GMT",
        "set-cookie: a=1",
        "set-cookie: b=2",
    )
    line = await partner.accept(more="".join(f"{field}\r\n" for field in more))
    await partner.opened(line)
    await partner.goodbye(line)


@CLIENT.case(
    "1.20", "Garbage in place of an answer fails the connection",
    does="Answers the request with bytes that are no HTTP.", expects="A client that closes the connection and sends nothing.",
    rule="RFC 6455 section 4.1", source=Source.VENDOR, advice="Give up at any answer but 101.",
)  # fmt: skip
async def no_http(partner: Partner) -> None:
    partner.request()
    partner.socket.write(b"\x16\x03\x01\x00\xa5\xff\xfe nonsense\r\n\r\n")
    await partner.left_alone()
