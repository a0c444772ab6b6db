"""Whatever a bot says and whoever disturbs it, its recording is what the caller heard, sample for sample."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bots.fakes import VirtualPool, calling, kept, make_bot, sayings, voice

from offhook import Call
from offhook.audio import wav
from offhook.connector import Call as Caller
from offhook.errors import CallEnded
from offhook.records import events as happenings
from offhook.records.store import CallStore, Keep
from offhook.speech import pool as pools
from offhook.testing import clock

pytestmark = [pytest.mark.virtual_time, pytest.mark.usefixtures("pool")]

TEN = "one two three four five six seven eight nine ten"
"""One second of `Tones`."""

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.integers(1, 12)),
        st.tuples(st.just("play"), st.integers(1, 16_000)),
        st.tuples(st.just("send"), st.integers(1, 6_000)),
        st.tuples(st.just("cancel"), st.integers(1, 12)),
        st.tuples(st.just("wait"), st.integers(1, 9)),
    ),
    min_size=1,
    max_size=6,
)
DISTURBANCES = st.lists(
    st.tuples(st.integers(0, 150), st.sampled_from(["key", "speech", "pause", "resume", "nothing"])), max_size=6
)


async def one_call(store: CallStore, steps: list[tuple[str, int]], disturbances: list[tuple[int, str]], delay: float,
                   frame_ms: int, hang_up: int) -> tuple[Path, bytes, list[happenings.AnyEvent]]:  # fmt: skip
    async def handler(call: Call) -> None:
        for step, size in steps:
            if step == "say":
                await call.say(". ".join(TEN.split()[:size]))
            elif step == "play":
                await call.play(bytes(1 + at % 119 for at in range(size)))
            elif step == "send":
                call.send(bytes(1 + at % 117 for at in range(size)))
            elif step == "cancel":
                with suppress(TimeoutError):
                    async with asyncio.timeout(size / 10):
                        await call.say(TEN, interruptible=False)
            else:
                await asyncio.sleep(size / 10)

    bot = make_bot(handler)
    bot.store = store
    events = kept(bot)
    folders: list[Path] = []
    bot.watch(lambda line, event: folders.append(line.journal.record.folder))  # type: ignore[union-attr, arg-type]
    async with calling(bot, delay=delay, frame_ms=frame_ms) as caller:
        disturbing = asyncio.create_task(disturb(caller, disturbances))
        ended = asyncio.create_task(caller.result())
        await asyncio.wait((ended,), timeout=hang_up / 10)
        disturbing.cancel()  # takes back its pause: within one, a hang-up says no position that could be exact
        await asyncio.wait((disturbing,))
        await caller.hang_up()
        await asyncio.wait((disturbing, ended))
    await bot.quiet()
    return folders[0], caller.recording()[1], events


async def disturb(caller: Caller, disturbances: list[tuple[int, str]]) -> None:
    paused = False
    try:
        for ticks, what in disturbances:
            await caller.wait(ticks * 0.02)
            if what == "key":
                await caller.dtmf("1")
            elif what == "speech" and not paused:
                await caller.play(voice(0.3))
            elif what == "pause" and not paused:
                caller.pause()
                paused = True
            elif what == "resume" and paused:
                caller.resume()
                paused = False
    except CallEnded:
        paused = False
    finally:
        if paused and not caller.link.over:
            caller.resume()


@settings(max_examples=150)
@given(
    steps=STEPS,
    disturbances=DISTURBANCES,
    delay=st.sampled_from([0.0, 0.003, 0.05, 0.13]),
    frame_ms=st.sampled_from([20, 100, 200, 340]),
    hang_up=st.integers(1, 150),
)
def test_the_recording_of_a_bot_is_what_the_caller_heard(
    steps: list[tuple[str, int]], disturbances: list[tuple[int, str]], delay: float, frame_ms: int, hang_up: int
) -> None:
    shared, pools.shared = pools.shared, VirtualPool  # type: ignore[assignment]
    try:
        with TemporaryDirectory() as folder:
            store = CallStore(Path(folder), Keep(trace=False, report=False))
            kept_in, truth, events = clock.run(one_call(store, steps, disturbances, delay, frame_ms, hang_up))
            store.close()
            audio = kept_in / "audio.wav"
            recorded = wav.read_ulaw(audio)[1] if audio.exists() else b""
    finally:
        pools.shared = shared
    size = max(len(truth), len(recorded))
    assert recorded.ljust(size, b"\xff") == truth.ljust(size, b"\xff")
    sayings(events)
