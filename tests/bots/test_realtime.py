"""A bot that is a realtime model, against a server that speaks the real wire, played by the real connector."""

from __future__ import annotations

import asyncio
import runpy
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.bots.fakes import calling, engines, kept, of, sayings, voice
from tests.bots.realtime_server import Realtime, Says, serving, tone

from offhook import Call
from offhook.audio import ulaw
from offhook.bots import BargeInPolicy
from offhook.bots.patience import Patience
from offhook.bots.realtime import RealtimeBot
from offhook.connector import Call as Caller
from offhook.errors import EngineError, EngineMissing
from offhook.records import events as happenings
from offhook.records.summary import latencies
from offhook.records.transcript import lines

pytestmark = [pytest.mark.virtual_time, pytest.mark.usefixtures("pool")]

LONG = " ".join(f"word{n}" for n in range(40)) + "."
"""Four seconds."""


def make(server: Realtime, **options: Any) -> RealtimeBot:
    return RealtimeBot("Help.", url=server.url, engines=engines(), **options)


@asynccontextmanager
async def talking(server: Realtime, bot: RealtimeBot) -> AsyncIterator[Caller]:
    """A call that is over in the end, with everything that it began."""
    async with calling(bot) as caller:
        yield caller
        await caller.hang_up()
    await bot.quiet()
    await bot.aclose()
    assert caller.snapshot().violations == ()


async def test_audio_goes_both_ways_as_it_is() -> None:
    async with serving(Realtime("Good morning.", "One two three.")) as server:
        bot = make(server, greeting="Good morning.", model="some-model")
        events = kept(bot)
        async with talking(server, bot) as caller:
            await caller.listen()
            await caller.play(voice(0.6))
            await caller.listen()
        assert server.asked == [({"model": ["some-model"]}, "Bearer none")]
        session = server.of("session.update")[0]["session"]
        assert session["audio"]["input"]["format"] == session["audio"]["output"]["format"] == {"type": "audio/pcmu"}
        assert session["audio"]["input"]["transcription"] == {"model": "gpt-transcribe", "language": "en"}
        assert session["instructions"].startswith("Help.")
        assert "Good morning." in server.of("response.create")[0]["response"]["instructions"]
        assert voice(0.6) in server.audio
        _, heard = caller.recording()
        assert b"".join(map(tone, range(2))) in heard
        assert b"".join(map(tone, range(3))) in heard
        assert [(say.text, say.heard, say.interrupted) for say in sayings(events)] == [
            ("Good morning.", "Good morning.", False),
            ("One two three.", "One two three.", False),
        ]
        assert server.errors == []


