"""The listening of a line: one listener for each channel, made when it is first wanted, fed from the first frame on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Literal, cast

from ..audio.ulaw import RATE
from ..errors import CallEnded, EngineError, EngineMissing, wordless
from ..records import events as happenings
from ..speech import heard
from ..speech.engines import Recogniser
from ..speech.listening import Listener
from ..speech.turns import TurnPolicy

if TYPE_CHECKING:
    from .line import Line

logger = logging.getLogger("offhook.bots")

Channel = Literal["external", "internal"]
Played = Callable[[int, int], bytes]
"""Gives audio that was played, from a position on."""
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
        played: What we are heard to say at a position: its echo on the caller's channel is no speech.
        closed: The call is over already: nobody will listen.

    Attributes:
        on_broken: Told if a detector fails in mid-call, which ends the listening; without it, that ends the call.
    """

    def __init__(
        self,
        line: Line,
        on_heard: OnHeard,
        *,
        policy: TurnPolicy,
        interim: bool,
        backlog: float | None = None,
        played: Played | None = None,
        closed: bool = False,
    ) -> None:
        self._line = line
        self._on_heard = on_heard
        self._policy = policy
        self._interim = interim
        self._backlog = backlog
        self.on_broken: Callable[[Exception], None] | None = None
        self._played = played
        self._recogniser: Recogniser | None = None  # in place of the one for the call's language
        self._expects: Callable[[str], bool] | None = None
        self._listeners: list[Listener] = []
        self._attaching: asyncio.Task[bool] | None = None
        self._excused = False
        self._closed = closed

    @property
    def attached(self) -> bool:
        """Whether somebody listens, or is about to."""
        return self._attaching is not None and _failure(self._attaching) is None

    @property
    def understands(self) -> bool:
        """Whether what is said will be understood: there is a recogniser."""
        return self.attached and self._attaching is not None and _result(self._attaching)

    @property
    def voiced(self) -> bool:
        """Whether somebody speaks on the caller's channel at this moment."""
        return any(listener.voiced for listener in self._of_caller)

    @property
    def busy(self) -> bool:
        """Whether the caller is in the midst of a turn, or was not understood yet."""
        return any(listener.busy for listener in self._of_caller)

    @property
    def _of_caller(self) -> list[Listener]:
        return [one for one, name in zip(self._listeners, self._line.channels, strict=False) if name == "external"]

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
        """The language of what is said from now on, and of the utterance under way."""
        self._change(language=language)

    @property
    def recogniser(self) -> Recogniser | None:
        """What understands in place of the one for the call's language."""
        return self._recogniser

    @recogniser.setter
    def recogniser(self, recogniser: Recogniser | None) -> None:
        self._recogniser = recogniser
        self._change()

    @property
    def policy(self) -> TurnPolicy:
        """When a turn is over."""
        return self._policy

    @policy.setter
    def policy(self, policy: TurnPolicy) -> None:
        self._policy = policy
        self._change(policy=policy)

    @property
    def expects(self) -> Callable[[str], bool] | None:
        """Tells whether a text is all that is waited for."""
        return self._expects

    @expects.setter
    def expects(self, expects: Callable[[str], bool] | None) -> None:
        self._expects = expects
        for listener in self._of_caller:
            listener.expects = expects

    def _change(self, *, language: str | None = None, policy: TurnPolicy | None = None) -> None:
        engines = self._line.host.engines
        for listener in self._listeners:
            known = listener.understands
            chosen = (self._recogniser or engines.recogniser_of(language or self._line.language)) if known else None
            listener.change(recogniser=chosen, language=language, policy=policy)

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
        self._listeners.clear()

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
            recogniser: Recogniser | None = await engines.recogniser()
        except EngineMissing:
            recogniser = None
        if recogniser is not None:
            recogniser = self._recogniser or engines.recogniser_of(line.language) or recogniser
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
                    played=self._played if line.channels[index] == "external" else None,
                )
            )
        self.expects = self._expects
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
            logger.error("session %s: no barge-in by speech", self._line.session_id, exc_info=wordless(error, logger))

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


def _result(task: asyncio.Task[bool]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None and task.result()


def _failure(task: asyncio.Task[bool]) -> BaseException | None:
    return task.exception() if task.done() and not task.cancelled() else None
