"""Runs cases: many at a time, each in a session of its own, none longer than it may take."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from ...protocol import Profile
from .caller import Caller, Target
from .case import Case, CaseResult, Failure, Notes, Skip, TraceLine, Verdict
from .partner import Partner, Streams

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


class ClientCheck:
    """Plays a partner's server against whatever client connects: each connection meets the next case.

    Args:
        cases: In the order in which connections meet them.
        profile: The product.
        secret: Of the key that the client was given, for cases about its signature.
        seed: For random input.
        on_next: Told which case the next connection will meet; None when all are given out.
        on_result: Told each result.
    """

    def __init__(
        self,
        cases: Sequence[Case[Partner]],
        profile: Profile,
        *,
        secret: bytes = b"",
        seed: int = 0,
        on_next: Callable[[Case[Partner] | None], None] | None = None,
        on_result: OnResult | None = None,
    ) -> None:
        self._profile = profile
        self._secret = secret
        self._seed = seed
        self._claims: deque[asyncio.Future[Streams]] = deque()
        self._on_next = on_next
        self._on_result = on_result
        self.results: list[CaseResult] = []
        self.done = asyncio.Event()
        self._expected = len(cases)
        self._cases = list(cases)
        self._waiting: deque[Case[Partner]] = deque()

    @property
    def next_case(self) -> Case[Partner] | None:
        return self._waiting[0] if self._waiting else None

    async def serve(self, host: str, port: int) -> asyncio.Server:
        """Listen; close the server when `done` is set.

        Raises:
            OSError: The port cannot be had.
        """
        server = await asyncio.start_server(self._connected, host, port, limit=1 << 20)
        for case in self._cases:
            result = skipped(case, self._profile)
            if result is None:
                self._waiting.append(case)
            else:
                self._finish(result)
        self._tell_next()
        return server

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while self._claims:
            claim = self._claims.popleft()
            if not claim.done():
                claim.set_result((reader, writer))
                return
        if not self._waiting:
            writer.close()
            return
        case = self._waiting.popleft()
        self._tell_next()
        partner = Partner(reader, writer, self._profile, self._secret, seed=self._seed, claim=self._another)
        result = await run_case(case, partner)
        self._finish(result)

    async def _another(self, within: float) -> Streams | None:
        """A connection for a case that goes on over several."""
        claim: asyncio.Future[Streams] = asyncio.get_running_loop().create_future()
        self._claims.append(claim)
        try:
            return await asyncio.wait_for(claim, within)
        except TimeoutError:
            return None

    def _tell_next(self) -> None:
        if self._on_next is not None:
            self._on_next(self.next_case)

    def _finish(self, result: CaseResult) -> None:
        self.results.append(result)
        if self._on_result is not None:
            self._on_result(result)
        if len(self.results) == self._expected:
            self.done.set()
