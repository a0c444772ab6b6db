"""Opening a WebSocket: URIs, header fields, and each way to fail."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

import pytest
from tests.session.sockets import Ear, rude_server

from offhook.errors import ConnectionLost, UpgradeRejected, UsageError
from offhook.session.dial import dial, parse_uri
from offhook.session.engines import Address
from offhook.session.wire import Refusal

both_loops = pytest.mark.usefixtures("loop_kind")


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("ws://h", Address(False, "h", 80, "/", "h")),
        ("wss://Bot.Example/a", Address(True, "bot.example", 443, "/a", "bot.example")),
        ("WSS://h:443/a?b=c&d", Address(True, "h", 443, "/a?b=c&d", "h")),
        ("ws://h:443/", Address(False, "h", 443, "/", "h:443")),
        ("wss://h:8443?x=1", Address(True, "h", 8443, "/?x=1", "h:8443")),
        ("ws://[::1]:3000/a", Address(False, "::1", 3000, "/a", "[::1]:3000")),
        ("wss://[2001:DB8::1]/", Address(True, "2001:db8::1", 443, "/", "[2001:db8::1]")),
        ("ws://h/a//b/../c?", Address(False, "h", 80, "/a//b/../c?", "h")),
        ("ws://h/%7Ea?q=%2F;@:", Address(False, "h", 80, "/%7Ea?q=%2F;@:", "h")),
    ],
)
def test_uris(uri, address):
    assert parse_uri(uri) == address


@pytest.mark.parametrize(
    "uri",
    [
        *("http://h/", "h/a", "ws:/h", "ws://", "ws:///a", "", "ws://u@h/", "ws://u:p@h/", "ws://h/#f"),
        *("ws://h:0/", "ws://h:x/", "ws://h:65536/", "ws://h:99999999999", "ws://[::1/"),
        *("ws://h/ a", "ws://h/é", "ws://h/\r\nX: a", "ws://é/"),
    ],
)
def test_uris_that_are_refused(uri):
    with pytest.raises(UsageError):
        parse_uri(uri)


@both_loops
async def test_header_fields_are_sent_as_given(engine):
    seen = asyncio.get_running_loop().create_future()

    async def server(reader, writer):
        seen.set_result(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    listener = await asyncio.start_server(server, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    fields = {"Audiohook-Session-Id": "1-2", "X-API-KEY": "a/b+c==", "Signature": "sig1=:AA==:"}
    with pytest.raises(ConnectionLost):
        await dial(f"ws://127.0.0.1:{port}/x?", Ear(), headers=fields, engine=engine)
    lines = (await seen).decode().split("\r\n")
    assert lines[0] == "GET /x? HTTP/1.1"
    assert {f"{name}: {value}" for name, value in fields.items()} <= set(lines)
    assert f"Host: 127.0.0.1:{port}" in lines
    assert len(lines) == 1 + 5 + 3 + 2
    listener.close()


async def test_the_host_field_may_be_another(serve, engine):
    async with serve(engine=engine) as site:
        await site.dial(Ear(), headers={"Host": "bot.example"})
        assert site.requests[0].headers["host"] == "bot.example"


@pytest.mark.parametrize("fields", [{"X": "a\r\nY: b"}, {"X\n": "a"}, {"": "a"}, {"X": "é"}, {"X Y": "a"}])
async def test_fields_that_cannot_be_sent(fields):
    with pytest.raises(UsageError, match="cannot be sent"):
        await dial("ws://127.0.0.1:9/", Ear(), headers=fields)


@both_loops
@pytest.mark.parametrize("status", [301, 401, 404, 429, 503])
async def test_another_status_is_a_rejection(serve, engine, status):
    headers = (("Location", "ws://127.0.0.1:9/"),)
    async with serve(lambda request: Refusal(status, headers=headers, body=b"why"), engine=engine) as site:
        ear = Ear()
        with pytest.raises(UpgradeRejected) as caught:
            await site.dial(ear)
        assert caught.value.status == status
        assert caught.value.reason
        assert ear.calls == []


UPGRADE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: {accept}\r\n"
)
ANSWERS = {
    "HTTP/1.0": (b"HTTP/1.0 403 Forbidden\r\nContent-Length: 0\r\n\r\n", 403),
    "a status nobody knows": (b"HTTP/1.1 599 Odd\r\nContent-Length: 0\r\n\r\n", 599),
}


@both_loops
@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"\x00\x01\x02\r\n\r\n" * 3,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: AAAA\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: AAAA\r\n\r\n",
        UPGRADE + b"Sec-WebSocket-Protocol: audiohook\r\n\r\n",
        UPGRADE + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
        b"HTTP/1.1 200\r\n\r\n"[:6] + b"\r\n\r\n",
        b"x" * 100_000,
    ],
)
async def test_rubbish_is_no_upgrade(engine, answer):
    async with rude_server(lambda writer: None, answer) as uri:
        ear = Ear()
        with pytest.raises(ConnectionLost, match=r"the answer is no WebSocket upgrade|without an answer"):
            await dial(uri, ear, headers={}, engine=engine)
        assert ear.calls == []


async def test_a_subprotocol_that_was_asked_for(engine):
    async with rude_server(lambda writer: None, UPGRADE + b"Sec-WebSocket-Protocol: audiohook\r\n\r\n") as uri:
        ear = Ear()
        try:
            wire = await dial(uri, ear, headers={"Sec-WebSocket-Protocol": "audiohook"}, engine=engine)
        except ConnectionLost:
            assert engine == "websockets", "which cannot be told that it was asked for"
        else:
            wire.abort()


@both_loops
async def test_a_server_that_hangs_up_at_once(engine):
    async with rude_server(lambda writer: writer.close(), b"") as uri:
        with pytest.raises(ConnectionLost, match=r"without an answer|hung up"):
            await dial(uri, Ear(), headers={}, engine=engine)


@both_loops
async def test_a_refused_port(engine):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(ConnectionLost, match=rf"cannot connect to 127\.0\.0\.1 port {port} .*is the server up\?"):
            await dial(f"ws://127.0.0.1:{port}/", Ear(), headers={}, engine=engine)


@both_loops
async def test_an_unknown_name(engine):
    with pytest.raises(ConnectionLost, match=r"the name nobody\.invalid is not known"):
        await dial("ws://nobody.invalid/", Ear(), headers={}, engine=engine)


@both_loops
async def test_a_server_that_never_answers(engine):
    async with rude_server(lambda writer: None, b"") as uri:
        with pytest.raises(ConnectionLost, match=r"did not finish the WebSocket upgrade within 0\.05 s"):
            await dial(uri, Ear(), headers={}, engine=engine, timeout=0.05)


@both_loops
async def test_a_cancelled_dial_closes_its_socket(engine):
    came, gone = asyncio.Event(), asyncio.Event()

    async def server(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        came.set()
        with suppress(ConnectionError):
            await reader.read()
        gone.set()
        writer.close()

    listener = await asyncio.start_server(server, "127.0.0.1", 0)
    uri = f"ws://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    dialling = asyncio.ensure_future(dial(uri, Ear(), headers={}, engine=engine))
    await came.wait()
    dialling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dialling
    await asyncio.wait_for(gone.wait(), 5)
    listener.close()
