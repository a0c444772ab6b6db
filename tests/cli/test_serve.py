"""`offhook serve` as a process: what it listens on, who comes in, and how it goes down."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys

import pytest
from tests.cli.running import offhook, wrong_use
from tests.cli.servers import ECHO, SAMPLE, Caller, serving

from offhook.errors import ConnectionLost, UpgradeRejected
from offhook.protocol import Finished
from offhook.session.client import Credentials
from offhook.session.keys import SAMPLE_KEY, SAMPLE_SECRET


async def test_serves_a_call_and_drains_when_it_is_told_to_stop():
    async with serving() as server:
        assert (server.host, server.path) == ("127.0.0.1", "/api/v1/audiohook/ws")
        caller = await Caller().call(server.uri)
        await caller.echoes()
        assert await server.health() == (200, {"status": "ok", "sessions": 1})
        server.process.send_signal(signal.SIGTERM)
        await server.until("draining: 1 sessions")
        assert await server.health() == (503, {"status": "draining", "sessions": 1})
        with pytest.raises(UpgradeRejected) as refused:
            await Caller().call(server.uri)
        assert refused.value.status == 503
        await caller.echoes()  # the call that is up goes on
        await caller.hang_up()
        assert caller.events[-1] == Finished(clean=True)
        assert await server.ended() == 0


async def test_a_second_interrupt_ends_at_once():
    async with serving() as server:
        caller = await Caller().call(server.uri)
        server.process.send_signal(signal.SIGINT)
        await server.until("draining: 1 sessions")
        await caller.echoes()
        server.process.send_signal(signal.SIGINT)
        assert await server.ended() == 0
        await caller.until(lambda: caller.has(Finished))
        assert caller.events[-1] == Finished(clean=False)


async def test_a_drain_has_a_limit_and_ends_calls_in_order():
    async with serving("--drain", "0.05", "--engine", "websockets") as server:
        caller = await Caller().call(server.uri)
        server.process.send_signal(signal.SIGTERM)
        await caller.until(lambda: caller.has(Finished))
        assert caller.events[-1] == Finished(clean=True)
        assert await server.ended() == 0


async def test_keys_from_a_file_let_in_who_signs_with_them(tmp_path):
    (tmp_path / "keys.toml").write_text(f'[keys]\n"{SAMPLE_KEY}" = "{SAMPLE_SECRET}"\n')
    async with serving("--keys", str(tmp_path / "keys.toml"), "--max-sessions", "1") as server:
        assert server.host == "0.0.0.0"
        caller = await Caller().call(server.uri, SAMPLE)
        await caller.echoes()
        strangers = (Credentials(SAMPLE_KEY, b"wrong"), Credentials("unknown", b"key"), Credentials())
        tries = [Caller().call(server.uri, stranger) for stranger in strangers]
        refused = await asyncio.gather(*tries, return_exceptions=True)
        assert [type(error) for error in refused] == [UpgradeRejected] * 3
        assert {error.status for error in refused if isinstance(error, UpgradeRejected)} == {401}
        with pytest.raises(UpgradeRejected) as full:
            await Caller().call(server.uri, SAMPLE)
        assert full.value.status == 503
        await caller.hang_up()


async def test_the_vendor_s_environment_is_understood():
    keys = json.dumps({SAMPLE_KEY: SAMPLE_SECRET})
    async with serving(STATIC_API_KEY_MAP=keys, PORT="0", LOG_LEVEL="INFO") as server:
        assert server.host == "0.0.0.0"  # as there are keys
        caller = await Caller().call(server.uri, SAMPLE)
        await caller.hang_up()


async def test_everybody_may_come_in_if_that_is_said():
    async with serving("--no-auth", "--path", "/only") as server:
        assert (server.host, server.path) == ("0.0.0.0", "/only")
        caller = await Caller().call(server.uri)
        with pytest.raises(UpgradeRejected) as refused:
            await Caller().call(server.uri + "/other")
        assert refused.value.status == 404
        await caller.hang_up()


async def test_events_are_json_lines_without_anything_personal_and_calls_outlive_their_reader():
    async with serving("--json") as server:
        assert server.process.stdout is not None
        caller = await Caller().call(server.uri)
        started = json.loads(await server.process.stdout.readline())
        assert (started["event"], started["session"]) == ("call_started", caller.session.id)
        assert caller.session.parameters.participant.ani not in json.dumps(started)
        server.process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
        told = asyncio.create_task(server.until("nobody reads standard output"))
        while not told.done():  # the pipe is closed a little later than it is asked to
            caller.session.dtmf("7")
            caller.line.flush()
            await asyncio.wait((told,), timeout=0.2)
        await told
        await caller.echoes()
        await caller.hang_up()
        assert caller.events[-1] == Finished(clean=True)


async def test_what_is_kept_is_on_disk_when_it_has_ended(tmp_path):
    async with serving("--keep", str(tmp_path / "calls")) as server:
        caller = await Caller().call(server.uri)
        await caller.echoes()
        await caller.hang_up()
        server.process.send_signal(signal.SIGTERM)
        assert await server.ended() == 0
    assert [path.name for path in (tmp_path / "calls").rglob("call.json")] == ["call.json"]


async def test_a_port_that_is_taken_is_told_in_one_line():
    async with serving() as server:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "offhook", "serve", ECHO, "--port", str(server.port), stderr=asyncio.subprocess.PIPE
        )
        _, said = await process.communicate()
        assert process.returncode == 2
        assert said.decode().splitlines()[-1].startswith(f"offhook: cannot listen on port {server.port}")
        with pytest.raises(ConnectionLost):
            await Caller().call("ws://127.0.0.1:1/")


@pytest.fixture
def quiet():
    """Logging is set up by the command; afterwards it is as it was."""
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("absent.py",), "absent.py: no such file"),
        ((ECHO, "--host", "0.0.0.0"), "give --keys before you listen on other addresses"),
        ((ECHO, "--keys", "absent.toml"), "cannot read the key file absent.toml"),
        ((ECHO, "--keys", "x", "--no-auth"), "give one of --keys, --key, --sample-keys and --no-auth"),
        ((ECHO, "--secret", "AAEC"), "--secret goes with --key"),
        ((ECHO, "--key", "k", "--secret", "no base64!"), "must be base64"),
        ((ECHO, "--tls-cert", "x", "--no-auth"), "--tls-cert and --tls-key go together"),
        ((ECHO, "--tls-cert", "x", "--tls-key", "y", "--no-auth"), "cannot read the TLS file x"),
        ((ECHO, "--port", "70000"), "'--port'"),
        ((ECHO, "--log-level", "loud"), "'--log-level'"),
        ((ECHO, "--max-sessions", "0"), "'--max-sessions'"),
        ((ECHO + ":other",), "no bot or monitor named 'other'"),
    ],
)
def test_wrong_use_is_one_line(options, words):
    assert words in wrong_use(offhook("serve", *options))


@pytest.mark.usefixtures("quiet")
def test_a_wrong_key_map_is_wrong_use(monkeypatch):
    monkeypatch.setenv("STATIC_API_KEY_MAP", "{broken")
    assert "STATIC_API_KEY_MAP must be a JSON object" in wrong_use(offhook("serve", ECHO))
