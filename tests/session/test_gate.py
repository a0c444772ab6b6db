"""The gate before the WebSockets: slow, large, broken and refused requests, and many of them."""

from __future__ import annotations

import asyncio

import pytest
from tests.session.sockets import Ear, FakeSocket, frame

from offhook.session.gate import Gate, Lobby
from offhook.session.wire import Refusal, UpgradeRequest, WireLimits

both_loops = pytest.mark.usefixtures("loop_kind")


@both_loops
async def test_the_request_reaches_accept_as_it_was_sent(serve, engine):
    async with serve(engine=engine) as site, site.raw() as client:
        target = "/connector/v1/bot-7?lang=en-US&x=%2F?"
        client.say(
            client.head(target, extra="AudioHook-Session-Id: 1\r\nX: a\r\n  b\r\nx: c\r\nConnection: keep-alive\r\n")
        )
        assert (await client.answer())[0] == 101
        (request,) = site.requests
        host, port = client.writer.get_extra_info("sockname")
        assert (request.target, request.peer, request.secure) == (target, f"{host}:{port}", False)
        assert (request.headers["audiohook-session-id"], request.headers["x"]) == ("1", "a b, c")
        assert request.websocket


@both_loops
async def test_a_head_may_come_byte_by_byte(serve, engine):
    async with serve(engine=engine) as site, site.raw() as client:
        for byte in client.head() + frame(1, b"hi"):
            client.say(bytes([byte]))
            await asyncio.sleep(0)
        assert (await client.answer())[0] == 101
        assert await client.read_frame() == (0x81, b"hi")


@both_loops
async def test_a_plain_get_is_answered_by_accept(serve):
    def accept(request: UpgradeRequest) -> Refusal:
        assert not request.websocket
        return Refusal(200 if request.path == "/health" else 404, body=b"{}", content_type="application/json")

    async with serve(accept) as site:
        for target, status in (("/health", 200), ("/health?x", 200), ("/other", 404)):
            async with site.raw() as client:
                client.say(client.head(target, upgrade=False))
                got, headers = await client.answer()
                assert (got, headers["content-type"], headers["connection"]) == (status, "application/json", "close")
                assert await client.to_end() == b"{}"


@both_loops
async def test_a_client_that_has_said_all_still_gets_its_answer(serve):
    async with serve(lambda request: Refusal(200, body=b"ok")) as site, site.raw() as client:
        client.say(client.head(upgrade=False))
        client.writer.write_eof()
        assert (await client.answer())[0] == 200
        assert await client.to_end() == b"ok"


async def test_a_plain_get_cannot_become_a_websocket(serve):
    ear = Ear()
    async with serve(lambda request: ear) as site, site.raw() as client:
        client.say(client.head(upgrade=False))
        assert (await client.answer())[0] == 426
        assert ear.calls == []


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x00\xa5\x01\x00", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\n\r\n", 405),
        (b"GET /" + b"a" * 100_000, 414),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000, 431),
        (b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: a\r\n" * 64 + b"\r\n", 431),
    ],
)
@both_loops
async def test_what_is_no_request_never_reaches_accept(serve, data, status):
    async with serve() as site, site.raw() as client:
        client.say(data)
        got, headers = await client.answer()
        assert (got, headers["connection"]) == (status, "close")
        await client.to_end()
        assert site.requests == []


@both_loops
async def test_a_refusal_is_delayed_from_the_arrival_of_the_request(serve):
    loop = asyncio.get_running_loop()
    arrivals = []

    def accept(request: UpgradeRequest) -> Refusal:
        arrivals.append(loop.time())
        return Refusal(401, delay=0.1)

    async with serve(accept) as site, site.raw() as client:
        client.say(client.head())
        client.say(b"what comes behind is thrown away" * 1_000)
        status, headers = await client.answer()
        assert loop.time() - arrivals[0] >= 0.099  # loop clocks tick in milliseconds
        assert (status, headers["content-length"]) == (401, "0")


@both_loops
async def test_a_peer_that_leaves_before_its_answer_leaves_nothing_behind(serve):
    asked = asyncio.Event()

    def accept(request: UpgradeRequest) -> Refusal:
        asked.set()
        return Refusal(401, delay=3_600)

    async with serve(accept) as site, site.raw() as client:
        client.say(client.head())
        await asked.wait()
        assert site.listening.connections == 1
        client.writer.transport.abort()
        await asyncio.wait_for(site.gone(), 5)


