"""A bot is cut off: by speech, by a key, by its own handler; what was heard is known and nothing else is said."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from tests.bots.fakes import Scripted, VirtualPool, calling, engines, kept, make_bot, of, sayings, voice

from offhook import Call
from offhook.audio import ulaw
from offhook.bots import BargeInPolicy, Playback
from offhook.bots.barge_in import is_backchannel
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
    assert playback.heard.startswith(f"{TEN}. one")
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


# Held and gone on with.


async def spoken_over(
    said: str, sound: bytes, *, at: float = 0.5, words: int = 30, **options: object
) -> tuple[Playback, list[happenings.AnyEvent], bytes]:
    """A saying of so many words, 0.1 s each, during which the caller makes a sound that is understood as `said`."""
    heard: list[Playback] = []
    text = " ".join(str(number) for number in range(100, 100 + words))

    async def handler(call: Call) -> None:
        heard.append(await call.say(text))

    bot = make_bot(handler, engines=engines(Scripted(said)), **options)
    events = kept(bot)
    async with calling(bot) as caller:
        await caller.wait(at)
        await caller.play(sound)
        await caller.result()
        lane = caller.recording()[1]
    return heard[0], events, lane


@pytest.mark.parametrize(("said", "seconds"), [("Mm-hmm.", 0.4), ("Okay.", 0.4), ("", 0.4), ("noise", 0.14)])
async def test_a_sign_of_listening_or_a_noise_holds_it_and_it_goes_on(said: str, seconds: float) -> None:
    playback, events, lane = await spoken_over(said, voice(seconds))
    assert not playback.interrupted
    assert playback.heard == playback.text
    assert playback.seconds == 3.0
    assert len(of(events, happenings.SayHeld)) == len(of(events, happenings.SayResumed)) == 1
    assert of(events, happenings.BargeIn) == []
    (ended,) = sayings(events)
    assert ended.played == 24_000
    silent = lane.strip(bytes([ulaw.SILENCE])).count(ulaw.SILENCE)
    assert silent > 2000, "it was silent while it was held"


async def test_while_it_is_held_it_may_be_said_on_softly() -> None:
    playback, events, lane = await spoken_over("Okay.", voice(0.4), barge_in=BargeInPolicy(duck=-12))
    assert not playback.interrupted
    assert playback.seconds == 3.0
    pcm = np.abs(ulaw.to_float(lane))
    held, resumed = (of(events, kind)[0].position for kind in (happenings.SayHeld, happenings.SayResumed))
    loud, soft = pcm[held - 1600 : held - 400].max(), pcm[held + 1600 : resumed].max()
    assert soft / loud == pytest.approx(10 ** (-12 / 20), rel=0.1)


async def test_who_speaks_on_stops_it_and_words_stop_it() -> None:
    for said, sound in (("Okay.", voice(2)), ("Stop it.", voice(0.4))):
        playback, events, _ = await spoken_over(said, sound)
        assert playback.interrupted
        assert playback.seconds < 1.5
        assert len(of(events, happenings.BargeIn)) == 1


async def test_without_holding_the_first_sound_stops_it() -> None:
    playback, events, _ = await spoken_over("Okay.", voice(0.4), barge_in=BargeInPolicy(hold=False))
    assert playback.interrupted
    assert of(events, happenings.SayHeld) == []


async def test_a_key_stops_what_is_held() -> None:
    heard: list[Playback] = []

    async def handler(call: Call) -> None:
        heard.append(await call.say(f"{TEN}. {TEN}. {TEN}."))

    bot = make_bot(handler, engines=engines(Scripted("Okay.")))
    events = kept(bot)
    async with calling(bot) as caller:
        await caller.wait(0.5)
        await caller.play(voice(0.4))
        await caller.dtmf("1")
        await caller.result()
    assert heard[0].interrupted
    assert [event.by for event in of(events, happenings.BargeIn)] == ["key"]


async def test_a_hang_up_while_it_is_held_ends_it() -> None:
    heard: list[str] = []

    async def handler(call: Call) -> None:
        try:
            await call.say(f"{TEN}. {TEN}. {TEN}.")
        finally:
            heard.append("over")

    bot = make_bot(handler, engines=engines(Scripted("Okay.")))
    events = kept(bot)
    async with calling(bot) as caller:
        await caller.wait(0.5)
        await caller.play(voice(0.4))
        await caller.hang_up()
    await bot.quiet()
    assert heard == ["over"]
    (said,) = sayings(events)
    assert said.interrupted
    assert 0 < said.played < 12_000


@pytest.mark.parametrize("sounds", [1, 2, 3, 5])
async def test_whatever_the_caller_hums_each_sample_is_heard_once_or_again_from_its_word(sounds: int) -> None:
    """The line's recording is the saying, cut where it was held, each piece beginning where the last one stopped."""
    heard: list[Playback] = []
    text = " ".join(["word"] * 60)

    async def handler(call: Call) -> None:
        heard.append(await call.say(text))

    bot = make_bot(handler, engines=engines(Scripted("mhm")))
    events = kept(bot)
    async with calling(bot) as caller:
        for _ in range(sounds):
            await caller.wait(0.7)
            await caller.play(voice(0.3))
            await caller.wait(0.5)
        result = await caller.result()
    assert heard[0].heard == text
    assert heard[0].seconds == 6.0
    assert len(of(events, happenings.SayResumed)) == sounds
    assert sum(run.heard for run in result.playbacks) >= 48_000
    assert sum(run.heard for run in result.playbacks) <= 48_000 + sounds * 4800


@pytest.mark.parametrize(
    ("text", "language", "is_one"),
    [
        ("Mm-hmm.", None, True), ("Okay, right.", "en-US", True), ("Okay, stop now", "en-US", False), ("", None, False),
        ("Vale", "es-ES", True), ("D\u2019accord", "fr-FR", True), ("agent", "en", False),
        ("okay okay okay okay", "en", False),
    ],
)  # fmt: skip
def test_signs_of_listening(text: str, language: str | None, is_one: bool) -> None:
    assert is_backchannel(text, language) == is_one


def test_one_can_add_signs_of_listening() -> None:
    assert is_backchannel("gotcha", "en", ("gotcha",))


@pytest.mark.parametrize("settings", [{"sure": 0}, {"sure": 5.0}, {"duck": 3.0}])
def test_settings_that_make_no_sense_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        BargeInPolicy(**settings)  # type: ignore[arg-type]
