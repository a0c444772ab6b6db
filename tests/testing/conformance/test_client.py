"""The suite for clients: ours passes it, and each case finds the mutant that was made for it."""

from __future__ import annotations

import asyncio
import copy
import logging
from collections.abc import Iterator

import pytest
from tests.testing.conformance import client_mutants as made
from tests.testing.conformance.mutant_clients import run_cases

from offhook.protocol import PROFILES, Profile
from offhook.testing.conformance.case import CaseResult, Verdict
from offhook.testing.conformance.suites import client_suite

SUITE = client_suite()
NUMBERS = [case.number for case in SUITE]
KEY, SECRET = "a2V5", b"s" * 32
NEIGHBOURS = 1


async def tried(number: str, room: asyncio.Semaphore) -> dict[str, CaseResult]:
    """What a mutant does to its own case and its neighbours."""
    place, own = NUMBERS.index(number), SUITE[number]
    name = made.PROFILES_OF.get(number) or ("connector" if "connector" in own.profiles else "monitor")
    near = [SUITE[each] for each in NUMBERS[max(0, place - NEIGHBOURS) : place + NEIGHBOURS + 1]]
    results: dict[str, CaseResult] = {}
    for case in [case for case in near if case.chapter == own.chapter and name in case.profiles]:
        async with room:
            flaw = copy.deepcopy(made.MUTANTS[number])
            results |= await run_cases([case], PROFILES[name], flaw, key=KEY, secret=SECRET)
    return results


async def all_tried() -> dict[str, dict[str, CaseResult]]:
    room = asyncio.Semaphore(40)
    known = [number for number in NUMBERS if number in made.MUTANTS]
    return dict(zip(known, await asyncio.gather(*(tried(number, room) for number in known)), strict=True))


@pytest.fixture(scope="module")
def trials() -> Iterator[dict[str, dict[str, CaseResult]]]:
    logging.disable()
    yield asyncio.run(all_tried())
    logging.disable(logging.NOTSET)


def failed(result: CaseResult) -> bool:
    return result.verdict in (Verdict.FAILED, Verdict.NON_STRICT)


def test_there_are_enough_cases_and_a_mutant_for_each() -> None:
    assert len(SUITE) >= 80
    assert sorted(made.MUTANTS) == sorted(NUMBERS)


@pytest.mark.timeout(170)
@pytest.mark.parametrize("number", NUMBERS)
def test_each_case_finds_its_mutant(trials: dict[str, dict[str, CaseResult]], number: str) -> None:
    own = trials[number].pop(number)
    assert own.verdict in (SUITE[number].worst, Verdict.NON_STRICT), f"{own.verdict}: {own.detail}"
    also = {name: result.detail for name, result in trials[number].items() if failed(result)}
    assert len(also) <= (4 if number in made.BROAD else 2), also


@pytest.mark.timeout(120)
@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_our_client_passes(profile: Profile, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    results = asyncio.run(run_cases(list(SUITE), profile, key=KEY, secret=SECRET)).values()
    assert [(result.number, result.verdict, result.detail) for result in results if failed(result)] == []
    assert sum(result.verdict is Verdict.OK for result in results) > 75
