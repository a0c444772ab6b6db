"""Plays a partner's server for whatever client connects, and gives each connection to a case."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from ...protocol import Profile
from .case import Case, CaseResult
from .partner import Claim, Partner
from .runner import OnResult, run_case, skipped

#: Seconds in which the head of a request should come; then its case finds out what is wrong.
_HEAD: Final = 10.0


class ClientCheck:
    """Plays a partner's server against whatever client connects: each connection meets the next case.

    A case may claim further connections, see `Partner.another`. Whether one takes over from a session that a case
    keeps up is known from its `open` alone, so each is read as far as that while such a session waits. The cases
    that do so come last, and those behind them all begin with an `open`.

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
        self._claims: list[Claim] = []
        self._on_next = on_next
        self._on_result = on_result
        self.results: list[CaseResult] = []
        self.done = asyncio.Event()
        self._expected = len(cases)
        self._cases = list(cases)
        self._waiting: deque[Case[Partner]] = deque()
        self._meetings: set[asyncio.Task[None]] = set()

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

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._meet(reader, writer))  # one of asyncio's own would log that it was cancelled
        self._meetings.add(task)
        task.add_done_callback(self._meetings.discard)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await _request(reader)
        if request is None:
            writer.close()
            return
        partner = Partner(reader, writer, self._profile, request, self._secret, seed=self._seed, claims=self._claims)
        claim = await self._claim(partner)
        if claim is not None:
            claim.connection.set_result(partner)
            return
        if not self._waiting:
            await partner.leave()
            return
        case = self._waiting.popleft()
        self._tell_next()
        self._finish(await run_case(case, partner))

    async def _claim(self, partner: Partner) -> Claim | None:
        """The claim that fits a connection."""
        if any(claim.session for claim in self._claims):
            continued = await partner.continued()
            takeovers = [claim for claim in self._claims if claim.open and claim.session]
            fitting = [claim for claim in takeovers if claim.session in continued]
            if fitting or (continued and len(takeovers) == 1):  # whom else would it mean, if it names nobody rightly
                return (fitting or takeovers)[0]
        return next((claim for claim in self._claims if claim.open and not claim.session), None)

    def _tell_next(self) -> None:
        if self._on_next is not None:
            self._on_next(self.next_case)

    def _finish(self, result: CaseResult) -> None:
        self.results.append(result)
        if self._on_result is not None:
            self._on_result(result)
        if len(self.results) == self._expected:
            self.done.set()


async def _request(reader: asyncio.StreamReader) -> bytes | None:
    """The head of a request, or what came of it; None for one who only looks whether the port is open."""
    try:
        async with asyncio.timeout(_HEAD):
            return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        return error.partial or None
    except (TimeoutError, asyncio.LimitOverrunError):
        return b""
    except OSError:
        return None
