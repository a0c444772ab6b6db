"""Calls of SIPp by way of the real Asterisk to a bot, and back. Skipped where there is none: see `pbx`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from offhook.audio import tones, ulaw
from offhook.connector import happenings as h
from offhook.connector.exchange import Connector
from offhook.connector.integrations import Integration
from offhook.connector.legs.asterisk import AsteriskChannels
from offhook.protocol import AudioReceived, DtmfReceived
from offhook.session.server import Server

from ..lines import Bot, echo
from . import pbx
from . import sipp as s
from .test_baresip import Pin, World, loud_at, needs_sipp

pytestmark = [
    needs_sipp,
    pytest.mark.timeout(120),
    pytest.mark.skipif(not pbx.THERE, reason="no Asterisk: as root, scripts/fetch_asterisk.sh brings one"),
]
NUMBER = "15550002222"
TONE = ulaw.encode(tones.tone(440, 1.5, -12))


@asynccontextmanager
async def behind_asterisk(bot: Bot) -> AsyncIterator[World]:
    connector = Connector()
    world = World(connector)
    connector.watch(lambda conversation, event: world.events.append(event))
    connector.add_flow(lambda call: call.audio_connector("bot"))
    channels = AsteriskChannels(connector.take, login=("offhook", "4711"))
    port = await channels.start("127.0.0.1", 0)
    try:
        async with Server(bot.reception) as server, connector, pbx.asterisk(port, "4711") as world.port:
            uri = f"ws://127.0.0.1:{server.port}/"
            connector.integrations.put(Integration(name="bot", uri=uri, active=True, frame_ms=20))
            yield world
    finally:
        await channels.close()


async def test_a_call_is_heard_both_ways_and_hung_up_by_the_caller(tmp_path):
    (tmp_path / "tone.ul").write_bytes(TONE)
    bot, ear = Bot(echo), await s.Ear().open()
    async with behind_asterisk(bot) as world:
        steps = (s.invite(), s.answered(), s.play("tone.ul"), s.pause(2500), s.bye())
        (over,) = await world.call(tmp_path, *steps, ear=ear.port, to=NUMBER)
    ear.close()
    (arrived,) = world.of(h.CallArrived)
    assert (arrived.leg, arrived.ani, arrived.dnis) == ("asterisk", "+15550001111", NUMBER)
    assert over.by == "caller"
    assert loud_at(ulaw.decode(bot.heard), 440) > 1.0
    assert loud_at(ulaw.decode(bytes(ear.heard[0])), 440) > 1.0


async def test_a_key_reaches_the_bot_which_hangs_up(tmp_path):
    bot = Pin()
    async with behind_asterisk(bot) as world:
        steps = (s.invite(), s.answered(), s.pause(500), s.pcap("dtmf_2833_5.pcap"), s.HUNG_UP)
        (over,) = await world.call(tmp_path, *steps, to=NUMBER)
    assert [event.digit for event in bot.of(DtmfReceived)] == ["5"]
    assert over.by == "flow"


async def test_a_barge_in_silences_what_asterisk_has(tmp_path):
    """The bot says four seconds of a tone at once, and cuts itself off when half a second of the caller has come."""

    class Interrupted(Bot):
        def __init__(self) -> None:
            super().__init__(self._hear)
            self.cut = False

        def _hear(self, bot: Bot, event: object) -> None:
            if not isinstance(event, AudioReceived) or self.cut:
                return
            if event.position == 0:
                self.session.send_audio(ulaw.encode(tones.tone(600, 4.0, -12)))
            elif event.position > 8000:
                self.cut = True
                self.session.barge_in()

    ear = await s.Ear().open()
    (tmp_path / "tone.ul").write_bytes(ulaw.silence(32_000))
    async with behind_asterisk(Interrupted()) as world:
        steps = (s.invite(), s.answered(), s.play("tone.ul"), s.pause(3500), s.bye())
        await world.call(tmp_path, *steps, ear=ear.port, to=NUMBER)
    ear.close()
    assert 0.3 < loud_at(ulaw.decode(bytes(ear.heard[0])), 600) < 1.8
