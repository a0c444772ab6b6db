"""What every WebSocket engine does alike with messages, and with peers that break the rules."""

from __future__ import annotations

import asyncio
import logging

import pytest
from tests.session.sockets import BINARY, BRISK, CLOSE, CONT, PING, PONG, TEXT, Ear, Raw, frame

from offhook.errors import UsageError
from offhook.session.engines import load_engine, rejection
from offhook.session.listen import listen
from offhook.session.wire import WireLimits

both_loops = pytest.mark.usefixtures("loop_kind")


@both_loops
async def test_echoes_text_and_binary(serve, engine):
    messages = [
        "hello",
        bytes(range(256)) * 7,
        "",
        b"",
        "żółć 🎧",
        bytes(64_000),
        "x" * 65_536,
        bytes(65_535),
        bytes(65_536),
    ]
    async with serve(engine=engine) as site:
        ear = Ear()
        wire = await site.dial(ear)
        for message in messages:
            wire.send(message)
        assert await ear.until_messages(len(messages)) == messages
        assert (await site.ear()).messages == messages
        assert [type(message) for message in ear.messages] == [type(message) for message in messages]


@both_loops
@pytest.mark.parametrize(("server", "client"), [("picows", "websockets"), ("websockets", "picows")])
async def test_the_engines_talk_to_each_other(serve, server, client):
    async with serve(engine=server) as site:
        ear = Ear()
        wire = await site.dial(ear, engine=client)
        wire.send("one")
        wire.send(bytes(100_000))
        assert await ear.until_messages(2) == ["one", bytes(100_000)]


async def test_fragments_are_joined_with_control_frames_between(serve, engine):
    data = "naïve café 🎧".encode()
    async with serve(engine=engine) as site, site.raw() as client:
        await client.upgrade()
        client.say(frame(TEXT, data[:3], fin=False) + frame(PING, b"a"))
        client.say(frame(CONT, b"", fin=False) + frame(CONT, data[3:]))
        client.say(frame(BINARY, b"12", fin=False) + frame(PONG, b"nobody asked") + frame(CONT, b"34"))
        assert await client.read_frame() == (0x80 | PONG, b"a")
        assert await client.read_frame() == (0x80 | TEXT, data)
        assert await client.read_frame() == (0x80 | BINARY, b"1234")


async def test_text_may_be_split_at_every_byte(serve, engine):
    data = "aé€😀z".encode()
    async with serve(engine=engine) as site, site.raw() as client:
        await client.upgrade()
        for cut in range(len(data) + 1):
            client.say(frame(TEXT, data[:cut], fin=False) + frame(CONT, data[cut:]))
            assert await client.read_frame() == (0x80 | TEXT, data)


@both_loops
async def test_frames_may_come_byte_by_byte(serve, engine):
    stream = frame(BINARY, b"abc") + frame(TEXT, b"de", fin=False) + frame(PING) + frame(CONT, b"f")
    async with serve(engine=engine) as site, site.raw() as client:
        await client.upgrade()
        for byte in stream:
            client.say(bytes([byte]))
            await asyncio.sleep(0)
        frames = [await client.read_frame() for _ in range(3)]
        assert (0x80 | PONG, b"") in frames  # it may overtake
        assert [each for each in frames if each[0] != 0x80 | PONG] == [(0x82, b"abc"), (0x81, b"def")]


@both_loops
async def test_frames_sent_right_behind_the_request_are_kept(serve, engine):
    many = b"".join(frame(TEXT, b"%d" % i) for i in range(3_000))
    async with serve(engine=engine) as site, site.raw() as client:
        client.say(client.head() + many[:30_000])
        assert (await client.answer())[0] == 101
        client.say(many[30_000:])
        for i in range(3_000):
            assert await client.read_frame() == (0x81, b"%d" % i)


