"""The suite for servers: ours passes it, and each case finds the mutant that was made for it."""

from __future__ import annotations

import asyncio
import copy
import logging
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager

import pytest
import uvloop
from tests.testing.conformance import server_mutants_a as a
from tests.testing.conformance import server_mutants_b as b
from tests.testing.conformance import server_mutants_c as c
from tests.testing.conformance import server_mutants_d as d
from tests.testing.conformance.raw_server import raw_server
from tests.testing.conformance.trying import all_tried, failed

from offhook import Bot, Call
from offhook.protocol import PROFILES, Profile
from offhook.session.keys import KeyStore
from offhook.session.reception import Reception
from offhook.session.server import Server
from offhook.testing.conformance.caller import Caller, Target
from offhook.testing.conformance.case import Case, CaseResult, Verdict
from offhook.testing.conformance.runner import check_server, run_case
from offhook.testing.conformance.suites import server_suite
from offhook.testing.misbehaving import flaw as mutants
from offhook.testing.misbehaving.kinds import Says

SUITE = server_suite()
NUMBERS = [case.number for case in SUITE]
MUTANTS: dict[str, a.Mutant] = a.MUTANTS | c.MUTANTS | b.MUTANTS | d.MUTANTS
PROFILES_OF = a.PROFILES_OF | b.PROFILES_OF | d.PROFILES_OF
BROAD = a.BROAD | c.BROAD | b.BROAD | d.BROAD
#: Cases beside its own that a mutant is tried on, on each side of it.
NEIGHBOURS = 3
KEYS = {a.KEY: a.SECRET}


def profile_for(case: Case[Caller]) -> Profile:
    name = PROFILES_OF.get(case.number) or ("connector" if "connector" in case.profiles else "monitor")
    return PROFILES[name]


def serving(profile: Profile, mutant: a.Mutant) -> AbstractAsyncContextManager[str]:
    """A server of its own for each case, so that what one case does to it is nothing to another."""
    if isinstance(mutant, tuple):
        return raw_server(profile, mutant[0], copy.copy(mutant[1]), KeyStore(KEYS))
    return mutants.serve(profile, copy.copy(mutant), KeyStore(KEYS))


async def tried(number: str, room: asyncio.Semaphore) -> dict[str, CaseResult]:
    """What a mutant does to its own case and its neighbours."""
    place = NUMBERS.index(number)
    profile = profile_for(SUITE[number])
    near = NUMBERS[max(0, place - NEIGHBOURS) : place + NEIGHBOURS + 1]
    cases = [SUITE[name] for name in near if SUITE[name].chapter == SUITE[number].chapter]

    async def one(case: Case[Caller]) -> CaseResult:
        async with room, serving(profile, MUTANTS[number]) as uri:
            return await run_case(case, Caller(Target(uri, a.KEY, a.SECRET, profile)))

    fitting = [case for case in cases if profile.name in case.profiles]
    return {result.number: result for result in await asyncio.gather(*map(one, fitting))}


@pytest.fixture(scope="module")
def trials() -> Iterator[dict[str, dict[str, CaseResult]]]:
    logging.disable()
    yield asyncio.run(all_tried([each for each in NUMBERS if each in MUTANTS], tried))
    logging.disable(logging.NOTSET)


def test_there_are_enough_cases_and_a_mutant_for_each() -> None:
    assert len(SUITE) >= 150
    assert sorted(MUTANTS) == sorted(NUMBERS)


@pytest.mark.timeout(170)
@pytest.mark.parametrize("number", NUMBERS)
def test_each_case_finds_its_mutant(trials: dict[str, dict[str, CaseResult]], number: str) -> None:
    own = trials[number].pop(number)
    assert own.verdict in (SUITE[number].worst, Verdict.NON_STRICT), f"{own.verdict}: {own.detail}"
    also = {name: result.detail for name, result in trials[number].items() if failed(result)}
    assert len(also) <= (6 if number in BROAD else 3), also


@pytest.mark.timeout(120)
@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_our_server_passes(profile: Profile, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)

    async def check() -> list[CaseResult]:
        async with mutants.serve(profile, keys=KeyStore(KEYS)) as uri:
            return await check_server(list(SUITE), Target(uri, a.KEY, a.SECRET, profile))

    results = uvloop.run(check())
    assert [(result.number, result.verdict, result.detail) for result in results if failed(result)] == []
    assert sum(result.verdict is Verdict.OK for result in results) > 200


async def test_a_bot_that_is_interrupted_passes() -> None:
    """Our own server has no bot that speaks long enough; one that sends `barge_in` at a key stands for it."""
    interrupts = Says(b.a("dtmf"), ("event", {"entities": [{"type": "barge_in", "data": {}}]}))
    async with mutants.serve(PROFILES["connector"], interrupts, KeyStore(KEYS)) as uri:
        target = Target(uri, a.KEY, a.SECRET, PROFILES["connector"])
        results = await check_server(SUITE.select(["9.10", "9.11"]), target)
    assert [result.verdict for result in results] == [Verdict.OK, Verdict.OK]


async def test_a_bot_that_has_to_speak_may_leave_a_session_without_audio(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    bot = Bot(preload=False)

    @bot.handler
    async def answer(call: Call) -> None:
        await call.say("Hello.")

    async with Server(Reception(bot, keys=KeyStore(KEYS))) as server:
        target = Target(f"ws://127.0.0.1:{server.port}/", a.KEY, a.SECRET, PROFILES["connector"])
        results = await check_server(SUITE.select(["2.12"]), target)
    await bot.quiet()
    assert [result.verdict for result in results] == [Verdict.OK]
