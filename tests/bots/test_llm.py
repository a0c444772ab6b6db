"""A bot that is a language model, against a server that speaks the real wire: what it says, uses, and remembers."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.bots.fakes import Platform, Scripted, Tones, engines, kept, of, voice
from tests.bots.llm_server import Model, serving

from offhook import Call
from offhook.bots.llm import LLMBot
from offhook.errors import EngineError, EngineMissing
from offhook.records import events as happenings


def make(model: Model, **options: Any) -> LLMBot:
    return LLMBot("Help.", url=model.url, engines=options.pop("engines", engines(Scripted("question"))), **options)


async def until(condition: Any, seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 (what is waited for are counts of several objects)
            await asyncio.sleep(0.01)


async def finish(bot: LLMBot) -> None:
    await bot.quiet()
    await bot.aclose()


def said(events: list[happenings.AnyEvent]) -> list[str]:
    return [event.text for event in of(events, happenings.SayEnded)]


async def plays(platform: Platform, events: list[happenings.AnyEvent], count: int) -> None:
    """The platform plays what it gets, until so many sayings are over."""
    async with asyncio.timeout(15):
        while len(said(events)) < count:
            await platform.live(0.2)


async def test_it_answers_sentence_by_sentence_and_remembers() -> None:
    async with serving(Model("First one. Second one.", "Third.")) as model:
        bot = make(model, greeting="Hello.", request={"temperature": 0.3})
        events = kept(bot)
        platform = await Platform(bot).open()
        await plays(platform, events, 1)
        await platform.live(1.6, voice(0.6))
        await plays(platform, events, 2)
        await platform.live(1.6, voice(0.6))
        await plays(platform, events, 3)
        assert said(events) == ["Hello.", "First one. Second one.", "Third."]
        first, second = model.asked
        assert (first["model"], first["temperature"], first["stream"]) == ("gpt-4o-mini", 0.3, True)
        assert [(m["role"], m["content"]) for m in second["messages"][1:]] == [
            ("assistant", "Hello."),
            ("user", "question"),
            ("assistant", "First one. Second one."),
            ("user", "question"),
        ]
        assert second["messages"][0]["content"].startswith("Help.")
        await platform.hang_up()
        await finish(bot)


async def test_what_was_not_heard_is_not_remembered_and_generation_stops() -> None:
    long = " ".join(f"word{n}" for n in range(60)) + ". And never this."
    async with serving(Model(long, "Yes?")) as model:
        bot = make(model)
        events = kept(bot)
        platform = await Platform(bot).open()
        await platform.live(1.6, voice(0.6))
        await until(lambda: of(events, happenings.SayStarted))
        await platform.live(0.8)
        await platform.live(2.0, voice(0.6))
        await plays(platform, events, 2)
        assert said(events)[1] == "Yes?"
        cut = of(events, happenings.SayEnded)[0]
        assert cut.interrupted
        told = model.asked[1]["messages"]
        assert told[2]["content"] == (f"{cut.heard} —" if cut.heard else "question question")
        assert "never" not in str(told)
        await platform.hang_up()
        await finish(bot)


async def test_tools_are_used_and_told() -> None:
    used: list[tuple[str, int]] = []

    def stock(title: str, copies: int = 1) -> dict[str, bool]:
        """Whether a book is there."""
        used.append((title, copies))
        return {"there": True}

    async def leave(call: Call, where: str) -> None:
        """Put the caller through."""
        await call.end(where=where)

    answers = ([("stock", '{"title": "Emma"}'), ("nothing", "{}")], "It is there.", [("leave", '{"where": "sales"}')])
    async with serving(Model(*answers)) as model:
        bot = make(model, tools=[stock, leave])
        events = kept(bot)
        platform = await Platform(bot).open()
        await platform.live(1.6, voice(0.6))
        await plays(platform, events, 1)
        assert used == [("Emma", 1)]
        told = model.asked[1]["messages"]
        assert [m["role"] for m in told] == ["system", "user", "assistant", "tool", "tool"]
        assert [m["content"] for m in told[3:]] == ['{"there":true}', "error: there is no tool nothing"]
        assert [tool["function"]["name"] for tool in model.asked[0]["tools"]] == ["stock", "leave"]
        await platform.live(1.6, voice(0.6))
        await until(lambda: platform.disconnected)
        assert platform.disconnected is not None
        assert platform.disconnected.output == {"where": "sales"}
        await platform.over()
        await finish(bot)


async def test_who_goes_on_talking_before_an_answer_is_answered_once() -> None:
    async with serving(Model("hang", "Now then.")) as model:
        bot = make(model)
        events = kept(bot)
        platform = await Platform(bot).open()
        await platform.live(1.6, voice(0.6))
        await until(lambda: model.asked)
        await platform.live(1.6, voice(0.6))
        await plays(platform, events, 1)
        assert said(events) == ["Now then."]
        assert [m["content"] for m in model.asked[1]["messages"][1:]] == ["question question"]
        await until(lambda: model.cancelled == 1)
        await platform.hang_up()
        await finish(bot)


async def test_a_model_that_fails_twice_gives_the_call_back() -> None:
    async with serving(Model(500, 429)) as model:
        bot = make(model, sorry="Sorry.")
        events = kept(bot)
        platform = await Platform(bot).open()
        await platform.live(1.6, voice(0.6))
        await plays(platform, events, 1)
        assert said(events) == ["Sorry."]
        await platform.live(1.6, voice(0.6))
        await until(lambda: platform.disconnected)
        assert platform.disconnected is not None
        assert platform.disconnected.output == {"offhook_reason": "language model failed"}
        await platform.over()
        await finish(bot)


async def test_what_was_heard_before_the_model_failed_is_remembered() -> None:
    async with serving(Model(("One whole sentence.", "cut"), "Yes.")) as model:
        bot = make(model, sorry="Sorry.")
        events = kept(bot)
        platform = await Platform(bot).open()
        await platform.live(1.6, voice(0.6))
        await plays(platform, events, 2)
        assert said(events) == ["One whole sentence.", "Sorry."]
        await platform.live(1.6, voice(0.6))
        await plays(platform, events, 3)
        told = [(m["role"], m["content"]) for m in model.asked[1]["messages"][1:]]
        assert told == [("user", "question"), ("assistant", "One whole sentence."), ("user", "question")]
        await platform.hang_up()
        await finish(bot)


async def test_a_hang_up_stops_the_model() -> None:
    async with serving(Model("hang")) as model:
        bot = make(model)
        platform = await Platform(bot).open()
        await platform.live(1.6, voice(0.6))
        await until(lambda: model.asked)
        await platform.hang_up()
        await finish(bot)
        await until(lambda: model.cancelled == 1)


async def test_the_example_looks_up_an_order(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(Model([("order_status", '{"number": "4721"}')], "It arrives on Friday.")) as model:
        monkeypatch.setenv("LLM_URL", model.url)
        path = Path(__file__).parents[2] / "examples" / "llm_bot.py"
        spec = importlib.util.spec_from_file_location("llm_bot_example", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "llm_bot_example", module)
        spec.loader.exec_module(module)
        bot = module.bot
        bot.engines = engines(Scripted("Where is my order 4721?"), Tones())
        events = kept(bot)
        platform = await Platform(bot).open()
        await plays(platform, events, 1)
        await platform.live(1.6, voice(0.6))
        await plays(platform, events, 2)
        assert said(events) == ["River Street Books. How can I help?", "It arrives on Friday."]
        assert model.asked[1]["messages"][-1]["content"] == "on its way, and arrives on Friday"
        await platform.hang_up()
        await finish(bot)


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(EngineError, match="set OPENAI_API_KEY, or url="):
        LLMBot("Help.")
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(EngineMissing, match=r"offhook\[openai\]"):
        LLMBot("Help.", url="http://127.0.0.1:1")