@both_loops
async def test_what_is_sent_while_connecting_comes_behind_the_upgrade(serve, engine):
    class Greeter(Ear):
        def connected(self, wire):
            super().connected(wire)
            wire.send("welcome")

    async with serve(engine=engine, ear=Greeter) as site, site.raw() as client:
        await client.upgrade()
        assert await client.read_frame() == (0x81, b"welcome")


async def test_compression_is_never_taken(serve, engine):
    offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    async with serve(engine=engine) as site, site.raw() as client:
        client.say(client.head(extra=offer))
        status, headers = await client.answer()
        assert status == 101
        assert "sec-websocket-extensions" not in headers
    async with serve(engine=engine) as site:
        await site.dial(Ear())
        assert "sec-websocket-extensions" not in site.requests[0].headers


BROKEN = {
    "invalid UTF-8": (frame(TEXT, b"\xff\xfe"), 1007),
    "a surrogate": (frame(TEXT, b"\xed\xa0\x80"), 1007),
    "half a character": (frame(TEXT, b"ab\xe2\x82"), 1007),
    "an overlong slash": (frame(TEXT, b"\xc0\xaf"), 1007),
    "invalid UTF-8 in fragments": (frame(TEXT, b"\xe2", fin=False) + frame(CONT, b"a"), 1007),
    "no mask": (frame(BINARY, b"ab", mask=False), 1002),
    "reserved opcode": (frame(3, b"a"), 1002),
    "reserved control opcode": (frame(11, b"a"), 1002),
    "reserved bit": (frame(BINARY, b"a", reserved=4), 1002),
    "reserved bit on a ping": (frame(PING, b"a", reserved=1), 1002),
    "continuation of nothing": (frame(CONT, b"a"), 1002),
    "message inside a message": (frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), 1002),
    "fragmented ping": (frame(PING, b"a", fin=False), 1002),
    "ping of 126 bytes": (frame(PING, bytes(126)), 1002),
    "close with one byte": (frame(CLOSE, b"\x03"), 1002),
    "close code 1005": (frame(CLOSE, b"\x03\xed"), 1002),
    "close code 1006": (frame(CLOSE, b"\x03\xee"), 1002),
    "close code 0": (frame(CLOSE, b"\x00\x00"), 1002),
    "close code 5000": (frame(CLOSE, b"\x13\x88"), 1002),
    "close reason no UTF-8": (frame(CLOSE, b"\x03\xe8\xff"), 1007),
    "frame above the limit": (frame(BINARY, length=262_145), 1009),
    "frame of 2^62 bytes": (frame(BINARY, length=1 << 62), 1009),
    "fragments above the limit": (frame(BINARY, bytes(200_000), fin=False) + frame(CONT, bytes(62_145)), 1009),
}


@both_loops
@pytest.mark.parametrize("fault", BROKEN)
async def test_a_peer_that_breaks_the_rules_is_told_which(serve, engine, fault):
    data, code = BROKEN[fault]
    async with serve(engine=engine) as site, site.raw() as client:
        await client.upgrade()
        client.say(frame(TEXT, b"before") + data)
        assert await client.close_code() == code
        assert await client.to_end() == b""
        await client.close()
        ear = await site.ear()
        assert (await ear.until_lost())[0] == code
        assert ear.messages == ["before"]


@pytest.mark.parametrize("fault", ["invalid UTF-8", "no mask", "close code 0", "frame above the limit"])
async def test_nothing_is_received_behind_a_broken_frame(serve, engine, fault):
    data, code = BROKEN[fault]
    async with serve(engine=engine) as site, site.raw() as client:
        await client.upgrade()
        client.say(data + frame(TEXT, b"after") * 3)
        assert await client.close_code() == code
        client.say(frame(TEXT, b"much later"))
        await client.close()
        ear = await site.ear()
        await ear.until_lost()
        assert ear.messages == []


