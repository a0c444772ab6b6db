"""What a caller hears in each tick: bot, prompt and comfort sound, and edges without clicks."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from offhook.audio import tones, ulaw
from offhook.connector.legs.wav import WavLeg
from offhook.connector.line import COMFORT_AFTER, Line
from offhook.connector.player import TICK, Played, Player
from offhook.connector.sounds import hold_sound

pytestmark = pytest.mark.virtual_time
TONE = ulaw.encode(tones.tone(440, 1.0, -12))
SECOND = 8000


class Voice:
    """A bot without a session."""

    def __init__(self, audio: bytes = b"") -> None:
        self.player = Player(cushion=0)
        self.player.push(audio)
        self.got = []
        self.was_dropped = False

    def play(self) -> Played:
        return self.player.take(TICK)

    def capture(self, played, external, internal, ahead) -> None:
        self.got.append((played, external, internal, ahead))

    def dropped(self) -> None:
        self.was_dropped = True


async def pass_time(seconds: float) -> None:
    await asyncio.sleep(seconds)


def jump(audio: bytes) -> int:
    return int(np.abs(np.diff(ulaw.decode(audio).astype(np.int32))).max())


async def with_line(leg: WavLeg | None = None, voice: Voice | None = None) -> tuple[Line, WavLeg]:
    leg = leg or WavLeg()
    line = Line(leg)
    line.voice = voice
    line.start()
    return line, leg


async def test_a_prompt_is_heard_over_a_bot_and_both_are_mixed():
    line, leg = await with_line(voice=Voice(TONE))
    prompt = line.prompt(ulaw.encode(tones.tone(880, 0.5, -20)))
    assert await prompt.done
    await pass_time(0.6)
    line.stop()
    assert jump(bytes(leg.heard)) > jump(TONE)  # both together
    assert bytes(leg.heard)[5000:7900] == TONE[5000:7900]  # the bot alone, byte by byte


async def test_a_new_prompt_ends_the_one_before_it_and_it_knows():
    line, leg = await with_line()
    first = line.prompt(TONE * 3)
    await pass_time(0.5)
    second = line.prompt(ulaw.encode(tones.tone(200, 0.5, -12)))
    assert await first.done is False
    assert await second.done is True
    line.stop()
    assert jump(bytes(leg.heard)) < 1.3 * jump(TONE)


async def test_comfort_begins_before_a_second_of_silence_and_ends_softly_when_the_bot_speaks():
    voice = Voice()
    line, leg = await with_line(voice=voice)
    line.comfort(hold_sound())
    await pass_time(3.0)
    assert line.comforting
    voice.player.push(TONE)
    await pass_time(1.5)
    line.stop()
    heard = bytes(leg.heard)
    assert not heard[: COMFORT_AFTER - TICK].strip(b"\xff\x7f")
    assert heard[COMFORT_AFTER + TICK : SECOND].strip(b"\xff\x7f")
    assert TONE[100:] in heard
    assert jump(heard) < 1.3 * jump(TONE)
    assert not line.comforting or heard


async def test_the_hold_sound_has_no_seam_and_no_silence():
    looped = hold_sound() * 2
    assert jump(looped) == jump(hold_sound())
    levels = [ulaw.level_dbfs(looped[at : at + 800]) for at in range(0, len(looped), 800)]
    assert min(levels) > -36
    assert max(levels) < -15


async def test_on_hold_nothing_is_heard_or_said_and_secure_hides_both():
    voice = Voice(TONE * 4)
    line, leg = await with_line(WavLeg(TONE * 8), voice)
    await pass_time(0.5)
    line.held = True
    at = len(leg.heard)
    await pass_time(0.5)
    assert not bytes(leg.heard)[at:].strip(b"\xff")
    assert not voice.got[-1][1].strip(b"\xff")
    line.held = False
    line.secure = True
    await pass_time(0.5)
    assert bytes(leg.heard)[-160:].strip(b"\xff")  # the caller goes on hearing
    assert not (voice.got[-1][1] + voice.got[-1][2]).strip(b"\xff")
    line.stop()


async def test_a_listener_that_fails_is_dropped_and_a_leg_that_fails_ends_the_line():
    class Broken(Voice):
        def capture(self, *given) -> None:
            raise RuntimeError("broken")

    troubles = []
    leg = WavLeg()
    line = Line(leg)
    line.on_trouble = lambda: troubles.append(1)
    ear, voice = Broken(), Broken(TONE)
    line.ears.append(ear)
    line.voice = voice
    line.start()
    await pass_time(0.1)
    assert line.ears == []
    assert line.voice is None
    assert ear.was_dropped
    assert voice.was_dropped

    def fail(heard: bytes):
        raise OSError("gone")

    leg.exchange = fail
    await pass_time(0.1)
    assert troubles == [1]


class Broken:
    def exchange(self, heard: bytes) -> tuple[bytes, bytes]:
        raise RuntimeError("its line is cut")


async def test_a_partner_hears_the_caller_and_is_heard_while_nobody_listens():
    """What is said in a secure block goes to the partner, and to nobody else; on hold the caller hears nothing."""
    said, answer, monitor = TONE, ulaw.encode(tones.tone(880, 1.0, -12)), Voice()
    line, leg = await with_line(WavLeg(said))
    partner = WavLeg(answer)
    line.partner, line.secure = partner, True
    line.ears.append(monitor)
    await pass_time(0.5)
    assert said[:3200] in bytes(partner.heard)
    assert answer[:3200] in bytes(leg.heard)
    assert {external for _, external, _, _ in monitor.got} == {ulaw.silence(TICK)}
    line.held = True
    heard, told = len(leg.heard), len(monitor.got)
    await pass_time(0.2)
    assert set(bytes(leg.heard[heard + TICK :])) == {ulaw.silence(1)[0]}
    assert {external for _, external, _, _ in monitor.got[told:]} == {ulaw.silence(TICK)}
    line.stop()


async def test_a_partner_that_fails_is_let_go():
    line, _ = await with_line(WavLeg(TONE))
    told = []
    line.on_parted, line.partner = lambda: told.append(1), Broken()
    await pass_time(0.2)
    assert told == [1]
    assert line.partner is None
    line.stop()
