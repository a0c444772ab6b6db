"""The microphone leg against a double of PortAudio: its thread's turns, its queues, its end."""

from __future__ import annotations

import asyncio
import sys

import numpy as np
import pytest

from offhook.audio import tones, ulaw
from offhook.connector.legs import TransferFailed
from offhook.connector.legs.mic import MicrophoneLeg, open_device
from offhook.errors import CallEnded, UsageError


class Device:
    """PortAudio, whose turns a test takes by hand."""

    def __init__(self) -> None:
        self.started = self.closed = False

    def Stream(self, *, callback, samplerate, blocksize, channels, dtype, latency):
        assert (samplerate, blocksize, channels, dtype) == (8000, 160, 1, "int16")
        self.callback = callback
        return self

    def start(self) -> None:
        self.started = True

    def close(self) -> None:
        self.closed = True

    def turn(self, said: np.ndarray) -> np.ndarray:
        ear = np.zeros((160, 1), np.int16)
        self.callback(said.reshape(-1, 1), ear, 160, None, None)
        return ear[:, 0]


async def test_what_is_said_comes_in_and_what_is_heard_goes_out():
    device = Device()
    leg = MicrophoneLeg(device)
    await leg.answer()
    assert device.started
    said = tones.tone(440, 0.02)
    heard = ulaw.encode(tones.tone(880, 0.06))
    assert await asyncio.to_thread(device.turn, said) is not None
    await asyncio.sleep(0)
    assert leg.exchange(heard[:160]) == (ulaw.encode(said), heard[:160])
    assert not device.turn(said).any()  # a cushion first
    leg.exchange(heard[160:320])
    leg.exchange(heard[320:])
    assert leg.ahead == 480
    assert ulaw.encode(device.turn(said)) == heard[:160]
    assert leg.flush() == 320
    assert not device.turn(said).any()


async def test_keys_and_the_end():
    told: list[str] = []

    class Listener:
        key = told.append
        hung_up = told.append

        def held(self, on: bool) -> None: ...

    device = Device()
    leg = MicrophoneLeg(device)
    leg.attach(Listener())
    await leg.answer()
    leg.press("5")
    with pytest.raises(TransferFailed):
        await leg.transfer("+1")
    leg.leave()
    leg.hang_up()
    assert told == ["5", "hung up"]
    assert device.closed
    with pytest.raises(CallEnded):
        await leg.answer()


async def test_a_machine_without_sound_is_told_in_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(UsageError, match="libportaudio2"):
        open_device()

    class Broken:
        def Stream(self, **options):
            raise RuntimeError("no device")

    with pytest.raises(UsageError, match="no device"):
        MicrophoneLeg(Broken())
