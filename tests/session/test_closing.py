"""How WebSockets end: close handshakes both ways, sockets that vanish, peers that do not answer."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest
from tests.session.sockets import BINARY, BRISK, CLOSE, TEXT, Ear, FakeSocket, frame, rude_server

from offhook.session.closing import Closing, Linger
from offhook.session.dial import dial
from offhook.session.wire import WireLimits

both_loops = pytest.mark.usefixtures("loop_kind")


@both_loops
async def test_client_closes(serve, engine):
    async with serve(engine=engine) as site:
        ear = Ear()
        wire = await site.dial(ear)
        wire.send("last")
        wire.close(1000, "done")
        assert await (await site.ear()).until_lost() == (1000, "done")
        assert await ear.until_lost() == (1000, "done")
        assert site.ears[0].messages == ["last"]


@both_loops
async def test_server_closes(serve, engine):
    async with serve(engine=engine) as site:
        ear = Ear()
        await site.dial(ear)
        server = await site.ear()
        server.wire.send("last")
        server.wire.close(4001, "enough")
        assert await ear.until_lost() == (4001, "enough")
        assert ear.messages == ["last"]
        assert await server.until_lost() == (4001, "enough")


@both_loops
async def test_a_close_frame_is_echoed_and_tcp_ends(serve, engine):
    patient = WireLimits(close_timeout=3_600)
    for payload, end in ((b"", (1005, "")), (b"\x0f\xa0bye", (4000, "bye"))):
        async with serve(engine=engine, limits=patient) as site, site.raw() as client:
            await client.upgrade()
            client.say(frame(CLOSE, payload) + frame(TEXT, b"too late"))
            assert await client.read_frame() == (0x80 | CLOSE, payload)
            assert await client.to_end() == b""
            await client.close()
            ear = await site.ear()
            assert await ear.until_lost() == end
            assert ear.messages == []


@both_loops
async def test_a_peer_that_never_answers_close_is_dropped(serve, engine):
    async with serve(engine=engine) as site, site.raw() as client:
        await client.upgrade()
        ear = await site.ear()
        ear.wire.close(1001, "going")
        client.say(frame(TEXT, b"I talk on"))
        assert await ear.until_lost() == (1006, "")
        assert ear.messages == []
        assert await client.read_frame() == (0x80 | CLOSE, b"\x03\xe9going")


@both_loops
async def test_a_client_waits_for_the_server_to_end_tcp_but_not_for_ever(engine):
    async with rude_server(lambda writer: writer.write(frame(CLOSE, b"\x03\xe8bye", mask=False))) as uri:
        ear = Ear()
        await dial(uri, ear, headers={}, engine=engine, limits=BRISK)
        assert await ear.until_lost() == (1000, "bye")


@both_loops
@pytest.mark.parametrize(
    ("data", "code"),
    [(frame(TEXT, b"a"), 1002), (frame(BINARY, length=300_000, mask=False), 1009), (b"\x81\x01\xff", 1007)],
)
async def test_a_server_that_breaks_the_rules_is_left(engine, data, code):
    async with rude_server(lambda writer: writer.write(frame(TEXT, b"hi", mask=False) + data)) as uri:
        ear = Ear()
        await dial(uri, ear, headers={}, engine=engine, limits=BRISK)
        assert (await ear.until_lost())[0] == code
        assert ear.messages == ["hi"]


@both_loops
async def test_a_reset_is_1006(serve, engine):
    async with serve(engine=engine) as site, site.raw() as client:
        await client.upgrade()
        ear = await site.ear()
        sock = client.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.writer.transport.abort()
        assert await ear.until_lost() == (1006, "")


@both_loops
async def test_a_half_closed_socket_is_1006(serve, engine):
    async with serve(engine=engine) as site, site.raw() as client:
        await client.upgrade()
        client.say(frame(TEXT, b"and") + frame(BINARY, b"cut")[:-1])
        client.writer.write_eof()
        ear = await site.ear()
        assert await ear.until_lost() == (1006, "")
        assert ear.messages == ["and"]


@both_loops
async def test_the_wire_may_be_used_when_it_is_of_no_use(serve, engine):
    def trouble(wire, data):
        getattr(wire, data)()
        wire.send("nobody will read this")
        wire.close()
        wire.abort()

    async with serve(engine=engine, ear=lambda: Ear(on_message=trouble)) as site:
        for index, way in enumerate(("close", "abort")):
            ear = Ear()
            wire = await site.dial(ear)
            wire.send(way)
            wire.send("close")
            server = await site.ear(index)
            await server.until_lost()
            await ear.until_lost()
            assert server.messages == [way]
            for each in (wire, server.wire):
                each.send("late")
                each.send(b"late")
                each.close()
                each.abort()
                assert each.backlog == 0
            assert ear.messages == []


async def test_a_close_reason_is_cut_at_a_character(serve, engine):
    async with serve(engine=engine) as site:
        ear = Ear()
        await site.dial(ear)
        (await site.ear()).wire.close(1000, "é" * 100)
        assert await ear.until_lost() == (1000, "é" * 61)


@pytest.mark.virtual_time
async def test_lingering_half_closes_and_ends_in_time():
    ended = []
    sock = FakeSocket()
    linger = Linger(sock, 2.0, lambda: ended.append(True))
    assert sock.asked == ["set_protocol", "write_eof"]
    linger.get_buffer(-1)[:3] = b"abc"
    linger.buffer_updated(3)
    await asyncio.sleep(1.9)
    assert "abort" not in sock.asked
    await asyncio.sleep(0.2)
    assert sock.asked[-1] == "abort"
    linger.connection_lost(None)
    assert ended == [True]


@pytest.mark.virtual_time
async def test_lingering_leaves_tls_and_the_dead_to_themselves():
    tls, dead = FakeSocket(half_close=False), FakeSocket(closing=True)
    for sock, asked in ((tls, ["set_protocol", "close"]), (dead, ["set_protocol"])):
        linger = Linger(sock, 2.0, lambda: None)
        linger.connection_lost(None)
        await asyncio.sleep(3)
        assert sock.asked == asked  # the timer went with the connection


@pytest.mark.virtual_time
async def test_lingering_bears_a_reset_that_nobody_has_told_of():
    class Reset(FakeSocket):
        def write_eof(self) -> None:
            raise OSError(107, "Transport endpoint is not connected")

    sock = Reset()
    Linger(sock, 2.0, lambda: None).connection_lost(None)
    assert sock.asked == ["set_protocol", "abort"]


@pytest.mark.virtual_time
async def test_the_first_cause_stays_and_lost_comes_once():
    ear, ended = Ear(), []
    closing = Closing(FakeSocket(), ear, WireLimits(), lambda: ended.append(True))
    closing.because(1002, "first")
    closing.because(1000, "second")
    closing.expect()
    closing.lost()
    closing.lost()
    closing.linger()
    closing.expect()
    assert (ear.end, ear.calls, ended) == ((1002, "first"), ["lost"], [True])


def test_the_limits_of_the_tests_are_the_real_ones_but_for_time():
    assert WireLimits(close_timeout=BRISK.close_timeout) == BRISK
