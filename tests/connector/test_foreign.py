"""A call by SIP through the connector to an AudioHook server of another make: Pipecat's serializer, in its own FastAPI.

Skipped where Pipecat is not installed. It brings much along, so it may have an environment of its own:
`python -m venv pipecat && pipecat/bin/pip install 'pipecat-ai==1.14.0' fastapi uvicorn`, and then
`OFFHOOK_PIPECAT=pipecat/bin/python python -m pytest tests/connector/test_foreign.py`.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from offhook.audio import alaw, tones, ulaw
from offhook.connector import happenings as h
from offhook.connector.exchange import Connector
from offhook.connector.integrations import Integration
from offhook.connector.legs.baresip import BaresipStack
from offhook.connector.legs.sip import SipDoor
from offhook.connector.legs.sipstack import StackSettings

from .legs import sipp as s
from .legs.test_baresip import World, likeness, loud_at, needs_root, needs_sipp

FOREIGN = Path(__file__).parent.parent.parent / "docs" / "foreign"
PYTHON = os.environ.get("OFFHOOK_PIPECAT", sys.executable)


def has_pipecat() -> bool:
    probe = "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, ('pipecat', 'fastapi', 'uvicorn'))))"
    return subprocess.run([PYTHON, "-c", probe], capture_output=True).returncode == 0


pytestmark = [
    needs_sipp,
    pytest.mark.skipif(not has_pipecat(), reason="no Pipecat: name a Python that has it in OFFHOOK_PIPECAT"),
]


@asynccontextmanager
async def pipecat() -> AsyncIterator[str]:
    """Pipecat's server; its URI."""
    port = s.free_port()
    process = await asyncio.create_subprocess_exec(
        PYTHON, "-m", "uvicorn", "pipecat_keys:app", "--port", str(port), "--app-dir", str(FOREIGN),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )  # fmt: skip
    assert process.stderr is not None
    try:
        said = b""
        async with asyncio.timeout(50):
            while b"running on" not in said:
                said = await process.stderr.readline()
                assert said, "Pipecat's server did not start"
        drained = asyncio.create_task(process.stderr.read())
        yield f"ws://127.0.0.1:{port}/"
    finally:
        process.kill()  # it would wait for calls that a test has left behind
        await process.wait()
    await drained


@asynccontextmanager
async def connected(outcomes: list[object]) -> AsyncIterator[World]:
    """A connector that takes calls by SIP and gives them to Pipecat."""
    connector = Connector()
    world = World(connector)
    connector.watch(lambda conversation, event: world.events.append(event))

    @connector.flow()
    async def flow(call) -> None:
        outcomes.append(await call.audio_connector("pipecat"))

    door = SipDoor(BaresipStack(StackSettings("127.0.0.1", 0)), connector.take, peers=["127.0.0.1"])
    world.port = await door.start()
    try:
        async with pipecat() as uri, connector:
            connector.integrations.put(Integration(name="pipecat", uri=uri, active=True))
            yield world
    finally:
        await door.close()


@needs_root
@pytest.mark.timeout(120)
async def test_recorded_speech_goes_both_ways_keys_are_recognised_and_the_bot_hangs_up(tmp_path):
    ear, outcomes = await s.Ear().open(), []
    async with connected(outcomes) as world:
        keys = [step for key in ("1", "9", "pound") for step in (s.pcap(f"dtmf_2833_{key}.pcap"), s.pause(600))]
        steps = (s.invite(8), s.answered(), s.pcap("g711a.pcap"), s.pause(3500), *keys[:-1], s.HUNG_UP)
        (over,) = await world.call(tmp_path, *steps, ear=ear.port)
    ear.close()
    (outcome,) = outcomes
    assert (outcome.outputs["keys"], over.by) == ("19", "flow")
    recorded = alaw.decode(s.payloads("g711a.pcap"))[13_000:19_000]  # the first words
    assert likeness(recorded, alaw.decode(bytes(ear.heard[8]))) > 0.9
    assert world.of(h.RuleBroken) == []


@pytest.mark.timeout(120)
async def test_the_caller_hangs_up_and_the_session_is_closed_in_order(tmp_path):
    (tmp_path / "tone.ul").write_bytes(ulaw.encode(tones.tone(440, 1.5, -12)))
    ear, outcomes = await s.Ear().open(), []
    async with connected(outcomes) as world:
        steps = (s.invite(), s.answered(), s.play("tone.ul"), s.pause(2500), s.bye())
        (over,) = await world.call(tmp_path, *steps, ear=ear.port)
        (session,) = world.of(h.SessionOver)
    ear.close()
    assert (over.by, over.reason) == ("caller", "hung up")
    assert loud_at(ulaw.decode(bytes(ear.heard[0])), 440) > 1.0
    assert (session.error_type, session.error_message) == ("", "")
    assert outcomes == []
