"""A bot is cut off: by speech, by a key, by its own handler; what was heard is known and nothing else is said."""

from __future__ import annotations

import asyncio

import pytest
from tests.bots.fakes import VirtualPool, calling, kept, make_bot, of, sayings, voice

from offhook import Call
from offhook.audio import ulaw
from offhook.bots import Playback
from offhook.errors import UsageError
from offhook.records import events as happenings

pytestmark = [pytest.mark.virtual_time, pytest.mark.usefixtures("pool")]

TEN = "one two three four five six seven eight nine ten"
"""One second of `Tones`."""


@pytest.mark.parametrize("by", ["speech", "key"])
async def test_the_caller_cuts_in(by: str) -> None:
    heard: list[Playback] = []

    async def handler(call: Call) -> None:
        heard.append(await call.say(f"{TEN}. {TEN}. {TEN}."))

    bot = make_bot(handler)
    events = kept(bot)
    async with calling(bot) as caller:
        await caller.wait(1.5)
        if by == "key":
            await caller.dtmf("5")
        else:
            await caller.play(voice(0.4))
        result = await caller.result()
    (run,) = result.playbacks
    assert run.discarded > 0, "the platform threw the rest away"
    (playback,) = heard
    assert playback.interrupted
    assert playback.seconds == run.heard / ulaw.RATE
    assert playback.heard.startswith(f"{TEN}. one two three")
    assert len(playback.heard) < len(playback.text)
    (barge_in,) = of(events, happenings.BargeIn)
    assert (barge_in.by, barge_in.residue > 0) == (by, True)
    (said,) = sayings(events)
    assert (said.played, said.sent) == (run.heard, run.heard + run.discarded)
    assert result.output == {}


@pytest.mark.parametrize(
    ("interruptible", "stops"), [(True, "both"), (False, ""), ("speech", "speech"), ("key", "key")]
)
@pytest.mark.parametrize("by", ["speech", "key"])
async def test_what_may_interrupt(interruptible: bool | str, stops: str, by: str) -> None:
    heard: list[Playback] = []

    async def handler(call: Call) -> None:
        heard.append(await call.say(f"{TEN}. {TEN}.", interruptible=interruptible))  # type: ignore[arg-type]

    async with calling(make_bot(handler)) as caller:
        await caller.wait(0.5)
        await (caller.dtmf("5") if by == "key" else caller.play(voice(0.4)))
        await caller.result()
    assert heard[0].interrupted == (stops in (by, "both"))


async def test_another_way_to_interrupt_is_refused() -> None:
    async def handler(call: Call) -> None:
        with pytest.raises(UsageError, match="'voice'"):
            await call.say("x", interruptible="voice")  # type: ignore[arg-type]

    async with calling(make_bot(handler)) as caller:
        assert (await caller.result()).outcome == "completed"


async def test_two_barge_ins() -> None:
    heard: list[Playback] = []

    async def handler(call: Call) -> None:
        heard.append(await call.say(f"{TEN}. {TEN}."))
        heard.append(await call.say(f"{TEN}. {TEN}."))

    bot = make_bot(handler)
    events = kept(bot)
    async with calling(bot) as caller:
        for _ in range(2):
            await caller.wait(0.7)
            await caller.dtmf("1")
        result = await caller.result()
    assert [playback.interrupted for playback in heard] == [True, True]
    assert [run.heard / ulaw.RATE for run in result.playbacks] == [playback.seconds for playback in heard]
    assert len(of(events, happenings.BargeIn)) == 2
    assert result.violations == ()


async def test_a_barge_in_ends_what_waits_behind_it_too() -> None:
    heard: list[Playback] = []

    async def handler(call: Call) -> None:
        heard.extend(
            await asyncio.gather(
                call.say(TEN), call.say("and more"), call.say("the end", interruptible=False), call.say("thanks")
            )
        )

    bot = make_bot(handler)
    events = kept(bot)
    async with calling(bot) as caller:
        await caller.wait(0.5)
        await caller.dtmf("1")
        await caller.result()
    assert [(playback.interrupted, playback.heard) for playback in heard[1:]] == [
        (True, ""),
        (False, "the end"),
        (True, ""),
    ]
    assert len(sayings(events)) == 4


async def test_a_barge_in_before_the_first_audio(pool: VirtualPool) -> None:
    heard: list[Playback] = []

    async def handler(call: Call) -> None:
        pool.seconds = 2.0  # the synthesiser takes its time
        heard.append(await call.say(TEN))

    bot = make_bot(handler)
    events = kept(bot)
    async with calling(bot) as caller:
        await caller.wait(0.3)
        await caller.dtmf("1")
        result = await caller.result()
    assert heard == [Playback("", True, 0.0, TEN)]
    assert result.received_seconds == 0.0
    assert result.duration < 0.5, "say() does not wait for the synthesiser"
    assert "event" not in result.messages["received"], "there is nothing that the platform could throw away"
    assert of(events, happenings.BargeIn)[0].residue == 0


async def test_a_barge_in_between_two_sentences_that_are_being_made(pool: VirtualPool) -> None:
    heard: list[Playback] = []

    async def handler(call: Call) -> None:
        pool.seconds = 0.12  # hardly faster than it is heard
        heard.append(await call.say(f"{TEN}. {TEN}."))

    async with calling(make_bot(handler)) as caller:
        await caller.wait(0.8)
        await caller.dtmf("1")
        result = await caller.result()
    assert heard[0].interrupted
    assert heard[0].seconds == pytest.approx(result.heard_seconds)
    assert 0 < len(heard[0].heard) < len(TEN)


async def test_speech_of_long_ago_does_not_interrupt(pool: VirtualPool) -> None:
    """The ears are there only after eight seconds, and hear then what was said before."""
    heard: list[Playback] = []
    turns: list[str] = []

    async def handler(call: Call) -> None:
        pool.seconds = 8.0
        listening = asyncio.create_task(call.listen())
        await asyncio.sleep(7.9)
        pool.seconds = 0.0
        heard.append(await call.play(b"\x20" * 16000))
        turn = await listening
        turns.append(turn.text if turn else "")

    async with calling(make_bot(handler)) as caller:
        await caller.wait(1)
        await caller.play(voice(0.5))
        await caller.result()
    assert turns == ["yes"]
    assert not heard[0].interrupted


async def test_a_saying_that_is_cancelled_is_cut_off_at_the_platform() -> None:
    heard: list[Playback] = []

    async def handler(call: Call) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await call.say(f"{TEN}. {TEN}.")
        heard.append(await call.say("three more words"))

    bot = make_bot(handler)
    events = kept(bot)
    async with calling(bot) as caller:
        result = await caller.result()
    first, second = result.playbacks
    assert first.heard / ulaw.RATE == pytest.approx(1.0, abs=0.05)
    assert first.discarded > 0
    assert (second.heard, heard[0].seconds) == (2400, 0.3)
    cut, whole = sayings(events)
    assert cut.interrupted
    assert cut.played == pytest.approx(first.heard, abs=400)
    assert (whole.heard, whole.start) == ("three more words", second.start)
