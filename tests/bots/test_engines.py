"""Engines are loaded once, off the loop, shared, and tried again after a failure."""

from __future__ import annotations

import asyncio
import logging

import pytest
from tests.bots.fakes import LoudIsVoice, Scripted, Tones, VirtualPool

from offhook.bots import Engines
from offhook.errors import EngineError, EngineMissing
from offhook.speech import registry

pytestmark = [pytest.mark.virtual_time, pytest.mark.usefixtures("pool")]


async def test_a_named_engine_is_loaded_once_for_all(pool: VirtualPool, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(registry, "recogniser", lambda name: loaded.append(name) or Scripted())
    pool.seconds = 3.0
    engines = Engines(recogniser="some?model=big")
    first, second = await asyncio.gather(engines.recogniser(), engines.recogniser())
    assert first is second is await engines.recogniser()
    assert loaded == ["some?model=big"]


async def test_an_object_is_used_as_it_is() -> None:
    recogniser, synthesiser = Scripted(), Tones()
    engines = Engines(LoudIsVoice, recogniser, synthesiser)
    assert await engines.recogniser() is recogniser
    assert await engines.synthesiser() is synthesiser
    assert await engines.detector() is not await engines.detector(), "one for each channel"


async def test_a_caller_who_hangs_up_takes_no_engine_away(pool: VirtualPool, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Tones()
    monkeypatch.setattr(registry, "synthesiser", lambda name: engine)
    pool.seconds = 3.0
    engines = Engines()
    leaving, staying = (asyncio.create_task(engines.synthesiser()) for _ in range(2))
    await asyncio.sleep(1)
    leaving.cancel()
    assert await staying is engine


async def test_after_a_failure_the_next_call_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes: list[object] = [EngineError("no memory"), Scripted()]

    def load(name: str) -> object:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(registry, "recogniser", load)
    engines = Engines()
    with pytest.raises(EngineError, match="no memory"):
        await engines.recogniser()
    assert isinstance(await engines.recogniser(), Scripted)


async def test_loading_ahead_reports_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing(name: str) -> object:
        raise EngineMissing("hibari", "speech")

    def broken(name: str) -> object:
        raise RuntimeError("bug")

    monkeypatch.setattr(registry, "synthesiser", missing)
    monkeypatch.setattr(registry, "recogniser", broken)
    with caplog.at_level(logging.INFO):
        await Engines(LoudIsVoice).load()
    assert {record.levelname for record in caplog.records} == {"INFO", "ERROR"}
    assert "offhook[speech]" in caplog.text
