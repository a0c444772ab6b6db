"""Two legs joined: keys go across, and whoever is put on hold in silence hears a sound. In virtual time."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from offhook.audio import tones, ulaw
from offhook.audio.dtmf import DtmfDetector
from offhook.connector import happenings as h
from offhook.connector.bridge import HoldSound
from offhook.connector.legs import TransferFailed
from offhook.connector.legs.wav import WavLeg
from offhook.connector.sounds import AUDIBLE, loudness

from .exchanges import TONE, World, speech

MUSIC = ulaw.encode(tones.tone(660, 4.0, -14))


class Desk(WavLeg):
    """The other side of a transfer, which notes the keys that it gets."""

    def __init__(self, *words: object, **options: object) -> None:
        super().__init__(*words, **options)
        self.keys: list[str] = []

    def send_key(self, digit: str) -> None:
        self.keys.append(digit)


def audible(audio: bytes) -> float:
    """Seconds in which something can be heard."""
    return sum(loudness(audio[at : at + 160]) >= AUDIBLE for at in range(0, len(audio), 160)) / 50


async def joined(desk: Desk | None, caller: WavLeg, *acts: tuple[float, object]) -> World:
    """A call that is transferred to a desk (None: nobody is there), with things done at seconds of its own."""
    world = World(transfer_targets=("+1555*",))

    async def dial(target: str, seconds: float) -> Desk:
        if desk is None:
            raise TransferFailed("486 Busy Here")
        return desk

    async def act() -> None:
        for wait, what in acts:
            await asyncio.sleep(wait)
            what()

    async def flow(call: object) -> None:
        acting = asyncio.create_task(act())
        await call.transfer("+15550009999")
        await acting

    world.connector.bridge = dial
    await world.call(flow, caller)
    return world


@pytest.mark.virtual_time
async def test_keys_of_the_caller_reach_whoever_it_is_joined_to():
    desk = Desk()
    world = await joined(desk, WavLeg(keys=[(1.0, "1"), (1.4, "#")]), (3.0, desk.leave))
    assert desk.keys == ["1", "#"]
    assert [event.digit for event in world.of(h.KeyPressed)] == ["1", "#"]


def keys_in(audio: bytes) -> str:
    return "".join(digit for digit, _ in DtmfDetector().push(ulaw.decode(audio)))


@pytest.mark.virtual_time
async def test_keys_of_the_other_side_are_heard_by_a_caller_who_takes_none_otherwise():
    desk, caller = Desk(TONE, keys=[(1.0, "4"), (1.05, "4"), (1.1, "#")]), WavLeg()
    world = await joined(desk, caller, (3.0, desk.leave))
    assert keys_in(bytes(caller.heard)) == "44#"
    assert world.of(h.KeyPressed) == [], "the flow is told of its caller's keys alone"


class Phone(WavLeg):
    """A caller whose end takes keys, and whose tones are found from 1 s to 2 s."""

    def __init__(self, *words: object, **options: object) -> None:
        super().__init__(*words, **options)
        self.keys: list[str] = []
        self.ticks = 0

    @property
    def keying(self) -> bool:
        return 50 <= self.ticks < 100

    def exchange(self, heard: bytes) -> tuple[bytes, bytes]:
        self.ticks += 1
        return super().exchange(heard)

    def send_key(self, digit: str) -> None:
        self.keys.append(digit)


@pytest.mark.virtual_time
async def test_keys_of_the_other_side_go_to_a_caller_who_takes_them_and_into_no_sound():
    desk, caller = Desk(keys=[(1.0, "4"), (1.4, "#")]), Phone()
    await joined(desk, caller, (3.0, desk.leave))
    assert caller.keys == ["4", "#"]
    assert audible(bytes(caller.heard)) == 0


@pytest.mark.virtual_time
async def test_a_key_that_was_found_in_the_sound_goes_across_once_and_not_in_the_sound_as_well():
    desk, caller = Desk(), Phone(TONE * 4, keys=[(1.0, "7")])
    await joined(desk, caller, (3.0, desk.leave))
    assert desk.keys == ["7"]
    assert 1.95 < audible(bytes(desk.heard[:24_000])) < 2.05, "a second of three is left out"
    steps = np.abs(np.diff(ulaw.decode(bytes(desk.heard[:24_000])).astype(int)))
    assert steps.max() <= 1.3 * np.abs(np.diff(ulaw.decode(TONE).astype(int))).max()


@pytest.mark.virtual_time
async def test_in_a_secure_block_keys_go_across_and_nowhere_else():
    desk, world = Desk(), World(transfer_targets=("+1555*",))

    async def dial(target: str, seconds: float) -> Desk:
        return desk

    async def flow(call: object) -> None:
        with call.secure():
            await call.transfer("+15550009999")

    world.connector.bridge = dial
    await world.call(flow, WavLeg(keys=[(1.0, "4")], hang_up_after=2.0))
    assert desk.keys == ["4"]
    assert [event.digit for event in world.of(h.KeyPressed)] == [""]


@pytest.mark.virtual_time
@pytest.mark.parametrize("music", [b"", MUSIC])
async def test_the_other_side_hears_a_hold_sound_unless_the_caller_sends_one(music):
    """The caller holds from 1 s to 4 s."""
    desk, caller = Desk(), WavLeg(speech(0.9))
    await joined(
        desk, caller,
        (1.0, lambda: (caller.hold(True), music and caller.say(music))),
        (3.0, lambda: caller.hold(False)), (2.0, desk.leave),
    )  # fmt: skip
    on_hold = bytes(desk.heard[8_800:32_000])
    if music:
        assert MUSIC[1_600:16_000] in on_hold
    else:
        assert 2.0 < audible(on_hold) < 2.4  # it comes after 0.7 s of silence
    assert audible(bytes(desk.heard[:7_000])) > 0.8
    assert music or audible(bytes(desk.heard[33_000:])) == 0


@pytest.mark.virtual_time
async def test_a_caller_who_is_put_on_hold_hears_the_sound_until_it_is_taken_back():
    desk, caller = Desk(TONE), WavLeg()
    world = await joined(
        desk, caller, (1.2, lambda: desk.hold(True)), (3.0, lambda: desk.hold(False)), (2.0, desk.leave)
    )
    assert [event.on for event in world.of(h.Comforted)] == [True, False]
    assert 1.9 < audible(bytes(caller.heard[9_600:34_000])) < 2.6
    assert audible(bytes(caller.heard[34_500:])) == 0


@pytest.mark.virtual_time
async def test_a_call_that_ends_on_hold_leaves_no_sound_behind():
    desk, caller = Desk(), WavLeg()
    await joined(desk, caller, (1.0, lambda: desk.hold(True)), (2.0, desk.leave))
    assert caller.ended


def test_a_hold_sound_begins_and_ends_without_a_click():
    hold, quiet = HoldSound(MUSIC), ulaw.silence(160)
    heard = b"".join(hold.over(quiet, on_hold=5 <= n < 100) for n in range(120))
    pcm = ulaw.decode(heard).astype(int)
    assert audible(heard) > 1.0
    assert (
        abs(pcm[1:] - pcm[:-1]).max() <= abs(ulaw.decode(MUSIC).astype(int)[1:] - ulaw.decode(MUSIC)[:-1]).max() * 1.3
    )


def test_without_a_sound_there_is_silence():
    hold, quiet = HoldSound(b""), ulaw.silence(160)
    assert {hold.over(quiet, on_hold=True) for _ in range(100)} == {quiet}
