"""What a wire promises while the peer reads slowly, and what an upgrade request says of itself."""

from __future__ import annotations

import pytest
from tests.session.sockets import PING, PONG, Ear, frame

from offhook.session.wire import Refusal, UpgradeRequest, WireLimits, tokens

both_loops = pytest.mark.usefixtures("loop_kind")
TIGHT = WireLimits(max_backlog=200_000, close_timeout=0.2)


def fill(ear: Ear) -> list[bytes]:
    """Send messages of all sizes until the kernel takes no more, and a good many behind them."""
    sent: list[bytes] = []
    rest = 60
    while rest:
        size = (20_000, 3, 9_000, 150, 64_000)[len(sent) % 5]
        sent.append(len(sent).to_bytes(3, "big") + bytes(size))
        ear.wire.send(sent[-1])
        assert (ear.wire.backlog > TIGHT.max_backlog) == (False in ear.writable_calls)
        if ear.wire.backlog > TIGHT.max_backlog:
            rest -= 1
    return sent


@both_loops
async def test_a_slow_reader_is_seen_and_gets_every_byte_in_order(serve, engine):
    async with serve(engine=engine, limits=TIGHT) as site, site.raw(receive_buffer=4_096) as client:
        await client.upgrade()
        ear = await site.ear()
        assert ear.wire.backlog == 0
        sent = fill(ear)
        assert ear.wire.backlog > TIGHT.max_backlog
        assert ear.writable_calls == [False]
        for message in sent:
            assert await client.read_frame() == (0x82, message)
        await ear.until(lambda ear: ear.writable_calls == [False, True])
        assert ear.wire.backlog == 0


@both_loops
async def test_close_comes_behind_what_a_slow_reader_still_has_to_read(serve, engine):
    limits = WireLimits(max_backlog=TIGHT.max_backlog, close_timeout=10)
    async with serve(engine=engine, limits=limits) as site, site.raw(receive_buffer=4_096) as client:
        await client.upgrade()
        ear = await site.ear()
        sent = fill(ear)
        ear.wire.close(1000, "bye")
        for message in sent:
            assert await client.read_frame() == (0x82, message)
        assert await client.read_frame() == (0x88, b"\x03\xe8bye")


@both_loops
async def test_a_slow_reader_that_is_closed_does_not_stay(serve, engine):
    async with serve(engine=engine, limits=TIGHT) as site, site.raw(receive_buffer=4_096) as client:
        await client.upgrade()
        ear = await site.ear()
        fill(ear)
        ear.wire.close()
        assert await ear.until_lost() == (1006, "")


async def test_pings_of_a_slow_reader_do_not_pile_up(serve, engine):
    async with serve(engine=engine, limits=TIGHT) as site, site.raw(receive_buffer=4_096) as client:
        await client.upgrade()
        ear = await site.ear()
        sent = fill(ear)
        before = ear.wire.backlog
        for number in range(2_000):
            client.say(frame(PING, b"%100d" % number))
        client.say(frame(1, b"all pinged"))
        await client.writer.drain()
        await ear.until_messages(1)
        assert ear.wire.backlog <= before + len("all pinged") + 2  # its echo
        for _ in (*sent, "echo"):
            assert (await client.read_frame())[0] != 0x80 | PONG
        assert await client.read_frame() == (0x80 | PONG, b"%100d" % 1_999)  # the last one is answered


async def test_a_receiver_need_not_care_for_writable(serve, engine):
    class Plain(Ear):
        writable = None

    async with serve(engine=engine, limits=TIGHT, ear=Plain) as site, site.raw(receive_buffer=4_096) as client:
        await client.upgrade()
        ear = await site.ear()
        while ear.wire.backlog <= TIGHT.max_backlog:
            ear.wire.send(bytes(50_000))
        ear.wire.send("last")
        while (await client.read_frame())[1] != b"last":
            pass


def test_the_target_is_kept_and_taken_apart():
    request = UpgradeRequest("/a/b?x=1?y#", {})
    assert (request.path, request.query) == ("/a/b", "x=1?y#")
    assert (UpgradeRequest("/a", {}).path, UpgradeRequest("/a", {}).query) == ("/a", "")


@pytest.mark.parametrize(
    ("headers", "websocket"),
    [({}, False), ({"upgrade": "h2c"}, False), ({"upgrade": "WebSocket"}, True), ({"upgrade": "h2c, websocket"}, True)],
)
def test_an_upgrade_request_is_told_from_a_plain_one(headers, websocket):
    assert UpgradeRequest("/", headers).websocket is websocket


def test_tokens_ignore_case_and_blanks():
    assert tokens("keep-alive ,\tUpgrade") == ("keep-alive", "upgrade")


def test_the_default_limits_let_the_session_judge_frames_itself():
    assert WireLimits().max_message > 65_535  # P3: AudioHook's own limit must be reached first
    assert Refusal(401).delay == 0
