"""What fallback and hedging share: several engines for one job, who of them is well, and the race for a result.

Every attempt runs in the pool of its engine, so that one that hangs can be left behind. Knows engines by name only,
nothing of sound or text.
"""

from __future__ import annotations

import concurrent.futures as cf
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from ..errors import EngineBusy, EngineError, EngineMissing, UsageError
from . import pool as pools
from .breaker import Breaker

logger = logging.getLogger("offhook.speech")
E = TypeVar("E")
T = TypeVar("T")

TIMEOUT: Final = 6.0
"""Seconds that an engine gets for a result, or for the next piece of one."""


@dataclass(frozen=True, slots=True)
class EngineState:
    """An engine begins to rest, or is back. `reason` holds nothing of what was said."""

    engine: str
    well: bool
    reason: str = ""


Watcher = Callable[[EngineState], None]


@dataclass(eq=False)
class Member(Generic[E]):
    """One of the engines.

    Args:
        name: For events and logs.
        load: Loads it.
        breaker: Whether it may be used.
    """

    name: str
    load: Callable[[], E]
    breaker: Breaker
    _engine: E | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def loaded(self) -> E | None:
        """The engine, if it has been loaded."""
        return self._engine

    def engine(self) -> E:
        """The engine, loaded now if need be. Raises `EngineError`."""
        with self._lock:
            if self._engine is None:
                self._engine = self.load()
            return self._engine


class Relay(Generic[E]):
    """Engines in order of preference.

    Args:
        members: At least two. One that cannot be loaded now is tried again later, if another one can.
        timeout: Seconds after which an engine is given up.
        after: Seconds after which the next one is started beside it; None waits until it has failed or is given up.

    Raises:
        UsageError: There are fewer than two.
        EngineMissing: One is not installed.
        EngineError: None can be loaded.
    """

    def __init__(self, members: Sequence[Member[E]], *, timeout: float = TIMEOUT, after: float | None = None) -> None:
        if len(members) < 2:
            raise UsageError("a fallback needs at least two engines: fallback?1=whisper&2=moonshine")
        self.members = tuple(members)
        self.timeout = timeout
        self.after = timeout if after is None else min(after, timeout)
        self._watchers: list[Watcher] = []
        errors = [error for member in members if (error := self._try_to_load(member)) is not None]
        if len(errors) == len(members):
            raise EngineError("none of the engines can be loaded: " + "; ".join(errors))

    def watch(self, watcher: Watcher) -> None:
        """Have a function called when an engine fails or recovers, in any thread; it must not block or raise.

        A function that is known already is called once all the same.
        """
        if watcher not in self._watchers:
            self._watchers.append(watcher)

    def first(self) -> E:
        """The first engine that is loaded."""
        return next(member.loaded for member in self.members if member.loaded is not None)

    def likely(self, suits: Callable[[E], bool]) -> E | None:
        """The engine that will most likely do the next work: the first well one that suits, or None."""
        loaded = [member for member in self.members if member.loaded is not None and suits(member.loaded)]
        well = [member for member in loaded if not member.breaker.resting]
        return next((member.loaded for member in well or loaded), None)

    def order(self, suits: Callable[[E], bool]) -> list[Member[E]]:
        """Members that suit, those that rest left out; if all rest, all of them: something must be tried."""
        loaded = [member for member in self.members if member.loaded is None or suits(member.loaded)]
        return [member for member in loaded if member.breaker.allows()] or loaded

    def race(self, members: Sequence[Member[E]], work: Callable[[E], T]) -> tuple[Member[E], T]:
        """Does the work with the first member that gives a result; blocks.

        Args:
            members: As of `order`.
            work: Takes the engine; is run in its pool.

        Raises:
            EngineError: None of them gave one in time.
        """
        race = _Race(self, members, work)
        try:
            return race.run()
        finally:
            race.leave()

    def succeeded(self, member: Member[E]) -> None:
        """Told by whoever used a member."""
        if member.breaker.succeeded():
            self._tell(EngineState(member.name, True))

    def failed(self, member: Member[E], error: BaseException) -> str:
        """Told by whoever used a member; returns the reason in words that hold nothing of what was said."""
        reason = told(error)
        if member.breaker.failed(error.retry_after if isinstance(error, EngineBusy) else None):
            self._tell(EngineState(member.name, False, reason))
        return f"{member.name}: {reason}"

    def _tell(self, state: EngineState) -> None:
        if state.well:
            logger.warning("speech engine %s is back", state.engine)
        else:
            logger.warning("speech engine %s is left alone for a while: %s", state.engine, state.reason)
        for watcher in tuple(self._watchers):
            watcher(state)

    def _try_to_load(self, member: Member[E]) -> str | None:
        try:
            member.engine()
        except EngineMissing:
            raise
        except EngineError as error:
            return self.failed(member, error)
        return None


class _Race(Generic[E, T]):
    def __init__(self, relay: Relay[E], members: Sequence[Member[E]], work: Callable[[E], T]) -> None:
        self._relay = relay
        self._left = list(members)
        self._work = work
        self._running: dict[cf.Future[T], tuple[Member[E], float]] = {}
        self._errors: list[str] = []

    def run(self) -> tuple[Member[E], T]:
        start_at = time.monotonic()
        while self._left or self._running:
            now = time.monotonic()
            if self._left and (not self._running or now >= start_at):
                start_at = now + self._relay.after
                self._start(self._left.pop(0), now)
                continue
            ends = [began + self._relay.timeout for _, began in self._running.values()]
            wake = min([*ends, *([start_at] if self._left else [])])
            done, _ = cf.wait(self._running, timeout=max(0.0, wake - now), return_when=cf.FIRST_COMPLETED)
            for future in sorted(done, key=lambda future: self._running[future][1]):
                member, _ = self._running.pop(future)
                error = future.exception()
                if error is None:
                    self._relay.succeeded(member)
                    return member, future.result()
                self._errors.append(self._relay.failed(member, error))
                start_at = time.monotonic()
            self._give_up_late_ones()
        raise EngineError("no speech engine gave a result: " + "; ".join(self._errors or ["none suits"]))

    def leave(self) -> None:
        """What still runs is not needed; what was not begun is taken back."""
        for member in self._left:
            member.breaker.undecided()
        for future, (member, _) in self._running.items():
            future.cancel()
            member.breaker.undecided()
            future.add_done_callback(_drop)

    def _start(self, member: Member[E], now: float) -> None:
        try:
            engine = member.engine()
        except EngineError as error:
            self._errors.append(self._relay.failed(member, error))
            return
        self._running[pools.of(engine).hand_in(self._work, engine)] = (member, now)

    def _give_up_late_ones(self) -> None:
        now = time.monotonic()
        for future, (member, began) in list(self._running.items()):
            if now - began >= self._relay.timeout:
                del self._running[future]
                future.cancel()
                future.add_done_callback(_drop)
                late = EngineError(f"no result within {self._relay.timeout:g} s")
                self._errors.append(self._relay.failed(member, late))


def told(error: BaseException) -> str:
    """What may be told of an error: only engines' own promise to hold nothing of what was said."""
    return str(error) if isinstance(error, EngineError) else type(error).__name__


def _drop(future: cf.Future[T]) -> None:
    """A result that comes too late: what holds something open is closed."""
    if not future.cancelled() and future.exception() is None:
        close = getattr(future.result(), "close", None)
        if close is not None:
            close()