@both_loops
async def test_ten_megabytes_get_their_answer_and_nobody_else_notices(serve, engine):
    async with serve(engine=engine, limits=WireLimits(close_timeout=5)) as site, site.raw() as client:
        beside = Ear()
        wire = await site.dial(beside)
        await client.upgrade()
        client.say(frame(BINARY, length=10_000_000))
        for _ in range(160):
            client.say(bytes(62_500))
        wire.send("still here")
        await client.writer.drain()
        assert await client.close_code() == 1009
        assert await beside.until_messages(1) == ["still here"]
        await client.close()
        assert (await (await site.ear(1)).until_lost())[0] == 1009


async def test_the_largest_message_still_arrives(serve, engine):
    async with serve(engine=engine) as site:
        ear = Ear()
        wire = await site.dial(ear)
        wire.send(bytes(BRISK.max_message))
        assert await ear.until_messages(1) == [bytes(BRISK.max_message)]


@both_loops
@pytest.mark.parametrize("callback", ["connected", "received", "lost"])
async def test_a_receiver_that_raises_ends_its_own_websocket_only(serve, engine, callback, caplog):
    class Faulty(Ear):
        def _note(self, call):
            super()._note(call)
            if call == callback:
                raise RuntimeError("a fault of ours")

    kinds = iter([lambda: Ear(echo=True), Faulty])
    async with serve(engine=engine, ear=lambda: next(kinds)()) as site, site.raw() as client:
        beside = Ear()
        wire = await site.dial(beside)
        await client.upgrade()
        client.say(frame(TEXT, b"what a caller said"))
        if callback == "lost":
            client.say(frame(CLOSE))
        else:
            assert await client.close_code() == 1011
        await client.to_end()
        await client.close()
        await (await site.ear(1)).until_lost()
        wire.send("fine")
        assert await beside.until_messages(1) == ["fine"]
    assert "a fault of ours" in caplog.text
    assert "what a caller said" not in caplog.text


async def test_nothing_is_logged_of_what_is_said(serve, engine, caplog):
    caplog.set_level(logging.DEBUG)
    async with serve(engine=engine) as site, site.raw() as client:
        await client.upgrade()
        client.say(frame(TEXT, b"my number is 555") + frame(TEXT, b"\xff secret"))
        assert await client.close_code() == 1007
        ear = Ear()
        (await site.dial(ear)).send("my number is 555")
        await ear.until_messages(1)
    assert [record for record in caplog.records if record.name != "asyncio"] == []


def test_an_unknown_engine_is_a_usage_error():
    with pytest.raises(UsageError, match="use picows or websockets"):
        load_engine("smoke signals")


def test_a_missing_engine_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "offhook.session.engine_websockets", None)
    monkeypatch.delattr("offhook.session.engine_websockets", raising=False)
    with pytest.raises(UsageError, match="pip install websockets"):
        load_engine("websockets")


def test_rejection_tells_a_status_from_rubbish():
    assert "HTTP 401 Unauthorized" in str(rejection(b"HTTP/1.1 401 Unauthorized\r\nA: b", "x"))
    assert getattr(rejection(b"HTTP/1.0 302\r\n", "x"), "status", None) == 302
    for head in (b"", b"SSH-2.0-OpenSSH", b"HTTP/1.1 101 Switching Protocols\r\n"):
        assert "the answer is no WebSocket upgrade: x" in str(rejection(head, "x"))


async def test_a_subprotocol_is_granted_where_the_receiver_has_one(engine):
    """And none is named otherwise: a client that did not ask would have to fail the connection."""
    answers = []
    for subprotocol in ("media", None):
        ear = Ear()
        if subprotocol:
            ear.subprotocol = subprotocol
        listening = await listen(lambda request, ear=ear: ear, "127.0.0.1", 0, engine=engine)
        reader, writer = await asyncio.open_connection("127.0.0.1", listening.port)
        raw = Raw(reader, writer)
        raw.say(raw.head(extra="Sec-WebSocket-Protocol: media\r\n"))
        status, headers = await raw.answer()
        answers.append((status, headers.get("sec-websocket-protocol")))
        await raw.close()
        listening.close()
        await listening.wait_closed()
    assert answers == [(101, "media"), (101, None)]
