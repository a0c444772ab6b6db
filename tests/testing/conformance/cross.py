"""Every mutant against the whole suite: how many cases besides its own find it. `make mutants` writes docs/mutants.md.

It takes some twenty minutes, most of which are waiting for timers, and so is no part of the tests; those run each
mutant against its own case and its neighbours.
"""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TypeVar

from tests.testing.conformance import test_client as clients
from tests.testing.conformance import test_server as servers
from tests.testing.conformance.mutant_clients import run_cases

from offhook.protocol import PROFILES
from offhook.session.keys import KeyStore
from offhook.testing.conformance.caller import Caller, Target
from offhook.testing.conformance.case import Case, CaseResult
from offhook.testing.conformance.runner import run_case

PAGE = Path(__file__).parents[3] / "docs" / "mutants.md"
#: Mutants at a time, and cases at a time in all.
MUTANTS, CASES = 12, 60
#: More others than this are told one by one, with what they have in common.
FEW = 10
P = TypeVar("P")
Found = dict[str, list[str]]
"""Numbers of the other cases that find a mutant, by its own case."""
Try = Callable[[str, asyncio.Semaphore], Awaitable[list[CaseResult]]]


async def on_servers(number: str, room: asyncio.Semaphore) -> list[CaseResult]:
    """What all cases find in the mutant server of one."""
    profile = servers.profile_for(servers.SUITE[number])

    async def once(case: Case[Caller]) -> CaseResult:
        async with room, servers.serving(profile, servers.MUTANTS[number]) as uri:
            return await run_case(case, Caller(Target(uri, servers.a.KEY, servers.a.SECRET, profile)))

    async def one(case: Case[Caller]) -> CaseResult:
        return await twice(once, case, number)

    return list(await asyncio.gather(*(one(case) for case in servers.SUITE if profile.name in case.profiles)))


async def on_clients(number: str, room: asyncio.Semaphore) -> list[CaseResult]:
    """What all cases find in the mutant client of one."""
    own = clients.SUITE[number]
    name = clients.PROFILES_OF.get(number) or ("connector" if "connector" in own.profiles else "monitor")

    async def once(case: Case[clients.Partner]) -> CaseResult:
        async with room:
            flaw = copy.deepcopy(clients.MUTANTS[number])
            met = await run_cases([case], PROFILES[name], flaw, key=clients.KEY, secret=clients.SECRET)
            return met[case.number]

    async def one(case: Case[clients.Partner]) -> CaseResult:
        return await twice(once, case, number)

    return list(await asyncio.gather(*(one(case) for case in clients.SUITE if name in case.profiles)))


async def twice(once: Callable[[Case[P]], Awaitable[CaseResult]], case: Case[P], mutant: str) -> CaseResult:
    """A case that finds another one's mutant has to find it again: the machine may only have been busy."""
    result = await once(case)
    return await once(case) if servers.failed(result) and case.number != mutant else result


async def crossed(numbers: Iterable[str], attempt: Try) -> Found:
    """All mutants, some at a time."""
    few, room, found = asyncio.Semaphore(MUTANTS), asyncio.Semaphore(CASES), Found()

    async def one(number: str) -> None:
        async with few:
            results = await attempt(number, room)
        found[number] = [each.number for each in results if servers.failed(each) and each.number != number]
        if number not in {each.number for each in results if servers.failed(each)}:
            print(f"{number}: its own case does not find it", file=sys.stderr)
        print(f"{len(found)}: {number} {len(found[number])}", file=sys.stderr)

    await asyncio.gather(*(one(number) for number in numbers))
    return found


def told(title: str, numbers: list[str], found: Found, titles: dict[str, str]) -> list[str]:
    """A chapter of the page."""
    counts = Counter(len(found[number]) for number in numbers)
    spans = {"none": (0, 0), "1 or 2": (1, 2), f"3 to {FEW}": (3, FEW), f"more than {FEW}": (FEW + 1, 10**6)}
    rows = [
        f"| {name} | {sum(count for others, count in counts.items() if low <= others <= high)} |"
        for name, (low, high) in spans.items()
    ]
    parts = [
        f"## {title}: {len(numbers)} mutants",
        "| other cases that find it | mutants |\n|---|---|\n" + "\n".join(rows),
    ]
    many = [number for number in numbers if len(found[number]) > FEW]
    if many:
        lines = [f"| {number} | {titles[number]} | {len(found[number])} |" for number in many]
        parts.append("| the mutant of | that says | others |\n|---|---|---|\n" + "\n".join(lines))
    return parts


def page(server: Found, client: Found) -> str:
    parts = [
        "# How far each mutant is found",
        "Made by `make mutants`, which runs every mutant of the conformance suite against each case of its product and "
        "side: not in CI, for it takes a while. A mutant is an end that is broken so that one case fails. Few others "
        "should: where more do, the flaw is one that nothing works without, or that many cases come across.",
        *told("Servers", servers.NUMBERS, server, {case.number: case.title for case in servers.SUITE}),
        *told("Clients", clients.NUMBERS, client, {case.number: case.title for case in clients.SUITE}),
    ]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Both sides, or with arguments one side and some numbers: then what is found is printed as JSON."""
    logging.disable()
    assert KeyStore
    began = time.monotonic()
    if len(sys.argv) > 1:
        side, chosen = sys.argv[1], sys.argv[2:]
        numbers, attempt = (servers.NUMBERS, on_servers) if side == "servers" else (clients.NUMBERS, on_clients)
        print(json.dumps(asyncio.run(crossed(chosen or numbers, attempt))))
    else:
        found = asyncio.run(crossed(servers.NUMBERS, on_servers)), asyncio.run(crossed(clients.NUMBERS, on_clients))
        PAGE.write_text(page(*found))
    print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
