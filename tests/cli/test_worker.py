"""`offhook serve --workers N`: processes that share a port, as a caller and an operator see them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable

import pytest
from tests.cli.servers import ECHO, SAMPLE, TONE, Caller, Serving, serving

from offhook.errors import UpgradeRejected
from offhook.protocol import Finished
from offhook.session.client import new_session_id
from offhook.session.keys import SAMPLE_KEY, sign_request

TWO = ("--workers", "2")


async def workers(server: Serving) -> list[dict]:
    _, state = await server.health()
    return list(state["workers"])


async def until(server: Serving, states: list[str]) -> list[dict]:
    """The workers, once they are in these states."""
    async with asyncio.timeout(30):
        while True:
            try:
                found = await workers(server)
            except (ConnectionError, ValueError):  # asked a worker that was just killed
                continue
            if [worker["state"] for worker in found] == states:
                return found
            await asyncio.sleep(0.01)


async def calls_on_both(server: Serving, **how: object) -> list[Caller]:
    """Calls, until each worker has one: the kernel deals them out."""
    callers: list[Caller] = []
    async with asyncio.timeout(30):
        while not all(worker["sessions"] for worker in await workers(server)):
            callers.append(await Caller().call(server.uri, **how))  # type: ignore[arg-type]
    return callers


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Ask until it is so: what a worker writes on the board tells nobody."""
    async with asyncio.timeout(30):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.01)


async def gone(pid: int) -> None:
    """Wait for the end of a process that is not our child."""

    async def is_gone() -> bool:
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: ASYNC230
                return b" Z " in file.read()
        except OSError:
            return True

    await eventually(is_gone)


async def hang_up(callers: list[Caller]) -> None:
    for caller in callers:
        if not caller.has(Finished):
            await caller.hang_up()


async def test_workers_share_calls_answer_as_one_and_drain_together():
    async with serving(*TWO) as server:
        assert [worker["state"] for worker in await workers(server)] == ["ready", "ready"]
        callers = await calls_on_both(server)
        for caller in callers:
            await caller.echoes()
        status, state = await server.health()
        assert (status, state["status"], state["sessions"]) == (200, "ok", len(callers))
        server.process.send_signal(signal.SIGTERM)
        for _ in TWO:
            await server.until("] INFO draining")
        assert (await server.health())[0] == 503
        with pytest.raises(UpgradeRejected) as refused:
            await Caller().call(server.uri)
        assert refused.value.status == 503
        for caller in callers:
            await caller.echoes()
            await caller.hang_up()
            assert caller.events[-1] == Finished(clean=True)
        assert await server.ended() == 0


async def test_metrics_are_the_sum_of_all_workers():
    async with serving(*TWO) as server:
        callers = await calls_on_both(server)
        for caller in callers:
            await caller.echoes()

        async def counted() -> bool:  # what passes is written to the board once a second
            return (await server.metrics())['offhook_audio_frames_total{direction="in"}'] == len(callers)

        async def over() -> bool:
            return (await server.metrics())["offhook_sessions"] == 0

        await eventually(counted)
        figures = await server.metrics()
        assert figures["offhook_sessions"] == figures["offhook_opened_seconds_count"] == len(callers)
        assert figures['offhook_audio_bytes_total{direction="in"}'] == 1600 * len(callers)
        assert figures['offhook_workers{state="ready"}'] == 2
        assert sum(figures[f'offhook_worker_sessions{{worker="{number}"}}'] for number in (1, 2)) == len(callers)
        await hang_up(callers)
        await eventually(over)
        figures = await server.metrics()
        assert figures['offhook_sessions_ended_total{outcome="hangup"}'] == len(callers)


