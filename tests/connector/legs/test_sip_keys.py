"""Keys of a caller by SIP that are in the sound: found where that is wanted, and told once for each press."""

from __future__ import annotations

import numpy as np
import pytest

from offhook.audio import ulaw
from offhook.audio.dtmf import HIGH, KEYS, LOW
from offhook.connector.legs.sip import SipLeg
from offhook.errors import UsageError
from offhook.testing.recordings import Recordings

from .test_sip import Call, Listener, trunk_of


async def leg_with_tones(hears_keys: bool) -> tuple[Call, SipLeg, Listener]:
    _, stack, legs = await trunk_of("192.0.2.7", hears_keys=hears_keys)
    call, listener = Call(), Listener()
    stack.invited(call)
    legs[0].attach(listener)
    await legs[0].answer()
    return call, legs[0], listener


def press(call: Call, leg: SipLeg, pcm: np.ndarray) -> None:
    audio = ulaw.encode(pcm.clip(-32768, 32767).astype(np.int16))
    for at in range(0, len(audio), 160):
        call.said = audio[at : at + 160]
        leg.exchange(ulaw.silence(160))


def tones_of(keys: str, *, twist: float = 0.0, noise: float = 0.0) -> np.ndarray:
    """Keys of 80 ms with pauses of 80 ms, the higher tone louder by `twist` dB, in noise of this RMS."""
    times = np.arange(640) / 8000
    pieces = []
    for key in keys:
        low, high = divmod(KEYS.index(key), 4)
        loud = 4000 * 10 ** (twist / 20)
        tone = 4000 * np.sin(2 * np.pi * LOW[low] * times) + loud * np.sin(2 * np.pi * HIGH[high] * times)
        pieces += [tone, np.zeros(640)]
    pcm = np.concatenate(pieces)
    return pcm + np.random.default_rng(7).normal(0, noise, len(pcm)) if noise else pcm


@pytest.mark.parametrize(("twist", "noise"), [(0, 0), (6, 0), (-6, 0), (0, 600)])
async def test_keys_are_heard_in_the_sound_where_that_is_wanted(twist, noise):
    call, leg, listener = await leg_with_tones(True)
    press(call, leg, tones_of("159#0D", twist=twist, noise=noise))
    assert listener.told == list("159#0D")
    call, leg, listener = await leg_with_tones(False)
    press(call, leg, tones_of("159"))
    assert listener.told == []


async def test_a_key_is_told_once_if_it_comes_both_ways():
    call, leg, listener = await leg_with_tones(True)
    call.events.key("1")
    press(call, leg, tones_of("12"))
    assert listener.told == ["1"]


async def test_the_first_key_is_told_once_too_if_its_sound_comes_before_its_event():
    call, leg, listener = await leg_with_tones(True)
    press(call, leg, tones_of("1")[:960])
    assert listener.told == ["1"]
    call.events.key("1")
    call.events.key("1")
    assert listener.told == ["1", "1"], "pressed twice"


@pytest.mark.parametrize(("found", "pause"), [("2", 0.0), ("1", 0.6)])
async def test_another_key_is_another_press(found, pause):
    call, leg, listener = await leg_with_tones(True)
    press(call, leg, np.concatenate((tones_of(found), np.zeros(round(pause * 8_000)))))
    call.events.key("1")
    assert listener.told == [found, "1"]


async def test_while_a_key_that_was_found_sounds_it_says_so():
    call, leg, _ = await leg_with_tones(True)
    assert not leg.keying
    press(call, leg, tones_of("1")[:560])
    assert leg.keying
    press(call, leg, np.zeros(640))
    assert not leg.keying


async def test_speech_is_no_key():
    call, leg, listener = await leg_with_tones(True)
    try:
        found = Recordings.find()
    except UsageError as error:
        pytest.skip(str(error))
    for key in sorted(found.clips)[:60]:
        press(call, leg, ulaw.decode(found.phrase(key)[0]))
    assert listener.told == []
