"""The example flows run, each against bots and monitors in virtual time; and their settings can be read."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.connector.exchanges import TONE, Scripted, World, says

from offhook.cli.run import load
from offhook.cli.target import load_connector
from offhook.connector import happenings as h
from offhook.connector.legs import Caller
from offhook.connector.legs.wav import WavLeg
from offhook.protocol import MONITOR, TRANSCRIPTION, Entity
from offhook.session.reception import Decline

FLOWS = Path(__file__).parent.parent / "examples" / "flows"
pytestmark = pytest.mark.virtual_time


class Example(World):
    """A world whose connector comes from an example."""

    def __init__(self, name: str) -> None:
        super().__init__()
        world, self.connector = self.connector, load_connector(FLOWS / name)
        self.connector.integrations = world.integrations
        self.connector.dial = self.dial
        self.connector.transfer_targets = ("sip:*@pbx.example",)
        self.connector.watch(self.note)

    async def ring(self, dnis: str = "+15551234") -> WavLeg:
        leg = WavLeg(caller=Caller("+1999", dnis), hang_up_after=60)
        await self.connector.answer(leg)
        return leg


@pytest.mark.parametrize("path", sorted(FLOWS.glob("*.py")), ids=lambda path: path.name)
async def test_flows_are_short_and_their_settings_can_be_read(path, tmp_path):
    assert len(path.read_text().splitlines()) <= 40
    for each in (path, FLOWS / "offhook.toml"):
        (tmp_path / each.name).write_text(each.read_text())
    connector, settings = load(str(tmp_path / path.name))
    assert connector.may_transfer("sip:agents@pbx.example")
    assert not connector.may_transfer("+1900555")
    assert connector.flow_count
    assert {each.name for each in connector.integrations.list() if each.active} == set(settings.integration)
    connector.store.close()


async def test_fallback():
    world = Example("fallback.py")
    world.serve("service", says((0.5, TONE), (0.2, lambda bot: bot.link.connection.abort())))
    second = world.serve("second", says((0.5, TONE), (1.5, {})))
    assert (await world.ring()).ended != "transferred"
    assert second.opens
    second.answer = lambda request, open: Decline("error")
    del world.servers["wss://service.example/"]
    leg = await world.ring()
    assert leg.transferred == "sip:agents@pbx.example"
    actions = [event.action for event in world.of(h.Decided)]
    assert actions == ["next-integration", "retry", "next-integration", "retry", "transfer"]


@pytest.mark.parametrize("intent", ["billing", "repairs", "orders", "nonsense"])
async def test_steering(intent):
    world = Example("steering.py")
    world.serve("service", says((0.5, {"intent": intent})), suffix="steering")
    leg = await world.ring()
    assert leg.transferred == f"sip:{'reception' if intent == 'nonsense' else intent}@pbx.example"


@pytest.mark.parametrize("verified", ["true", "false"])
async def test_password(verified):
    world = Example("password.py")
    world.serve("biometrics", says((0.5, {"verified": verified, "speaker": "4711"})))
    service = world.serve("service", says((0.5, {})))
    leg = await world.ring()
    if verified == "true":
        assert service.opens[0].input_variables == {"customer": "4711", "order": ""}
    else:
        assert leg.transferred == "sip:security@pbx.example"
        assert service.opens == []


async def test_monitors(capsys):
    world = Example("monitors.py")
    world.serve("service", says((3.0, {})))

    async def speak(bot):
        await asyncio.sleep(1)
        bot.session.send_event(Entity("transcript", {}))
        bot.flush()

    world.monitor("transcribe", Scripted(speak, profile=TRANSCRIPTION))
    world.monitor("assist", Scripted(speak, profile=MONITOR))
    await world.ring()
    out = capsys.readouterr().out
    assert "transcribe: transcript" in out
    assert "assist: transcript" in out