async def test_a_worker_that_is_killed_is_replaced_and_takes_only_its_own_calls_with_it():
    async with serving(*TWO) as server:
        callers = await calls_on_both(server)
        first, second = await workers(server)
        os.kill(first["pid"], signal.SIGKILL)
        said = await server.until("another takes its place")
        assert f"SIGKILL, and {first['sessions']} sessions" in said
        renewed = await until(server, ["ready", "ready"])
        assert renewed[0]["pid"] != first["pid"]
        assert renewed[1]["pid"] == second["pid"]
        lost = [caller for caller in callers if caller.has(Finished)]
        assert len(lost) == first["sessions"]
        for caller in callers:
            if caller not in lost:
                await caller.echoes()
        figures = await server.metrics()
        assert figures['offhook_sessions_ended_total{outcome="lost"}'] == len(lost)
        assert figures["offhook_worker_restarts_total"] == 1
        assert figures["offhook_opened_seconds_count"] == len(callers)  # what it had counted stays
        await hang_up(callers)


async def test_one_worker_can_be_drained_alone():
    async with serving(*TWO) as server:
        first, second = await workers(server)
        os.kill(first["pid"], signal.SIGTERM)
        assert "exit code 0" in await server.until("another takes its place in 0 s")
        renewed = await until(server, ["ready", "ready"])
        assert renewed[0]["pid"] != first["pid"]
        assert renewed[1]["pid"] == second["pid"]


async def test_workers_end_by_themselves_when_their_parent_is_killed_and_the_port_is_free_at_once():
    async with serving(*TWO) as server:
        callers = await calls_on_both(server)
        pids = [worker["pid"] for worker in await workers(server)]
        server.process.kill()
        await server.ended()
        async with asyncio.timeout(20):
            while True:
                try:
                    await server.get("/health")
                except ConnectionRefusedError:
                    break
                except (ConnectionError, IndexError):  # its socket was closed with us in its queue
                    pass
                await asyncio.sleep(0.01)
        for caller in callers:
            await caller.echoes()  # the calls go on
            await caller.hang_up()
        for pid in pids:
            await gone(pid)


async def test_a_second_signal_ends_all_at_once():
    async with serving(*TWO) as server:
        callers = await calls_on_both(server)
        pids = [worker["pid"] for worker in await workers(server)]
        server.process.send_signal(signal.SIGINT)
        await server.until("draining: ")
        server.process.send_signal(signal.SIGINT)
        assert await server.ended() == 0
        for caller in callers:
            await caller.until(lambda caller=caller: caller.has(Finished))  # type: ignore[misc]
        for pid in pids:
            await gone(pid)


async def test_limits_hold_over_all_workers():
    credentials = {"credentials": SAMPLE}
    async with serving(*TWO, "--sample-keys", "--max-sessions", "9", "--max-sessions-per-key", "7") as server:
        callers = [Caller().call(server.uri, SAMPLE) for _ in range(20)]
        let_in = [each for each in await asyncio.gather(*callers, return_exceptions=True) if isinstance(each, Caller)]
        # Of two that come at the same instant for the last place, none may get it; never more do.
        assert len(let_in) <= 7
        while len(let_in) < 7:
            let_in.append(await Caller().call(server.uri, **credentials))
        for _ in range(4):
            with pytest.raises(UpgradeRejected) as refused:
                await Caller().call(server.uri, SAMPLE)
            assert refused.value.status == 429
        assert (await server.health())[1]["sessions"] == 7
        await let_in.pop().hang_up()

        async def room() -> bool:
            return (await server.health())[1]["sessions"] < 7

        await eventually(room)
        let_in.append(await Caller().call(server.uri, SAMPLE))
        await let_in[-1].echoes()
        await hang_up(let_in)


