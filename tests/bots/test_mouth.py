"""What a bot says, and what the caller hears of it: in order, in time, cut off where the caller cuts in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.bots.fakes import Platform, Tones, calling, engines, kept, make_bot, sayings

from offhook import Call
from offhook.audio import wav
from offhook.bots import Playback
from offhook.errors import AudioFileError, CallEnded, EngineError, LocalProtocolError
from offhook.protocol import MONO_L16, STEREO, Disconnected
from offhook.records import events as happenings

pytestmark = [pytest.mark.virtual_time, pytest.mark.usefixtures("pool")]

TEN = "one two three four five six seven eight nine ten"
"""One second of `Tones`."""


async def test_what_is_said_is_heard_and_then_say_returns() -> None:
    heard: list[Playback] = []

    async def handler(call: Call) -> None:
        heard.append(await call.say(TEN))

    bot = make_bot(handler)
    events = kept(bot)
    async with calling(bot) as caller:
        result = await caller.result()
    assert heard == [Playback(TEN, False, 1.0, TEN)]
    (run,) = result.playbacks
    assert (run.heard, run.discarded) == (8000, 0)
    (said,) = sayings(events)
    assert (said.sent, said.played, said.start) == (8000, 8000, run.start)
    assert result.duration == pytest.approx(1.04, abs=0.05), "say() returns with the last sample"
    assert result.violations == ()


async def test_sayings_wait_for_their_turn() -> None:
    order: list[str] = []

    async def say(call: Call, text: str) -> None:
        await call.say(text)
        order.append(text)

    async def handler(call: Call) -> None:
        async with asyncio.TaskGroup() as group:
            for text in ("first of all", "second one", "third"):
                group.create_task(say(call, text))

    bot = make_bot(handler)
    events = kept(bot)
    async with calling(bot) as caller:
        result = await caller.result()
    assert order == ["first of all", "second one", "third"]
    assert [event.text for event in sayings(events)] == order
    assert result.heard_seconds == pytest.approx(0.6)


async def test_a_hang_up_tells_what_was_heard() -> None:
    async def handler(call: Call) -> None:
        await call.say(f"{TEN}. {TEN}. {TEN}.")

    bot = make_bot(handler)
    events = kept(bot)
    async with calling(bot) as caller:
        await caller.wait(1.3)
        await caller.hang_up()
        result = caller.snapshot()
    await bot.quiet()
    (said,) = sayings(events)
    assert (said.interrupted, said.played) == (True, result.playbacks[0].heard)
    assert said.heard.startswith(f"{TEN}.")
    assert isinstance(events[-1], happenings.CallEnded)


async def test_a_hang_up_before_and_while_something_waits_to_be_said() -> None:
    raised: list[str] = []

    async def background(call: Call, text: str) -> None:
        try:
            playback = await call.say(text)
            raised.append(f"{text}: {playback.heard} {playback.interrupted}")
        except CallEnded:
            raised.append(text)

    tasks: list[asyncio.Task[None]] = []

    async def handler(call: Call) -> None:
        tasks.append(asyncio.create_task(background(call, TEN)))
        tasks.append(asyncio.create_task(background(call, "waits")))
        await asyncio.Event().wait()

    async with calling(make_bot(handler)) as caller:
        await caller.wait(0.55)
    await asyncio.wait(tasks)
    assert raised == [f"{TEN}: one two three four True", "waits"] or raised == [
        f"{TEN}: one two three four five True",
        "waits",
    ]


async def test_text_is_spoken_sentence_by_sentence_in_the_voice_and_language_asked_for() -> None:
    tones = Tones()

    async def handler(call: Call) -> None:
        await call.say("First one. Dr. J. Smith pays 3.50 today!  Why?\nEnd ", voice="tone")
        await call.say("")
        await call.say("   ")

    bot = make_bot(handler, engines=engines(synthesiser=tones))
    async with calling(bot, language="en-GB") as caller:
        result = await caller.result()
    assert result.outcome == "completed"
    assert [text for text, _, _ in tones.asked] == ["First one.", "Dr. J. Smith pays 3.50 today!", "Why?", "End"]
    assert {(voice, language) for _, voice, language in tones.asked} == {("tone", "en-GB")}


async def test_files_and_sound(tmp_path: Path) -> None:
    played: list[Playback] = []
    wav.write_ulaw(tmp_path / "hello.wav", [b"\x20" * 4000])

    async def handler(call: Call) -> None:
        played.append(await call.say(tmp_path / "hello.wav"))
        played.append(await call.play(str(tmp_path / "hello.wav")))
        played.append(await call.play(b"\x30" * 20000))
        with pytest.raises(AudioFileError):
            await call.play(tmp_path / "none.wav")

    bot = make_bot(handler)
    events = kept(bot)
    async with calling(bot) as caller:
        result = await caller.result()
    assert played == [Playback("", False, 0.5), Playback("", False, 0.5), Playback("", False, 2.5)]
    assert [event.heard for event in sayings(events)] == ["[hello.wav]", "[hello.wav]", "[sound]", ""]
    assert result.heard_seconds == 3.5


async def test_a_synthesiser_that_fails_is_told_and_what_it_made_is_cut_off() -> None:
    tones = Tones(error=EngineError("broken"), fails_at="six")
    raised: list[str] = []

    async def handler(call: Call) -> None:
        try:
            await call.say(TEN)
        except EngineError as error:
            raised.append(str(error))
        await call.say("fine")

    bot = make_bot(handler, engines=engines(synthesiser=tones))
    events = kept(bot)
    async with calling(bot) as caller:
        result = await caller.result()
    assert raised == ["broken"]
    assert result.outcome == "completed"
    assert [event.interrupted for event in sayings(events)] == [True, False]


async def test_raw_audio_goes_past_everything_and_end_waits_for_it() -> None:
    async def handler(call: Call) -> None:
        call.send(b"\x20" * 12000)
        await call.end()

    async with calling(make_bot(handler)) as caller:
        result = await caller.result()
    assert (result.outcome, result.heard_seconds) == ("completed", 1.5)


async def test_a_pause_of_the_stream_does_not_stop_the_speaking() -> None:
    heard: list[Playback] = []

    async def handler(call: Call) -> None:
        heard.append(await call.say(f"{TEN}. {TEN}."))

    async with calling(make_bot(handler)) as caller:
        await caller.wait(0.5)
        caller.pause()
        await caller.wait(0.5)
        caller.resume()
        result = await caller.result()
    assert heard == [Playback(f"{TEN}. {TEN}.", False, 2.35, f"{TEN}. {TEN}.")]
    assert result.playbacks[0].heard == 18800


async def test_nothing_can_be_said_without_audio() -> None:
    async def handler(call: Call) -> None:
        with pytest.raises(LocalProtocolError, match="without audio"):
            await call.say("hello")
        assert [frame async for frame in call.audio()] == []

    platform = await Platform(make_bot(handler), media=()).open()
    await platform.live(1)
    assert await platform.hang_up() == 0.0


async def test_a_bot_that_cannot_speak_is_told_of_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(call: Call) -> None:
        await call.say("hello")

    platform = await Platform(make_bot(handler), media=()).open()
    await platform.when(lambda: platform.session.finished)
    assert [(record.exc_info, "without audio" in record.getMessage()) for record in caplog.records] == [(None, True)]


@pytest.mark.parametrize("media", [MONO_L16, STEREO])
async def test_a_bot_speaks_whatever_format_it_was_offered(media: object) -> None:
    audio = bytes(range(1, 120)) * 20

    async def handler(call: Call) -> None:
        await call.play(audio)

    platform = await Platform(make_bot(handler), media=(media,)).open()  # type: ignore[arg-type]
    await platform.when(lambda: len(platform.audio) == 2 * len(audio))
    link = platform.link.session
    assert link.media == media
    stream = next(iter(platform.host.lines)).stream
    assert list(stream.lanes(platform.audio)) == [audio] * len(link.media.channels)
    await platform.hang_up()


async def test_a_platform_that_tells_nothing_of_playback() -> None:
    heard: list[Playback] = []

    async def handler(call: Call) -> None:
        heard.append(await call.say(TEN))
        heard.append(await call.say(f"{TEN}. {TEN}. {TEN}."))
        heard.append(await call.say("end"))

    platform = await Platform(make_bot(handler)).open()
    await platform.live(4.6)
    platform.do("dtmf", "1")
    await platform.live(3.5)
    await platform.until(Disconnected)
    await platform.over()
    whole, cut, last = heard
    assert (whole.heard, whole.interrupted) == (TEN, False)
    assert cut.interrupted
    assert 0.5 < cut.seconds < 2.0
    assert last.heard == "end"


async def test_audio_is_paced_within_the_rates_of_the_platform() -> None:
    async def handler(call: Call) -> None:
        await call.play(b"\x20" * 80000, interruptible=False)

    async with calling(make_bot(handler)) as caller:
        result = await caller.result()
    assert result.violations == ()
    assert result.gaps == 0
    assert result.heard_seconds == 10.0
    assert result.messages["received"]["audio"] < 45


# The recording of a bot is what the caller heard.


async def test_odd_things_to_say_are_said_as_far_as_they_can_be() -> None:
    told: list[tuple[str, str, float]] = []

    async def halves() -> AsyncIterator[str]:
        for text in ("one \ud83d", "\ude00 two."):
            yield text

    async def handler(call: Call) -> None:
        for what in (
            "", " \n", "…", "🙂", "<speak/>", "<speak><mark name='m'/></speak>", "<speak><break time='300ms'/></speak>",
            "12", "half \ud83d", halves(),
        ):  # fmt: skip
            playback = await call.say(what)
            assert not playback.interrupted
            told.append((str(playback.text), playback.heard, playback.seconds))

    async with calling(make_bot(handler)) as caller:
        result = await caller.result()
    assert result.outcome == "completed"
    half = "\N{REPLACEMENT CHARACTER}"
    assert [heard for _, heard, _ in told] == [*[""] * 7, "12", f"half {half}", f"one {half}{half} two."]
    assert [seconds > 0 for _, _, seconds in told] == [False] * 6 + [True] * 4
