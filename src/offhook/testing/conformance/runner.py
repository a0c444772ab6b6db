"""Runs cases: many at a time, each in a session of its own, none longer than it may take."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from ...protocol import Profile
from .caller import Caller, Target
from .case import Case, CaseResult, Failure, Notes, Skip, TraceLine, Verdict

OnResult = Callable[[CaseResult], None]

#: Cases at a time: most of them wait for timers, not for work.
PARALLEL = 40


class _Peer(Protocol):
    notes: Notes
    trace: list[TraceLine]

    async def leave(self) -> None: ...


P = TypeVar("P", bound=_Peer)


async def run_case(case: Case[P], peer: P) -> CaseResult:
    """Run one case against a peer that is made for it; never raises what the other end causes."""
    began = time.monotonic()
    verdict, detail = Verdict.OK, ""
    try:
        async with asyncio.timeout(case.seconds):
            await case.run(peer)
    except Failure as failure:
        verdict, detail = case.worst, str(failure)
    except Skip as skip:
        verdict, detail = skip.verdict, str(skip)
    except TimeoutError:
        verdict, detail = case.worst, f"not done within {case.seconds:g} s"
    except (OSError, asyncio.IncompleteReadError) as error:
        verdict, detail = case.worst, f"the connection failed: {type(error).__name__}"
    except Exception as error:  # what the other end sent was of a shape that the case does not know
        verdict, detail = case.worst, f"sent what cannot be read: {type(error).__name__}: {error}"
    else:
        if peer.notes.non_strict:
            verdict, detail = Verdict.NON_STRICT, "; ".join(peer.notes.non_strict)
        elif peer.notes.info:
            verdict, detail = Verdict.INFO, "; ".join(peer.notes.info)
    finally:
        await peer.leave()
    return CaseResult(case.number, case.title, verdict, detail, time.monotonic() - began, tuple(peer.trace))


def skipped(case: Case[P], profile: Profile) -> CaseResult | None:
    """The result of a case that is not about this product; None if it is."""
    if profile.name in case.profiles:
        return None
    return CaseResult(case.number, case.title, Verdict.SKIPPED_PROFILE, f"not about the {profile.name} profile", 0.0)


async def check_server(
    cases: Sequence[Case[Caller]], target: Target, *, parallel: int = PARALLEL, on_result: OnResult | None = None
) -> list[CaseResult]:
    """Play the platform against a server, case by case; results in the order of the cases."""
    room = asyncio.Semaphore(parallel)

    async def one(case: Case[Caller]) -> CaseResult:
        result = skipped(case, target.profile)
        if result is None:
            async with room:
                result = await run_case(case, Caller(target))
        if on_result is not None:
            on_result(result)
        return result

    return list(await asyncio.gather(*(one(case) for case in cases)))