@both_loops
async def test_who_does_not_send_a_request_in_time_is_dropped(serve):
    limits = WireLimits(head_timeout=0.1, close_timeout=0.1)
    async with serve(limits=limits) as site, site.raw() as silent, site.raw() as slow, site.raw() as quick:
        slow.say(b"GET / HTTP/1.1\r\nHost:")
        await quick.upgrade()
        assert (await slow.answer())[0] == 408
        assert await silent.to_end() == b""
        quick.say(frame(1, b"not me"))
        assert await quick.read_frame() == (0x81, b"not me")


async def test_a_fault_in_accept_is_500_and_no_more(serve, caplog):
    def accept(request: UpgradeRequest) -> Refusal:
        raise RuntimeError("a fault of ours")

    async with serve(accept) as site, site.raw() as client:
        client.say(client.head())
        assert (await client.answer())[0] == 500
    assert "a fault of ours" in caplog.text


@both_loops
async def test_a_thousand_who_say_nothing_do_not_stop_a_call(serve, engine):
    async with serve(engine=engine, limits=WireLimits(max_waiting=900, close_timeout=0.2)) as site:
        ear = Ear()
        wire = await site.dial(ear)
        idle = []
        try:
            for _ in range(10):
                pairs = [asyncio.open_connection("127.0.0.1", site.port) for _ in range(100)]
                idle += await asyncio.gather(*pairs)
                wire.send("still here")
            await ear.until_messages(10)
            late = Ear()
            await site.dial(late)
            assert (await site.ear(1)).calls == ["connected"]
            for reader, _ in idle[:100]:
                assert await reader.read() == b""  # the oldest made room
            assert site.listening.connections == 2 + 899  # `late` took a place in the gate before it was let in
        finally:
            for _, writer in idle:
                writer.transport.abort()


async def test_the_oldest_in_the_gate_makes_room_not_a_websocket(serve):
    limits = WireLimits(max_waiting=2, close_timeout=0.2)
    async with serve(limits=limits) as site, site.raw() as open_one, site.raw() as first:
        await open_one.upgrade()
        async with site.raw() as second, site.raw() as third:
            assert await first.to_end() == b""
            for client in (second, third):
                await client.upgrade()
            open_one.say(frame(1, b"me too"))
            assert await open_one.read_frame() == (0x81, b"me too")


class Clock:
    """The part of a loop that a gate uses, with time set by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[float] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, *call: object) -> Clock:
        self.timers.append(round(delay, 6))
        return self

    def cancel(self) -> None:
        """As a timer handle."""


@pytest.mark.parametrize(("spent", "left"), [(0.0, 0.5), (0.2, 0.3), (0.7, None)])
async def test_the_time_that_a_verdict_takes_is_part_of_its_delay(monkeypatch, spent, left):  # P2.6 step 18
    clock = Clock()

    def accept(request: UpgradeRequest) -> Refusal:
        clock.now += spent
        return Refusal(401, delay=0.5)

    gate = Gate(Lobby(accept, None, WireLimits()))
    monkeypatch.setattr(gate, "_loop", clock)
    socket = FakeSocket()
    gate.connection_made(socket)
    head = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
    gate.get_buffer(-1)[: len(head)] = head
    gate.buffer_updated(len(head))
    assert clock.timers == ([] if left is None else [left])
    assert ("HTTP/1.1 401 Unauthorized" in socket.asked) == (left is None)
    gate.connection_lost(None)


@pytest.mark.virtual_time
@pytest.mark.parametrize("head", [b"", b"GET /", b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"])
async def test_nothing_happens_to_a_connection_that_is_gone(head):
    lobby = Lobby(lambda request: Refusal(401, delay=0.5), None, WireLimits())
    gate, socket = Gate(lobby), FakeSocket()
    gate.connection_made(socket)
    gate.get_buffer(-1)[: len(head)] = head
    gate.buffer_updated(len(head))
    assert lobby.connections == 1
    gate.connection_lost(None)
    await asyncio.sleep(60)
    assert socket.asked == []
    assert lobby.connections == 0


@pytest.mark.virtual_time
async def test_each_connection_has_its_own_time_for_a_request():
    lobby = Lobby(lambda request: Refusal(401), None, WireLimits(head_timeout=5.0))
    gates = [(Gate(lobby), FakeSocket()) for _ in range(3)]
    for gate, socket in gates:
        gate.connection_made(socket)
        await asyncio.sleep(2)
    gates[1][0].connection_lost(None)
    gone = []
    for _ in range(10):
        gone.append([list(socket.asked) for _, socket in gates])
        await asyncio.sleep(1)
    assert gone[0] == [["abort"], [], []]  # six seconds are over
    assert gone[2] == [["abort"], [], []]
    assert gone[4] == gone[-1] == [["abort"], [], ["abort"]]
