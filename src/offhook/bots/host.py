"""What serves handlers: takes sessions from a reception, gives each to its handler, and tells whoever watches."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal, TypeVar, overload

from ..errors import UsageError, wordless
from ..protocol import Event, Media, Open, Profile, ServerSession, choose
from ..records.events import AnyEvent, EngineChanged
from ..records.record import CallRecord
from ..records.store import CallStore
from ..session.reception import Answer, Decline, ServerLink
from ..session.wire import UpgradeRequest
from ..speech.relay import EngineState
from .engines import Engines
from .handling import GRACE, Handler, Handling
from .line import Line
from .router import Router
from .sinks import SinkTimes

logger = logging.getLogger("offhook.bots")

H = TypeVar("H", bound=Callable[..., Any])
Watcher = Callable[[Line, AnyEvent], None]


class Host:
    """Base of `Bot` and `Monitor`; a `session.reception.Application`.

    Attributes:
        store: Keeps calls, if set.
        lines: Sessions that are up.
        handlings: Handlers at work: one may outlive its session.
        sinks: How long sinks of audio take.
        l16_order: Byte order of L16 audio (P6.1: little-endian unless told otherwise).
    """

    line: ClassVar[Callable[..., Line]]

    def __init__(
        self,
        name: str,
        profile: Profile,
        *,
        engines: Engines | None,
        preload: bool,
        media: Sequence[Media],
        languages: Sequence[str],
    ) -> None:
        self.name = name
        self.profile = profile
        self.engines = engines or Engines()
        self.engines.watch(self._engine_changed)
        self.preload = preload
        self.media = tuple(media)
        self.languages = tuple(languages)
        self.store: CallStore | None = None
        self.l16_order: Literal["little", "big"] = "little"
        self.lines: set[Line] = set()
        self.handlings: set[Handling] = set()
        self.sinks = SinkTimes(self.lines)
        self._router: Router[Handler] = Router()
        self._watchers: list[Watcher] = []
        self._looks = False  # whether a watcher wants to see messages

    @overload
    def handler(self, path: H, /) -> H: ...
    @overload
    def handler(self, path: str | None = None, /) -> Callable[[H], H]: ...
    def handler(self, path: H | str | None = None, /) -> H | Callable[[H], H]:
        """Register the coroutine that runs each session; as a decorator, with or without the path that it serves.

        Raises:
            UsageError: It is no coroutine function, or the path is taken.
        """
        if callable(path):
            self._register(None, path)
            return path

        def register(handler: H) -> H:
            self._register(path, handler)
            return handler

        return register

    def _register(self, path: str | None, handler: Callable[..., Any]) -> None:
        if not inspect.iscoroutinefunction(handler):
            raise UsageError(f"a handler is a coroutine function: write 'async def {handler.__name__}(call)'")
        self._router.add(path, handler)

    @property
    def has_handler(self) -> bool:
        return bool(self._router)

    def watch(self, watcher: Watcher, *, messages: bool = True) -> None:
        """Have a function called with each event of each session: for consoles and meters. It must not block.

        Args:
            watcher: Gets the session and the event.
            messages: Whether it wants `MessageSeen` too, which costs something for each ping of each call.
        """
        self._watchers.append(watcher)
        self._looks |= messages
        for line in self.lines if messages else ():
            line.journal.look()

    def observe(self, line: Line, event: AnyEvent) -> None:
        """Tell the watchers; one that raises gets no further event of any call."""
        for watcher in tuple(self._watchers):
            try:
                watcher(line, event)
            except Exception as error:
                self._watchers.remove(watcher)
                what = type(event).__name__
                logger.error("a watcher failed on %s; it is told nothing more", what, exc_info=wordless(error, logger))

    def _engine_changed(self, state: EngineState) -> None:
        for line in tuple(self.lines):
            line.emit(
                EngineChanged(
                    t=line.t, position=line.position, engine=state.engine, well=state.well, reason=state.reason
                )
            )

    async def load(self) -> None:
        """Load the speech engines, if that is wanted ahead of calls."""
        if self.preload:
            await self.engines.load()

    # session.reception.Application

    def answer(self, request: UpgradeRequest, open: Open) -> Answer | Decline:
        # P7: a probe comes without a bot's path and must not fail for that.
        if not open.is_probe and self._router.find(request.path) is None:
            return Decline("error", "No bot at this path")
        return Answer(choose(open.media, self.media), languages=self.languages)

    def begin(self, link: ServerLink) -> Callable[[Event], None]:
        handler = self._router.find(link.request.path)
        assert handler is not None  # answer() has looked
        line = self.line(self, link, handler)
        self.lines.add(line)
        self.sinks.begin(line)
        if self._looks:
            line.journal.look()
        line.start()
        return line.on_event

    def record(self, session: ServerSession) -> CallRecord | None:
        """What keeps a session, if sessions are kept."""
        if self.store is None:
            return None
        return self.store.begin(session.id, datetime.now(UTC), role="server", profile=session.profile.name)

    def forget(self, line: Line) -> None:
        """A session is over; its record is closed in the background."""
        self.lines.discard(line)
        if (record := line.journal.record) is not None:
            if not record.wants_audio:
                record.passed("client", line.session.lane.frames, line.session.lane.size)
            record.finish()

    async def quiet(self) -> None:
        """Wait until no session is up and no handler at work; one that does not stop is not waited for."""
        while self.lines:
            await asyncio.wait([line.done for line in self.lines])
        await asyncio.gather(*(handling.wait(GRACE) for handling in self.handlings))
