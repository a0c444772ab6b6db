"""The suite for clients: ours passes it, and each case finds the mutant that was made for it."""

from __future__ import annotations

import asyncio
import copy
import gc
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress

import pytest
from tests.testing.conformance import client_mutants, client_mutants_b, client_mutants_c, client_mutants_d
from tests.testing.conformance.mutant_clients import AT_ONCE, TIMED_AT_ONCE, URI, ClientFlaw, Switches, run_cases
from tests.testing.conformance.trying import all_tried, failed

from offhook.connector import connect
from offhook.errors import OffhookError
from offhook.protocol import PROFILES, Profile
from offhook.testing.conformance.case import Case, CaseResult, Verdict
from offhook.testing.conformance.listener import ClientCheck
from offhook.testing.conformance.partner import Partner
from offhook.testing.conformance.suites import client_suite

SUITE = client_suite()
MUTANTS: dict[str, ClientFlaw] = (
    client_mutants.MUTANTS | client_mutants_b.MUTANTS | client_mutants_c.MUTANTS | client_mutants_d.MUTANTS
)
NUMBERS = [case.number for case in SUITE]
KEY, SECRET = "a2V5", b"s" * 32
NEIGHBOURS = 1
#: Chapters whose cases measure what a client does by the clock, and cases that leave it little time.
TIMED, TIGHT = {5, 6, 8}, {"12.13"}
PROFILES_OF = client_mutants.PROFILES_OF | client_mutants_c.PROFILES_OF
BROAD = client_mutants.BROAD | client_mutants_c.BROAD


async def tried(number: str, room: asyncio.Semaphore) -> dict[str, CaseResult]:
    """What a mutant does to its own case and its neighbours."""
    place, own = NUMBERS.index(number), SUITE[number]
    name = PROFILES_OF.get(number) or ("connector" if "connector" in own.profiles else "monitor")
    near = [SUITE[each] for each in NUMBERS[max(0, place - NEIGHBOURS) : place + NEIGHBOURS + 1]]

    async def one(case: Case[Partner]) -> dict[str, CaseResult]:
        async with room:
            flaw = copy.deepcopy(MUTANTS[number])
            return await run_cases([case], PROFILES[name], flaw, key=KEY, secret=SECRET)

    fitting = [case for case in near if case.chapter == own.chapter and name in case.profiles]
    results: dict[str, CaseResult] = {}
    for each in await asyncio.gather(*map(one, fitting)):
        results |= each
    return results


@pytest.fixture(scope="module")
def trials() -> Iterator[dict[str, dict[str, CaseResult]]]:
    logging.disable()
    yield asyncio.run(all_tried([each for each in NUMBERS if each in MUTANTS], tried))
    logging.disable(logging.NOTSET)


def test_there_are_enough_cases_and_a_mutant_for_each() -> None:
    assert len(SUITE) >= 80
    assert sorted(MUTANTS) == sorted(NUMBERS)


@pytest.mark.timeout(170)
@pytest.mark.parametrize("number", NUMBERS)
def test_each_case_finds_its_mutant(trials: dict[str, dict[str, CaseResult]], number: str) -> None:
    own = trials[number].pop(number)
    assert own.verdict in (SUITE[number].worst, Verdict.NON_STRICT), f"{own.verdict}: {own.detail}"
    also = {name: result.detail for name, result in trials[number].items() if failed(result)}
    assert len(also) <= (4 if number in BROAD else 2), also


async def met(profile: Profile, flaw: ClientFlaw | None = None) -> list[CaseResult]:
    """What a client gets in the whole suite."""
    timed = [case for case in SUITE if case.chapter in TIMED]
    others = [case for case in SUITE if case.chapter not in TIMED]
    results = await run_cases(timed, profile, flaw, key=KEY, secret=SECRET, at_once=TIMED_AT_ONCE)
    return list((results | await run_cases(others, profile, flaw, key=KEY, secret=SECRET)).values())


@pytest.fixture(scope="module")
def own() -> Iterator[dict[str, list[CaseResult]]]:
    """What our own client gets, in every profile."""
    timed = [case for case in SUITE if case.chapter in TIMED or case.number in TIGHT]
    others = [case for case in SUITE if case not in timed]

    async def in_all(cases: list[Case[Partner]], at_once: int) -> list[dict[str, CaseResult]]:
        met = (run_cases(cases, profile, key=KEY, secret=SECRET, at_once=at_once) for profile in PROFILES.values())
        return await asyncio.gather(*met)

    async def check() -> dict[str, list[CaseResult]]:
        both = zip(await in_all(timed, TIMED_AT_ONCE), await in_all(others, AT_ONCE), strict=True)
        return {name: list((few | many).values()) for name, (few, many) in zip(PROFILES, both, strict=True)}

    logging.disable()
    gc.collect()
    gc.freeze()  # to look through all that is left of thousands of tests would hold every client for a second
    yield asyncio.run(check())
    gc.unfreeze()
    logging.disable(logging.NOTSET)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("profile", PROFILES)
def test_our_client_passes(own: dict[str, list[CaseResult]], profile: str) -> None:
    assert [(result.number, result.verdict, result.detail) for result in own[profile] if failed(result)] == []
    assert sum(result.verdict is Verdict.OK for result in own[profile]) > 100


@pytest.mark.timeout(120)
def test_a_client_that_changes_its_language_passes() -> None:
    """`update` may come at any time: before the `paused` that a case waits for, say."""
    client = Switches()
    results = asyncio.run(met(PROFILES["connector"], client))
    assert [(result.number, result.verdict, result.detail) for result in results if failed(result)] == []
    assert len(client.done) > 100


async def probe(uri: str) -> None:
    async with connect(uri, probe=True) as call:
        await call.result()


async def configured(uri: str) -> None:
    with suppress(OffhookError):  # the case has seen enough behind `open`
        async with connect(uri, custom_config={"region": "eu"}) as call:
            await call.result()


async def of_its_own(uri: str) -> None:
    async with connect(uri) as call:
        call.pause()
        await call.wait(0.3)
        call.resume()
        await call.result()


async def another_language(uri: str) -> None:
    async with connect(uri, profile="monitor") as call:
        call.update("de-DE")
        await call.result()


@pytest.mark.parametrize(
    ("number", "act"), [("2.26", probe), ("2.27", configured), ("6.17", of_its_own), ("7.13", another_language)]
)
async def test_cases_about_what_few_clients_do(number: str, act: Callable[[str], Awaitable[None]]) -> None:
    check = ClientCheck(SUITE.select([number]), PROFILES["monitor" if number == "7.13" else "connector"])
    async with await check.serve("127.0.0.1", 0) as server:
        await act(URI.format(port=server.sockets[0].getsockname()[1]))
        await check.done.wait()
    assert [(result.verdict, result.detail) for result in check.results] == [(Verdict.OK, "")]
