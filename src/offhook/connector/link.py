"""A stream bound to one leg and to the clock: a call with a single session, which nothing else listens to.

It must not know where calls come from, nor what becomes of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..protocol import ClientSession, Event
from ..session.connection import Tap
from .legs import Leg
from .recorder import Recorder
from .stream import CAPTURE, FRAME_MS, Playback, Stream, encode, frame_samples
from .ticker import PERIOD, Ticker

__all__ = ["CAPTURE", "FRAME_MS", "Link", "Playback", "encode", "frame_samples"]


class Link(Stream):
    """Carries one call; see `Stream`.

    Args:
        session: Fresh, made with `capture=CAPTURE` and `encode=encode`.
        leg: The caller.
        on_event: Gets all events but audio, and `PlaybackStarted` and `PlaybackCompleted` when they leave.
        frame_ms: Milliseconds of an audio message.
        exact_positions: See `Stream`.
        tap: Sees all messages.

    Attributes:
        recorder: What was said and heard.
        late: Ticks that came a whole period too late.
        worst_lag: Seconds by which the latest one was late.

    Raises:
        UsageError: `frame_ms` is none that could be sent.
    """

    def __init__(
        self,
        session: ClientSession,
        leg: Leg,
        on_event: Callable[[Event], None],
        *,
        frame_ms: int = FRAME_MS,
        exact_positions: bool = True,
        tap: Tap | None = None,
    ) -> None:
        super().__init__(session, on_event, frame_ms=frame_ms, exact_positions=exact_positions, tap=tap)
        self.recorder = Recorder()
        self.late = 0
        self.worst_lag = 0.0
        self._leg = leg
        self._waits: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    def start(self) -> None:
        """The call is on the line: its audio runs from now on, whether or not the session is open yet (P6.2)."""
        if not self.over:
            Ticker.of_loop().add(self._tick)

    def stop(self) -> None:
        """See `Stream.stop`."""
        if self.over:
            return
        Ticker.of_loop().remove(self._tick)
        super().stop()
        self._wake()

    async def when(self, condition: Callable[[], bool]) -> None:
        """Return after the first tick at which the condition holds, or when the call is over."""
        if self.over or condition():
            return
        entry = condition, asyncio.get_running_loop().create_future()
        self._waits.append(entry)
        try:
            await entry[1]
        finally:
            self._waits.remove(entry)

    def _tick(self, lag: float) -> None:
        self.worst_lag = max(self.worst_lag, lag)
        self.late += lag >= PERIOD
        played = self.play()
        external, internal = self._leg.exchange(played.audio)
        self.capture(played, external, internal)
        self._wake()

    def _gather(self, external: bytes, internal: bytes) -> None:
        self.recorder.add(external, internal)
        super()._gather(external, internal)

    def _wake(self) -> None:
        for condition, future in self._waits:
            if not future.done() and (self.over or condition()):
                future.set_result(None)
