"""What a bot says: SSML with its marks, files, and text that is still being written; and what was heard of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from tests.bots.fakes import Scripted, Tones, calling, engines, kept, make_bot, of, sayings, voice

from offhook import SSML, Call, SSMLError
from offhook.audio import ulaw, wav
from offhook.bots import Mark, Playback
from offhook.records import events as happenings
from offhook.speech.cache import PromptCache
from offhook.speech.rendering import Piece

pytestmark = [pytest.mark.virtual_time, pytest.mark.usefixtures("pool")]

GAP = 2800
"""Samples between two sentences."""


async def said(what: object, **options: object) -> tuple[list[Playback], Tones, list[happenings.AnyEvent], float]:
    """Says it to the end in a call of its own."""
    heard: list[Playback] = []
    tones = Tones()

    async def handler(call: Call) -> None:
        heard.append(await call.say(what))  # type: ignore[arg-type]

    bot = make_bot(handler, engines=engines(synthesiser=tones), **options)
    events = kept(bot)
    async with calling(bot) as caller:
        result = await caller.result()
    assert result.outcome == "completed"
    return heard, tones, events, result.heard_seconds


async def test_ssml_is_told_by_its_beginning_or_its_class() -> None:
    for what in ("<speak>one <break time='500ms'/>two</speak>", SSML("one <break time='500ms'/>{x}", x="two")):
        heard, tones, events, seconds = await said(what)
        assert heard == [Playback("one two", False, 0.7, "one two")]
        assert [text for text, _, _ in tones.asked] == ["one", "two"]
        assert seconds == 0.7
        assert [event.text for event in sayings(events)] == ["one two"]
    _, tones, _, _ = await said("not <speak>")
    assert [text for text, _, _ in tones.asked] == ["not <speak>"]


async def test_values_are_never_markup() -> None:
    assert SSML("<speak>Hi <sub alias='{a}'>{b}</sub></speak>", a='it\'s "x"', b="Tom & <b>").text == "Hi Tom & <b>"
    assert SSML("{braces} are text").text == "{braces} are text"
    with pytest.raises(KeyError):
        SSML("{a} {b}", a=1)


async def test_wrong_ssml_raises_before_anything_is_played() -> None:
    raised: list[SSMLError] = []

    async def handler(call: Call) -> None:
        for wrong in ("<speak>one\n<brek/></speak>", "<speak>one <audio src='none.wav'/></speak>"):
            with pytest.raises(SSMLError) as error:
                await call.say(wrong)
            raised.append(error.value)

    async with calling(make_bot(handler)) as caller:
        result = await caller.result()
    assert (raised[0].line, raised[0].column) == (2, 1)
    assert (raised[1].line, raised[1].column) == (1, 12)
    assert result.heard_seconds == 0


async def test_marks_come_back_when_they_were_heard_to_the_sample() -> None:
    marks: list[tuple[Mark, float]] = []

    async def handler(call: Call) -> None:
        async def watch() -> None:
            async for mark in call.marks():
                marks.append((mark, call.t))  # noqa: PERF401 - the time is that of the mark

        watching = asyncio.create_task(watch())
        source = "<mark name='a'/>one two <break time='3s'/><mark name='b'/>three <mark name='c'/>four<mark name='d'/>"
        playback = await call.say(SSML(source))
        assert playback.marks == ("a", "b", "c", "d")
        assert (await call.say("five")).marks == ()
        watching.cancel()

    bot = make_bot(handler)
    events = kept(bot)
    async with calling(bot) as caller:
        result = await caller.result()
    start = result.playbacks[0].start
    assert [mark.name for mark, _ in marks] == ["a", "b", "c", "d"]
    places = [0, 1600 + 24000, 1600 + 24000 + 800, 1600 + 24000 + 1600]
    assert [mark.position for mark, _ in marks] == pytest.approx([start + place for place in places], abs=170)
    told = of(events, happenings.MarkHeard)
    assert [(event.name, event.start) for event in told] == [(mark.name, mark.position) for mark, _ in marks]
    for mark, at in marks:
        assert mark.position is not None
        assert -0.05 < at - mark.position / 8000 < 0.45, "with the next frame of the caller's stream"
    assert [event.id for event in told] == [sayings(events)[0].id] * 4


async def test_marks_that_were_not_heard_do_not_come_back() -> None:
    heard: list[Playback] = []

    async def handler(call: Call) -> None:
        heard.append(await call.say(SSML("<mark name='a'/>" + "one " * 20 + "<mark name='b'/>two")))

    bot = make_bot(handler)
    events = kept(bot)
    async with calling(bot) as caller:
        await caller.wait(1.0)
        await caller.dtmf("5")
        await caller.result()
    assert heard[0].interrupted
    assert heard[0].marks == ("a",)
    assert [event.name for event in of(events, happenings.MarkHeard)] == ["a"]


async def test_a_mark_of_a_saying_that_was_held_comes_once_where_it_was_heard() -> None:
    heard: list[Playback] = []
    words = [str(number) for number in range(100, 130)]

    async def handler(call: Call) -> None:
        heard.append(await call.say(SSML(" ".join(words[:15]) + " <mark name='m'/>" + " ".join(words[15:]))))

    bot = make_bot(handler, engines=engines(Scripted("Okay.")))
    events = kept(bot)
    async with calling(bot) as caller:
        await caller.wait(0.5)
        await caller.play(voice(0.4))
        await caller.result()
        lane = caller.recording()[1]
    assert of(events, happenings.SayResumed), "it was held, and went on"
    (mark,) = of(events, happenings.MarkHeard)
    assert heard[0].marks == ("m",)
    assert mark.start is not None
    pcm = ulaw.to_float(lane[mark.start : mark.start + 800])
    assert int(np.abs(np.fft.rfft(pcm)).argmax()) * 10 == pytest.approx(300, abs=20), "the first tone of what follows"


@pytest.mark.parametrize("ask", ["ask", "dtmf"])
async def test_questions_may_be_ssml(ask: str) -> None:
    tones = Tones()

    async def handler(call: Call) -> None:
        if ask == "ask":
            await call.ask(SSML("one <break/> two"), timeout=0.5, attempts=1)
        else:
            await call.dtmf(length=1, first=0.5, prompt="<speak>one <break/> two</speak>")

    async with calling(make_bot(handler, engines=engines(synthesiser=tones))) as caller:
        await caller.result()
    assert [text for text, _, _ in tones.asked] == ["one", "two"]


async def test_what_was_heard_of_ssml_is_the_text_as_it_is_written() -> None:
    heard, tones, _, _ = await said(
        "<speak>My <sub alias='order number'>no</sub> is <say-as interpret-as='digits'>42</say-as>.</speak>"
    )
    assert heard[0].heard == "My no is 42."
    assert [text for text, _, _ in tones.asked] == ["My order number is four two."]


async def test_sounds_within_ssml(tmp_path: Path) -> None:
    wav.write_ulaw(tmp_path / "beep.wav", [b"\x20" * 4000])
    heard, _, _, seconds = await said("<speak>one <audio src='beep.wav'>no</audio> two</speak>", sounds=tmp_path)
    assert heard == [Playback("one two", False, 0.7, "one two")]
    assert seconds == 0.7
    heard, _, _, _ = await said("<speak>one <audio src='x.wav'>instead</audio> two</speak>", sounds=tmp_path)
    assert (heard[0].heard, heard[0].text) == ("one instead two", "one instead two")
    heard, _, events, _ = await said("<speak><audio src='beep.wav'/></speak>", sounds=tmp_path)
    assert heard == [Playback("", False, 0.5)]
    assert sayings(events)[0].text == "[sound]"


async def test_other_languages_go_to_other_engines() -> None:
    spanish = Tones(languages=("es",), name="spanish-1")
    heard, tones, _, _ = await said("<speak>one <lang xml:lang='es'>dos</lang> three</speak>", voices={"es": spanish})
    assert heard[0].heard == "one dos three"
    assert [text for text, _, _ in tones.asked] == ["one", "three"]
    assert spanish.asked == [("dos", None, "es")]


async def test_prompts_are_kept_on_disk(tmp_path: Path) -> None:
    cache = PromptCache(tmp_path)
    first, tones, _, _ = await said("<speak>one <mark name='m'/>two. Three.</speak>", prompts=cache)
    assert len(tones.asked) == 3
    again, tones, _, _ = await said("<speak>one <mark name='m'/>two. Three.</speak>", prompts=cache)
    assert tones.asked == []
    assert again == first


class Model:
    """A language model that writes a few letters at a time, and knows whether it was stopped."""

    def __init__(self, text: str, size: int = 4, seconds: float = 0.01) -> None:
        self.text, self.size, self.seconds = text, size, seconds
        self.written = ""
        self.closed = False

    async def write(self) -> AsyncIterator[str]:
        try:
            for at in range(0, len(self.text), self.size):
                await asyncio.sleep(self.seconds)
                self.written += self.text[at : at + self.size]
                yield self.text[at : at + self.size]
        finally:
            self.closed = True


async def test_text_is_spoken_while_it_is_written() -> None:
    model = Model("One two. It is 3.50 for Dr. Smith! " + "And so on. " * 20)
    heard, tones, events, seconds = await said(model.write())
    assert heard == [Playback(model.text.strip(), False, seconds, model.text)]
    assert [text for text, _, _ in tones.asked][:3] == ["One two.", "It is 3.50 for Dr. Smith!", "And so on."]
    assert seconds == pytest.approx((2 + 6 + 60) * 0.1 + 21 * GAP / 8000)
    assert model.closed
    (end,) = sayings(events)
    assert (end.text, end.heard) == (model.text.strip(), model.text.strip())


async def test_the_first_sentence_does_not_wait_for_the_second() -> None:
    heard_at: list[float] = []

    async def handler(call: Call) -> None:
        await call.say(Model("One two three. " + "x" * 2000, seconds=0.05).write())

    async with calling(make_bot(handler)) as caller:
        await caller.listen(timeout=3)
        heard_at.append(caller.snapshot().playbacks[0].start)
    assert heard_at[0] < 1.0 * 8000


async def test_a_model_is_stopped_when_the_caller_cuts_in() -> None:
    model = Model("One two three four five. " * 100, seconds=0.1)
    heard: list[Playback] = []

    async def handler(call: Call) -> None:
        heard.append(await call.say(model.write()))

    async with calling(make_bot(handler)) as caller:
        await caller.wait(4.0)
        await caller.dtmf("5")
        await caller.result()
    assert model.closed
    assert len(model.written) < 300
    (playback,) = heard
    assert playback.interrupted
    assert playback.text.startswith(playback.heard)
    assert playback.heard
    words = len(playback.heard.split())
    assert words * 0.1 <= playback.seconds <= words * 0.1 + words * 0.35 + 0.1


async def test_a_model_that_fails_is_told() -> None:
    async def broken() -> AsyncIterator[str]:
        yield "One two. Three"
        raise OSError("no network")

    raised: list[str] = []

    async def handler(call: Call) -> None:
        try:
            await call.say(broken())
        except OSError as error:
            raised.append(str(error))

    async with calling(make_bot(handler)) as caller:
        await caller.result()
    assert raised == ["no network"]


async def test_nothing_written_says_nothing() -> None:
    heard, tones, _, seconds = await said(Model("  ").write())
    assert (heard[0].heard, seconds, tones.asked) == ("", 0, [])


async def test_audio_is_played_while_it_is_made_and_no_longer_than_it_is_wanted() -> None:
    heard: list[Playback] = []
    closed: list[int] = []

    async def sound() -> AsyncIterator[bytes | Piece]:
        made = 0
        try:
            yield Piece(b"", "Some words.", joins=True)
            while made < 100:
                made += 1
                yield bytes([0x20]) * 1600
        finally:
            closed.append(made)

    async def handler(call: Call) -> None:
        heard.append(await call.play(sound()))

    async with calling(make_bot(handler)) as caller:
        await caller.wait(2.0)
        await caller.dtmf("1")
        await caller.result()
    assert (heard[0].interrupted, heard[0].text) == (True, "Some words.")
    assert 1.0 < heard[0].seconds < 2.5
    assert 10 < closed[0] < 99
