"""Every mutant against the whole suite: how many cases besides its own find it. `make mutants` writes docs/mutants.md.

It takes long, and so is no part of the tests; those run each mutant against its own case and its neighbours. What is
found of each mutant is kept in `build/mutants.json`, and a run that was stopped goes on from there, as long as neither
the suite nor the mutants have changed; with `--keep`, also if they have: then only mutants that nothing is known of are
run, and the page names the commits.
"""

from __future__ import annotations

import argparse
import asyncio
import copy
import hashlib
import json
import logging
import subprocess
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
from offhook.testing.conformance.caller import Caller, Target
from offhook.testing.conformance.case import Case, CaseResult
from offhook.testing.conformance.runner import run_case

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "mutants.md"
KEPT = ROOT / "build" / "mutants.json"
#: Mutants at a time, and cases at a time in all: most of them wait for timers. A machine that is too busy for so many
#: makes cases fail that should not, and those are tried again.
MUTANTS, CASES = 12, 200
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


class Kept:
    """What is known of mutants already, in a file.

    Args:
        path: Of the file.
        whatever: Keep what is known of another state of the suite.

    Attributes:
        commits: At which something of it was found.
    """

    def __init__(self, path: Path = KEPT, *, whatever: bool = False) -> None:
        self._path = path
        self._of = fingerprint()
        self._sides: dict[str, Found] = {}
        self.commits: list[str] = []
        if path.exists():
            known = json.loads(path.read_bytes())
            if whatever or known["of"] == self._of:
                self._sides, self.commits = known["sides"], known.get("commits", [])

    def side(self, name: str) -> Found:
        return self._sides.setdefault(name, {})

    def save(self) -> None:
        head = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
        if (commit := head.stdout.strip() or "unknown") not in self.commits:
            self.commits.append(commit)
        self._path.parent.mkdir(exist_ok=True)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps({"of": self._of, "commits": self.commits, "sides": self._sides}))
        fresh.replace(self._path)


def fingerprint() -> str:
    """Of the suite, the mutants and what they stand on: what was found holds as long as it stays the same."""
    code = hashlib.sha256()
    own = [ROOT / "src" / "offhook" / name for name in ("protocol", "session", "connector", "testing")]
    for folder in (*own, ROOT / "tests" / "testing" / "conformance"):
        for file in sorted(folder.rglob("*.py")):
            code.update(file.read_bytes())
    return code.hexdigest()


async def crossed(numbers: Iterable[str], attempt: Try, found: Found, save: Callable[[], None], until: float) -> None:
    """All mutants that nothing is known of yet, some at a time; none is begun once the clock says `until`."""
    few, room = asyncio.Semaphore(MUTANTS), asyncio.Semaphore(CASES)

    async def one(number: str) -> None:
        async with few:
            if time.monotonic() >= until:
                return
            results = await attempt(number, room)
        found[number] = [each.number for each in results if servers.failed(each) and each.number != number]
        if number not in {each.number for each in results if servers.failed(each)}:
            print(f"{number}: its own case does not find it", file=sys.stderr)
        print(f"{len(found)}: {number} {len(found[number])}", file=sys.stderr)
        save()

    await asyncio.gather(*(one(number) for number in numbers if number not in found))


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


def page(server: Found, client: Found, commits: list[str]) -> str:
    parts = [
        "# How far each mutant is found",
        "Made by `make mutants`, which runs every mutant of the conformance suite against each case of its product and "
        "side: not in CI, for it takes a while. A mutant is an end that is broken so that one case fails. Few others "
        "should: where more do, the flaw is one that nothing works without, or that many cases come across. "
        f"Found at {' and '.join(commits)}.",
        *told("Servers", servers.NUMBERS, server, {case.number: case.title for case in servers.SUITE}),
        *told("Clients", clients.NUMBERS, client, {case.number: case.title for case in clients.SUITE}),
    ]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """All mutants of both sides, and the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="after which no further mutant is begun")
    parser.add_argument("--keep", action="store_true", help="what is known, though the suite has changed")
    options = parser.parse_args()
    logging.disable()
    began = time.monotonic()
    until = began + options.seconds
    kept = Kept(whatever=options.keep)
    for name, numbers, attempt in (
        ("servers", servers.NUMBERS, on_servers),
        ("clients", clients.NUMBERS, on_clients),
    ):
        asyncio.run(crossed(numbers, attempt, kept.side(name), kept.save, until))
    done = len(kept.side("servers").keys() & set(servers.NUMBERS)) + len(
        kept.side("clients").keys() & set(clients.NUMBERS)
    )
    total = len(servers.NUMBERS) + len(clients.NUMBERS)
    if done == total:
        PAGE.write_text(page(kept.side("servers"), kept.side("clients"), kept.commits))
    print(f"{done} of {total} mutants known, {time.monotonic() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
