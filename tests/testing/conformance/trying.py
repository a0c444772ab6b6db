"""How mutants are tried on the cases that were made for them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection

from offhook.testing.conformance.case import CaseResult, Verdict

Results = dict[str, CaseResult]
Trial = Callable[[str, asyncio.Semaphore], Awaitable[Results]]

#: Connections at a time. They share one event loop, and most of what they do is to wait.
CROWD = 60


def failed(result: CaseResult) -> bool:
    return result.verdict in (Verdict.FAILED, Verdict.NON_STRICT)


async def all_tried(numbers: Collection[str], tried: Trial) -> dict[str, Results]:
    """What each mutant does to its own case and its neighbours.

    All are tried at once. In such a crowd, on a busy machine, the loop can come round so late that a mutant does its
    misdeed after the case has looked; one that its own case did not find is tried again, with nobody beside it.
    """
    room = asyncio.Semaphore(CROWD)
    results = dict(zip(numbers, await asyncio.gather(*(tried(each, room) for each in numbers)), strict=True))
    for number in [each for each, got in results.items() if not failed(got[each])]:
        results[number] = await tried(number, asyncio.Semaphore(1))
    return results
