"""The listening of a line: one listener for each channel, made when it is first wanted, fed from the first frame on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Literal, cast

from ..audio.ulaw import RATE
from ..errors import CallEnded, EngineError, EngineMissing
from ..records import events as happenings
from ..speech import heard
from ..speech.listening import Listener
from ..speech.turns import TurnPolicy

if TYPE_CHECKING:
    from .line import Line

logger = logging.getLogger("offhook.bots")

Channel = Literal["external", "internal"]
OnHeard = Callable[[int, heard.ListenerEvent], None]
"""Takes the index of a channel and what was noticed on it."""


class Ears:
    """Listens to all channels of a line.

    Args:
        line: Whose audio.
        on_heard: Called for everything noticed, after it was told to the line's journal.
        policy: When a turn is over.
        interim: Whether results are wanted before a turn is over.
        backlog: As `speech.listening.Listener` has it.

    Attributes:
        on_broken: Told if a detector fails in mid-call, which ends the listening; without it, that ends the call.
    """

    def __init__(
        self, line: Line, on_heard: OnHeard, *, policy: TurnPolicy, interim: bool, backlog: float | None = None
    ) -> None:
        self._line = line
        self._on_heard = on_heard
        self._policy = policy
        self._interim = interim
        self._backlog = backlog
        self.on_broken: Callable[[Exception], None] | None = None
        self._listeners: list[Listener] = []
        self._attaching: asyncio.Task[bool] | None = None
        self._excused = False
        self._closed = False

    @property
    def attached(self) -> bool:
        """Whether somebody listens, or is about to."""
        return self._attaching is not None and _failure(self._attaching) is None

    async def attach(self, *, understand: bool = True) -> None:
        """Begin to listen and to understand; what was held of the stream until now is heard as well.

        Args:
            understand: False if it is enough to know when somebody speaks: a recogniser may be missing then.

        Raises:
            CallEnded: The call is over.
            EngineMissing: An engine is not installed.
            EngineError: An engine cannot be loaded.
        """
        if self._closed:
            raise CallEnded("the call is over")
        attaching = self._begin()
        await asyncio.wait((attaching,))
        if attaching.cancelled():
            raise CallEnded("the call is over")
        if not attaching.result() and understand:
            await self._line.host.engines.recogniser()  # says what is missing

    def attach_soon(self) -> None:
        """Begin to listen in the background, for barge-in: without a recogniser if there is none, or not at all."""
        if self._attaching is None and not self._closed:
            self._begin().add_done_callback(self._excuse)

    def flush(self) -> None:
        """End utterances under way: the stream breaks here."""
        for listener in self._listeners:
            listener.flush()

    def set_language(self, language: str | None) -> None:
        """The language of what is said from now on."""
        for listener in self._listeners:
            listener.language = language

    async def drain(self) -> None:
        """Wait until everything that was said has been recognised."""
        for listener in self._listeners:
            await listener.drain()

    def close(self) -> None:
        """Listen no more."""
        self._closed = True
        if self._attaching is not None:
            self._attaching.cancel()
        for listener in self._listeners:
            listener.close()

    def _begin(self) -> asyncio.Task[bool]:
        if self._attaching is None or _failure(self._attaching) is not None:
            self._attaching = asyncio.create_task(self._attach())
            self._attaching.add_done_callback(_failure)  # whoever waits may be gone by then
        return self._attaching

    async def _attach(self) -> bool:
        """Make the listeners; returns whether they understand anything."""
        line, engines = self._line, self._line.host.engines
        detectors = [await engines.detector() for _ in line.channels]
        try:
            recogniser = await engines.recogniser()
        except EngineMissing:
            recogniser = None
        if self._closed:
            return False
        for index, detector in enumerate(detectors):
            self._listeners.append(
                Listener(
                    partial(self._hear, index),
                    vad=detector,
                    recogniser=recogniser,
                    policy=self._policy,
                    language=line.language,
                    interim=self._interim,
                    backlog=self._backlog,
                )
            )
        line.stream.add(self._feed)
        return recogniser is not None

    def _excuse(self, attaching: asyncio.Task[bool]) -> None:
        """Without ears a bot can still speak."""
        error = _failure(attaching)
        if error is None or self._excused:
            return
        self._excused = True
        self._line.journal.note(f"no barge-in by speech: {error or type(error).__name__}", self._line.position)
        if not isinstance(error, EngineError):
            logger.error("session %s: no barge-in by speech", self._line.session_id, exc_info=error)

    def _feed(self, data: bytes, position: int) -> None:
        try:
            for listener, lane in zip(self._listeners, self._line.stream.lanes(data), strict=True):
                listener.feed(lane, position)
        except Exception as error:
            if self.on_broken is None:
                raise
            self._line.stream.remove(self._feed)
            self.close()
            self.on_broken(error)

    def _hear(self, index: int, event: heard.ListenerEvent) -> None:
        self._tell(cast("Channel", self._line.channels[index]), event)
        self._on_heard(index, event)

    def _tell(self, channel: Channel, event: heard.ListenerEvent) -> None:
        line, t = self._line, self._line.t
        match event:
            case heard.SpeechStarted(position):
                line.emit(happenings.SpeechStarted(t=t, position=position, channel=channel))
            case heard.SpeechEnded(position):
                line.emit(happenings.SpeechEnded(t=t, position=position, channel=channel))
            case heard.Heard():
                line.emit(
                    happenings.Heard(
                        t=t,
                        position=line.position,
                        channel=channel,
                        id=event.id,
                        text=event.text,
                        final=event.final,
                        start=event.start,
                        end=event.end,
                        confidence=event.confidence,
                        words=tuple(happenings.Word(w.text, w.start, w.end, w.confidence) for w in event.words),
                        language=event.language,
                    )
                )
            case heard.TurnEnded():
                line.emit(
                    happenings.TurnEnded(
                        t=t,
                        position=line.position,
                        start=event.start,
                        end=event.end,
                        text=event.text,
                        confidence=event.confidence,
                        latency=(line.position - event.end) / RATE,
                        channel=channel,
                    )
                )
            case heard.RecogniserFailed():
                line.journal.note(f"recogniser: {event.error}", line.position)
            case heard.LeftOut(start, end):
                seconds = (end - start) / RATE
                line.journal.note(f"the recogniser does not keep up: {seconds:.1f} s were left out", start)


def _failure(task: asyncio.Task[bool]) -> BaseException | None:
    return task.exception() if task.done() and not task.cancelled() else None