async def upgrade(server: Serving, headers: dict[str, str]) -> int:
    """The status that an upgrade request gets; the connection is dropped behind it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    fields = headers | {
        "Host": f"127.0.0.1:{server.port}", "Upgrade": "websocket", "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }  # fmt: skip
    lines = [f"GET {server.path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
    writer.write("\r\n".join(lines).encode())
    status = int((await reader.readline()).split()[1])
    writer.close()
    await writer.wait_closed()
    return status


def signed(server: Serving) -> dict[str, str]:
    return sign_request(
        server.uri, SAMPLE_KEY, SAMPLE.secret, new_session_id(), new_session_id(), new_session_id(), time.time()
    )


async def test_a_signature_is_good_once_whichever_worker_it_meets():
    async with serving(*TWO, "--sample-keys", "--max-age", "60") as server:
        request = signed(server)
        assert await upgrade(server, request) == 101
        # Twelve replays meet the same worker alone once in 2,048 times.
        assert await asyncio.gather(*(upgrade(server, request) for _ in range(12))) == [401] * 12
        # And one that was started since.
        for worker in await workers(server):
            os.kill(worker["pid"], signal.SIGKILL)
            await server.until("another takes its place")
            await until(server, ["ready", "ready"])
        assert await asyncio.gather(*(upgrade(server, request) for _ in range(6))) == [401] * 6
        crowd = signed(server)
        statuses = await asyncio.gather(*(upgrade(server, crowd) for _ in range(12)))
        assert statuses.count(101) <= 1


async def test_records_and_events_of_all_workers_are_whole(tmp_path):
    async with serving(*TWO, "--json", "--keep", str(tmp_path / "calls")) as server:
        callers = await calls_on_both(server)
        for caller in callers:
            await caller.echoes()
            await caller.hang_up()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.stdout is not None
        lines = [json.loads(line) async for line in server.process.stdout]
        assert await server.ended() == 0
    ended = {line["session"]: line["worker"] for line in lines if line["event"] == "call_ended"}
    assert set(ended) == {caller.session.id for caller in callers}
    assert set(ended.values()) == {1, 2}
    assert len(list((tmp_path / "calls").rglob("call.json"))) == len(callers)


async def fails(*options: str) -> tuple[int | None, list[str]]:
    """Exit code and words of a command that ends by itself."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "offhook", "serve", *options, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(30):
        _, said = await process.communicate()
    return process.returncode, said.decode().splitlines()


async def test_a_port_that_is_taken_is_one_line_even_by_a_server_that_would_share_it():
    async with serving(*TWO) as server:
        code, said = await fails(ECHO, "--port", str(server.port), *TWO)
        assert code == 2
        assert len(said) == 1
        assert said[0].startswith(f"offhook: cannot listen on port {server.port}")


async def test_a_worker_that_cannot_start_ends_the_command_with_what_it_says(tmp_path):
    code, said = await fails(ECHO + ":other", "--port", "0", *TWO)
    assert (code, len(said)) == (2, 1)
    assert "no bot or monitor named 'other'" in said[0]
    (tmp_path / "bot.py").write_text("import os\nos.abort()\n")
    code, said = await fails(str(tmp_path / "bot.py"), "--port", "0", *TWO)
    assert code == 1
    assert "worker 1 could not start: it ended with SIGABRT" in said[-1]


async def test_a_handler_that_blocks_the_loop_is_named_once(tmp_path):
    (tmp_path / "slow.py").write_text(
        "import time\n"
        "from offhook import Bot\n"
        "bot = Bot(preload=False)\n"
        "@bot.handler\n"
        "async def answer(call):\n"
        "    async for frame in call.audio():\n"
        "        time.sleep(0.5)\n"
    )
    async with serving(target=str(tmp_path / "slow.py")) as server:
        caller = await Caller().call(server.uri)
        for _ in range(3):
            caller.session.send_audio(TONE)
        caller.line.flush()
        said = await server.until("keeps the event loop busy")
        assert "answer (" in said
        assert "slow.py, line 7)" in said
        assert "asyncio.to_thread" in said
        await caller.hang_up()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.stderr is not None
        rest = (await server.process.stderr.read()).decode()
        assert "keeps the event loop busy" not in rest


async def test_debug_times_each_sink(tmp_path):
    (tmp_path / "tap.py").write_text(
        "from offhook import Bot\n"
        "bot = Bot(preload=False)\n"
        "def tap(data, position): pass\n"
        "@bot.handler\n"
        "async def answer(call):\n"
        "    call.add_sink(tap)\n"
        "    async for frame in call.audio():\n"
        "        call.send(frame)\n"
    )
    async with serving("--debug", *TWO, target=str(tmp_path / "tap.py")) as server:
        callers = await calls_on_both(server)
        for caller in callers:
            for _ in range(3):
                await caller.echoes()
        server.process.send_signal(signal.SIGUSR1)
        for _ in TWO:
            await server.until("time of sinks")
            await server.until("worst ms")
            assert "tap (" in await server.until("tap.py, line 3)")
        await hang_up(callers)
