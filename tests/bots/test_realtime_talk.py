"""A conversation with a realtime model that says odd things, or with callers who do odd things meanwhile."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from tests.bots.fakes import calling, kept, of, sayings, voice
from tests.bots.realtime_server import Realtime, Says, serving
from tests.bots.test_realtime import LONG, make, talking

from offhook.records import events as happenings

pytestmark = [pytest.mark.virtual_time, pytest.mark.usefixtures("pool")]


def event(type: str, **fields: Any) -> str:
    return json.dumps({"type": type, "event_id": "e", **fields})


ODD = [
    event("rate_limits.updated", rate_limits=[]),
    event("a.kind.of.next.year", what={"deep": [1, 2]}),
    event("response.output_audio.delta", item_id=None, delta=None),
    event("response.output_audio_transcript.delta", item_id=7, delta={}),
    event("input_audio_buffer.speech_started", item_id="x", audio_start_ms="soon"),
    event("input_audio_buffer.speech_stopped", item_id="y", audio_end_ms=10**15),
    event("input_audio_buffer.speech_stopped", item_id="z", audio_end_ms=-5.5),
    event("conversation.item.input_audio_transcription.completed", item_id="w", transcript=None),
    event("response.done", response=None),
    event("response.done"),
    event("error", error={"type": "server_error", "code": "x" * 5000, "message": "Secret."}),
    event("session.updated", session={}),
    json.dumps([1, 2, 3]),
    json.dumps({"no": "type"}),
]


async def test_what_is_not_known_or_not_as_it_should_be_is_passed_over() -> None:
    async with serving(Realtime("Hello.", "Yes.")) as server:
        server.odd = ODD
        bot = make(server, greeting="Hello.", timeout=60)
        events = kept(bot)
        async with talking(server, bot) as caller:
            await caller.listen()
            await caller.play(voice(0.6))
            await caller.listen()
        assert [say.heard for say in sayings(events)] == ["Hello.", "Yes."]
        assert server.connections == 1
        for turn in of(events, happenings.TurnEnded):
            assert 0 <= turn.start <= turn.end <= turn.position + 1
        notes = [each.text for each in of(events, happenings.Note)]
        assert max(map(len, notes)) < 200
        assert not any("Secret" in text for text in notes)


@pytest.mark.parametrize(
    ("odd", "note"),
    [
        (event("response.output_audio.delta", item_id="a", delta="no base64 !"), "sends audio that cannot be read"),
        (b"\xff\xfe\x00", "sends what cannot be read"),
        ('{"y":' + "[" * 100_000, "sends what cannot be read"),
    ],
)
async def test_what_cannot_be_read_at_all_ends_the_connection(odd: str | bytes, note: str) -> None:
    async with serving(Realtime("Hello.")) as server:
        server.odd = [odd]
        bot = make(server, sorry="Sorry.")
        events = kept(bot)
        async with calling(bot) as caller:
            result = await caller.result()
        await bot.quiet()
        await bot.aclose()
        assert result.output == {"offhook_reason": "realtime model failed"}
        assert server.connections == 2
        assert note in " ".join(each.text for each in of(events, happenings.Note))


async def test_a_server_that_makes_other_sound_is_not_played() -> None:
    async with serving(Realtime()) as server:
        server.session = {"type": "realtime", "audio": {"output": {"format": {"type": "audio/pcm", "rate": 24000}}}}
        bot = make(server, sorry="")
        events = kept(bot)
        async with calling(bot) as caller:
            result = await caller.result()
        await bot.quiet()
        await bot.aclose()
        assert result.output == {"offhook_reason": "realtime model failed"}
        assert "speaks audio/pcm, not audio/pcmu" in " ".join(each.text for each in of(events, happenings.Note))


async def test_a_tool_that_raises_is_told_without_what_the_caller_said(caplog: pytest.LogCaptureFixture) -> None:
    def order(number: int) -> str:
        """Look up an order."""
        raise ValueError(f"no order {number}")

    uses = [("order", '{"number": 4711}'), ("order", '{"number": "many"}'), ("order", "{nothing")]
    async with serving(Realtime(Says(uses=uses), "I cannot find it.")) as server:
        bot = make(server, tools=[order])
        events = kept(bot)
        with caplog.at_level(logging.INFO):
            async with talking(server, bot) as caller:
                await caller.play(voice(0.6))
                await caller.listen()
        assert [say.heard for say in sayings(events)] == ["I cannot find it."]
        outputs = [item["output"] for item in server.items if item.get("type") == "function_call_output"]
        assert [output[:6] for output in outputs] == ["error:"] * 3
        assert "4711" not in caplog.text
        assert "tool order failed (ValueError" in caplog.text
        assert "test_realtime_talk.py" in caplog.text, "where it was raised is told"


async def test_who_speaks_while_a_tool_works_is_answered_and_so_is_the_tool() -> None:
    begun, ready = asyncio.Event(), asyncio.Event()

    async def book() -> str:
        """Book."""
        begun.set()
        await ready.wait()
        return "booked"

    async with serving(Realtime(Says(uses=[("book", "{}")]), Says(LONG, trouble="stays"), "Booked.")) as server:
        bot = make(server, tools=[book])
        events = kept(bot)
        async with talking(server, bot) as caller:
            await caller.play(voice(0.6))
            await begun.wait()
            await caller.play(voice(0.6))
            await caller.wait(1.0)
            ready.set()  # while the model speaks
            await caller.wait(0.5)
            await caller.dtmf("1")
            await caller.listen()
        assert [say.heard for say in sayings(events)][1:] == ["Booked."]
        assert sayings(events)[0].interrupted
        assert server.connections == 1


async def test_a_call_may_end_while_the_model_is_called() -> None:
    reached, let = asyncio.Event(), asyncio.Event()

    class Slow(Realtime):
        async def refuse(self, connection: Any, request: Any) -> None:  # type: ignore[override]
            reached.set()
            await let.wait()

    async with serving(Slow()) as server:
        bot = make(server)
        async with calling(bot) as caller:
            await reached.wait()
            await caller.hang_up()
        await bot.quiet()
        let.set()
        await bot.aclose()
        assert caller.snapshot().violations == ()
        assert server.connections == 0


async def test_two_calls_at_once_are_two_conversations() -> None:
    async with serving(Realtime("Good morning.", "Good morning.", "Yes.", "Yes.")) as server:
        bot = make(server, greeting="Good morning.")
        async with calling(bot) as first, calling(bot) as second:
            for caller in (first, second):
                await caller.listen()
            await asyncio.gather(first.play(voice(0.6)), second.play(voice(0.6)))
            await asyncio.gather(first.listen(), second.listen())
            await asyncio.gather(first.hang_up(), second.hang_up())
        await bot.quiet()
        await bot.aclose()
        assert server.connections == 2
        assert server.errors == []
        assert server.answers == []
