"""Listening sockets."""

from __future__ import annotations

import asyncio
import socket

import pytest
from tests.session.sockets import BRISK, Ear

from offhook.errors import ConnectionLost, UsageError
from offhook.session.listen import listen
from offhook.session.wire import Refusal, WireLimits

both_loops = pytest.mark.usefixtures("loop_kind")


@both_loops
async def test_a_closed_listener_keeps_its_websockets(serve, engine):
    async with serve(engine=engine, limits=WireLimits(head_timeout=3_600)) as site, site.raw() as idle:
        ear = Ear()
        wire = await site.dial(ear)
        assert site.listening.addresses == (("127.0.0.1", site.port),)
        assert site.listening.connections == 2
        site.listening.close()
        assert await idle.to_end() == b""  # in the gate: dropped
        with pytest.raises(ConnectionLost):
            await site.dial(Ear())
        waiting = asyncio.ensure_future(site.listening.wait_closed())
        wire.send("still open")
        await ear.until_messages(1)
        assert not waiting.done()
        wire.close()
        await asyncio.wait_for(waiting, 5)
        assert site.listening.connections == 0


@pytest.mark.parametrize("port", [-1, 65_536, 99_999])
async def test_a_port_that_does_not_exist_is_a_usage_error(port):
    with pytest.raises(UsageError, match="ports are 0 to 65535"):
        await listen(lambda request: Refusal(404), "127.0.0.1", port)


@both_loops
async def test_a_taken_port_is_a_usage_error(engine):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"cannot listen on port {port} on 127.0.0.1 .*choose another"):
            await listen(lambda request: Refusal(404), "127.0.0.1", port, engine=engine)


async def test_an_unknown_host_is_a_usage_error():
    with pytest.raises(UsageError, match=r"port 0 on 192\.0\.2\.1"):
        await listen(lambda request: Refusal(404), "192.0.2.1", 0)


@both_loops
async def test_two_listeners_share_a_port_if_asked(engine):
    first = await listen(lambda request: Refusal(404), "127.0.0.1", 0, engine=engine, reuse_port=True)
    second = await listen(lambda request: Refusal(404), "127.0.0.1", first.port, engine=engine, reuse_port=True)
    for listening in (first, second):
        listening.close()
        await listening.wait_closed()


@both_loops
async def test_ipv6_peers_are_named(serve):
    requests = []

    def accept(request):
        requests.append(request)
        return Refusal(404)

    try:
        listening = await listen(accept, "::1", 0)
    except UsageError:
        pytest.skip("no IPv6 on this machine")
    reader, writer = await asyncio.open_connection("::1", listening.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n")
    await reader.read()
    assert requests[0].peer == f"[::1]:{writer.get_extra_info('sockname')[1]}"
    writer.close()
    await writer.wait_closed()
    listening.close()
    await listening.wait_closed()


async def test_the_limits_have_defaults():
    listening = await listen(lambda request: Refusal(404), "127.0.0.1", 0)
    assert listening.port > 0
    listening.close()
    await listening.wait_closed()
    assert BRISK.max_message == WireLimits().max_message
