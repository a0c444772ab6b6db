"""Calls of SIPp through the real stack and the connector to a bot, and back."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from offhook.audio import alaw, tones, ulaw
from offhook.connector import happenings as h
from offhook.connector.exchange import Connector
from offhook.connector.integrations import Integration
from offhook.connector.legs.baresip import BaresipStack
from offhook.connector.legs.sip import SipTrunk
from offhook.connector.legs.sipstack import StackSettings
from offhook.errors import UsageError
from offhook.protocol import DtmfReceived
from offhook.session.server import Server

from ..lines import Bot, echo
from . import sipp as s

TONE = ulaw.encode(tones.tone(440, 1.5, -12))

needs_sipp = pytest.mark.skipif(shutil.which("sipp") is None, reason="scripts/install_test_packages.sh brings SIPp")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="SIPp plays recorded packets by a raw socket: root")


class World:
    def __init__(self) -> None:
        self.events: list[object] = []
        self.port = 0

    def of(self, kind: type) -> list:
        return [event for event in self.events if isinstance(event, kind)]


@asynccontextmanager
async def answering(bot: Bot, *, peers=("127.0.0.1",), max_calls: int = 10, **settings) -> AsyncIterator[World]:
    world, connector = World(), Connector()
    connector.watch(lambda conversation, event: world.events.append(event))
    connector.add_flow(lambda call: call.audio_connector("bot"))
    stack = BaresipStack(StackSettings("127.0.0.1", 0, **settings))
    trunk = SipTrunk(stack, connector.take, peers=peers, max_calls=max_calls)
    world.port = await trunk.start()
    try:
        async with Server(bot.reception) as server, connector:
            uri = f"ws://127.0.0.1:{server.port}/"
            connector.integrations.put(Integration(name="bot", uri=uri, active=True, frame_ms=20))
            yield world
    finally:
        await trunk.close()


def loud_at(pcm: np.ndarray, frequency: float) -> float:
    """Seconds in which a tone of this frequency rules."""
    pieces = [pcm[at : at + 400] for at in range(0, len(pcm) - 400, 400)]
    spectra = [np.abs(np.fft.rfft(piece * np.hanning(400))) for piece in pieces]
    return sum(
        piece.std() > 1000 and abs(int(spectrum.argmax()) * 20 - frequency) <= 20
        for piece, spectrum in zip(pieces, spectra, strict=True)
    ) * 0.05  # fmt: skip


@needs_sipp
async def test_a_call_is_heard_both_ways_and_hung_up_by_the_caller(tmp_path):
    (tmp_path / "tone.ul").write_bytes(TONE)
    bot, ear = Bot(echo), await s.Ear().open()
    async with answering(bot, headers=("X-Ticket",)) as world:
        steps = (s.invite(), s.answered(), s.play("tone.ul"), s.pause(2200), s.bye())
        code, said = await s.sipp(tmp_path, world.port, *steps, ear=ear.port)
        assert code == 0, said
    ear.close()
    arrived, over = world.of(h.CallArrived)[0], world.of(h.CallOver)[0]
    assert (arrived.leg, arrived.ani, arrived.dnis, arrived.ani_name) == ("sip", "+15550001111", "+15550002222", "Ada")
    assert (over.by, over.reason) == ("caller", "hung up")
    assert loud_at(ulaw.decode(bot.heard), 440) > 1.2
    assert loud_at(ulaw.decode(bytes(ear.heard[0])), 440) > 1.2
    assert ear.sizes == {160}