@pytest.mark.parametrize("trouble", ["", "stays"])
async def test_the_model_is_told_what_was_heard_of_what_was_cut_off(trouble: str) -> None:
    async with serving(Realtime(Says(LONG, trouble=trouble), "Yes?")) as server:
        bot = make(server)
        events = kept(bot)
        async with talking(server, bot) as caller:
            await caller.play(voice(0.6))
            await caller.wait(1.5)
            await caller.play(voice(0.6))
            await caller.wait(1.5)
        first, second = sayings(events)
        assert (first.interrupted, second.heard) == (True, "Yes?")
        (cut,) = [run for run in caller.snapshot().playbacks if run.discarded]
        assert server.truncated == [(server.truncated[0][0], 4000, cut.heard * 1000 // ulaw.RATE)]
        assert first.played == cut.heard
        assert abs(len(first.heard.split()) - cut.heard / 800) < 1.5
        assert len(of(events, happenings.BargeIn)) == 1
        assert server.errors == []


async def test_a_key_cuts_off_too_and_the_model_is_told_of_it() -> None:
    async with serving(Realtime(Says(LONG, trouble="stays"), "Four seven.")) as server:
        bot = make(server, greeting="Hello.")
        events = kept(bot)
        async with talking(server, bot) as caller:
            await caller.wait(1.0)
            await caller.dtmf("47#")
            await caller.listen()
        assert server.of("response.cancel")
        (_, whole, heard) = server.truncated[0]
        assert 0 < heard < whole
        assert server.items[-2]["content"] == [{"type": "input_text", "text": "[The caller pressed keys: 4 7 #]"}]
        assert sayings(events)[1].heard == "Four seven."
        assert set(server.errors) <= {"response_cancel_not_active"}


async def test_own_ears_may_tell_who_cuts_in() -> None:
    async with serving(Realtime(Says(LONG, trouble="stays"), "Yes?")) as server:
        bot = make(server, greeting="Hello.", barge_in=BargeInPolicy(hold=False))
        events = kept(bot)
        async with talking(server, bot) as caller:
            await caller.wait(1.5)
            await caller.play(voice(0.6))
            await caller.wait(2.0)
        session = server.of("session.update")[0]["session"]
        assert session["audio"]["input"]["turn_detection"]["interrupt_response"] is False
        assert len(server.of("response.cancel")) == 1
        (cut,) = [run for run in caller.snapshot().playbacks if run.discarded]
        assert [heard for _, _, heard in server.truncated] == [cut.heard * 1000 // ulaw.RATE]
        assert [event.text for event in of(events, happenings.Heard)] == ["yes"], "as its own recogniser has it"


async def test_tools_are_used_and_told() -> None:
    used: list[tuple[str, int]] = []

    def stock(title: str, copies: int = 1) -> dict[str, bool]:
        """Whether a book is there."""
        used.append((title, copies))
        return {"there": True}

    async def leave(call: Call, where: str) -> None:
        """Put the caller through."""
        await call.end(where=where)

    uses = [("stock", '{"title": "Emma"}'), ("nothing", "{}")]
    leaves = Says("Good bye then.", [("leave", '{"where": "sales"}')])
    async with serving(Realtime(Says("One moment.", uses), "It is there.", leaves)) as server:
        bot = make(server, tools=[stock, leave])
        events = kept(bot)
        async with calling(bot) as caller:
            await caller.play(voice(0.6))
            await caller.listen()
            await caller.wait(2.0)
            await caller.play(voice(0.6))
            result = await caller.result()
        await bot.quiet()
        await bot.aclose()
        assert used == [("Emma", 1)]
        assert [say.heard for say in sayings(events)] == ["One moment.", "It is there.", "Good bye then."]
        assert (result.outcome, result.output) == ("completed", {"where": "sales"})
        outputs = [item["output"] for item in server.items if item.get("type") == "function_call_output"]
        assert outputs[:2] == ['{"there":true}', "error: there is no tool nothing"]
        offered = server.of("session.update")[0]["session"]["tools"]
        assert [(tool["type"], tool["name"]) for tool in offered] == [("function", "stock"), ("function", "leave")]


async def test_a_model_that_only_uses_tools_has_to_speak_in_the_end() -> None:
    def again() -> str:
        """Nothing."""
        return "again"

    async with serving(Realtime(*[Says(uses=[("again", "{}")])] * 6, "Enough.")) as server:
        bot = make(server, tools=[again])
        events = kept(bot)
        async with talking(server, bot) as caller:
            await caller.play(voice(0.6))
            await caller.listen()
        assert [say.heard for say in sayings(events)] == ["Enough."]
        choices = [event.get("response", {}).get("tool_choice") for event in server.of("response.create")]
        assert choices == [None] * 5 + ["none"]


async def test_what_was_said_is_in_the_records() -> None:
    async with serving(Realtime("Good morning.", heard="Where is my order?")) as server:
        bot = make(server)
        events = kept(bot)
        async with talking(server, bot) as caller:
            await caller.wait(0.8)
            await caller.play(voice(0.6))
            await caller.listen()
        (turn,) = of(events, happenings.TurnEnded)
        assert 0.6 < turn.start / ulaw.RATE < 1.01
        assert 0.4 < (turn.end - turn.start) / ulaw.RATE < 0.81
        assert 0.3 < turn.latency < 1.2
        caller_line, bot_line = lines(events)
        assert (caller_line.speaker, caller_line.text) == ("caller", "Where is my order?")
        assert (bot_line.speaker, bot_line.heard) == ("bot", "Good morning.")
        (latency,) = latencies(events)
        assert latency.heard is not None
        assert 0.3 < latency.heard < 2.0


@pytest.mark.parametrize(
    ("trouble", "said", "note"),
    [
        (Says(LONG[:29], trouble="cut"), [LONG[:29]], "cannot be reached, or broke off"),
        (Says(LONG[:29], trouble="failed"), [LONG[:29]], "fails to answer (server_error)"),
        ("hang", [], "does not answer in time"),
        ("garbage", [], "sends what cannot be read"),
    ],
)
async def test_a_failure_is_mended_once(trouble: Any, said: list[str], note: str) -> None:
    async with serving(Realtime(trouble, "There you are.", heard="Secret.")) as server:
        bot = make(server, sorry="Sorry.", timeout=3)
        events = kept(bot)
        async with talking(server, bot) as caller:
            await caller.play(voice(0.6))
            await caller.listen(timeout=20)
            if said:
                await caller.listen(timeout=20)
            await caller.play(voice(0.6))
            await caller.listen(timeout=20)
        assert [say.heard for say in sayings(events)] == [*said, "Sorry.", "There you are."]
        notes = [event.text for event in of(events, happenings.Note)]
        assert any(note in text for text in notes)
        assert not any("Secret" in text for text in notes)
        assert server.connections == 2
        told = [(item["role"], item["content"][0]["text"]) for item in server.items if "content" in item]
        assert told == ([("user", "Secret.")] if trouble != "garbage" else told) + [
            ("assistant", text) for text in said
        ]


async def test_a_model_that_fails_twice_gives_the_call_back() -> None:
    async with serving(Realtime(refusals=(429, 401))) as server:
        bot = make(server, sorry="Sorry.")
        events = kept(bot)
        async with calling(bot) as caller:
            result = await caller.result()
        await bot.quiet()
        await bot.aclose()
        assert result.output == {"offhook_reason": "realtime model failed"}
        notes = [event.text for event in of(events, happenings.Note)]
        assert notes[:2] == [
            "the realtime model is rate limited (HTTP 429)",
            "the realtime model refuses the key (HTTP 401)",
        ]
        assert [say.heard for say in sayings(events)] == ["Sorry."]


async def test_what_the_caller_says_while_nobody_is_there_is_not_lost() -> None:
    async with serving(Realtime("Good morning.", refusals=(500,))) as server:
        bot = make(server, sorry=" ".join(["sorry"] * 10))
        events = kept(bot)
        async with talking(server, bot) as caller:
            await caller.play(voice(0.6))
            await caller.wait(2.0)
            await caller.listen()
        assert voice(0.6) in server.audio
        assert sayings(events)[-1].heard == "Good morning."


async def test_a_tool_outlives_the_connection_and_its_result_is_told_to_the_next_one() -> None:
    begun, ready = asyncio.Event(), asyncio.Event()
    done: list[str] = []

    async def book(day: str) -> str:
        """Book an appointment."""
        begun.set()
        await ready.wait()
        done.append(day)
        return "booked"

    async with serving(
        Realtime(Says(uses=[("book", '{"day": "Friday"}')], trouble="cut later"), "It is booked.")
    ) as server:
        bot = make(server, tools=[book], sorry="Sorry.")
        events = kept(bot)
        async with talking(server, bot) as caller:
            await caller.play(voice(0.6))
            await begun.wait()
            await caller.listen()
            ready.set()
            await caller.listen()
        assert done == ["Friday"]
        assert [say.heard for say in sayings(events)] == ["Sorry.", "It is booked."]
        assert server.connections == 2
        assert [item.get("type") for item in server.items][-3:-1] == ["function_call", "function_call_output"]


async def test_who_waits_too_long_for_an_answer_is_told_and_then_given_back() -> None:
    async with serving(Realtime("hang")) as server:
        bot = make(server, timeout=60, patience=Patience(after=2, give_up=5, filler="One moment."))
        await bot.load()
        events = kept(bot)
        async with calling(bot) as caller:
            await caller.play(voice(0.6))
            result = await caller.result()
        await bot.quiet()
        await bot.aclose()
        assert result.output == {"offhook_reason": "no answer in time"}
        assert [say.heard for say in sayings(events)] == ["One moment."]


async def test_a_session_that_is_refused_is_a_failure() -> None:
    async with serving(Realtime()) as server:
        server.session_error = "invalid_value"
        bot = make(server, sorry="")
        async with calling(bot) as caller:
            result = await caller.result()
        await bot.quiet()
        await bot.aclose()
        assert result.output == {"offhook_reason": "realtime model failed"}
        assert server.connections == 2


async def test_the_example_looks_up_an_order(monkeypatch: pytest.MonkeyPatch) -> None:
    use = [("order_status", '{"number": "4721"}')]
    async with serving(
        Realtime("River Street Books. How can I help?", Says(uses=use), "It arrives on Friday.")
    ) as server:
        monkeypatch.setenv("REALTIME_URL", server.url)
        example = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "realtime_bot.py"))
        bot = example["bot"]
        events = kept(bot)
        async with talking(server, bot) as caller:
            await caller.listen()
            await caller.play(voice(0.6))
            await caller.listen()
        assert [say.heard for say in sayings(events)] == [
            "River Street Books. How can I help?",
            "It arrives on Friday.",
        ]
        assert server.items[-2]["output"] == "on its way, and arrives on Friday"


async def test_a_hang_up_ends_everything() -> None:
    async def wait(call: Call) -> None:
        """Wait."""
        await call.gone()

    async with serving(Realtime(Says(LONG, [("wait", "{}")]))) as server:
        bot = make(server, tools=[wait])
        async with talking(server, bot) as caller:
            await caller.play(voice(0.6))
            await caller.wait(1.0)
        assert server.connections == 1


async def test_the_session_is_what_it_is_told_to_be() -> None:
    session = {"audio": {"input": {"turn_detection": {"type": "semantic_vad"}}, "output": {"speed": 1.2}}}
    bot = RealtimeBot("Help.", url="http://127.0.0.1:1", session=session, voice="cedar", transcription=None)
    await bot.aclose()
    audio = bot._session["audio"]
    assert audio["input"] == {
        "format": {"type": "audio/pcmu"},
        "transcription": None,
        "turn_detection": {"type": "semantic_vad"},
    }
    assert audio["output"] == {"format": {"type": "audio/pcmu"}, "voice": "cedar", "speed": 1.2}


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(EngineError, match="set OPENAI_API_KEY, or url="):
        RealtimeBot("Help.")
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(EngineMissing, match=r"offhook\[openai\]"):
        RealtimeBot("Help.", url="http://127.0.0.1:1")
