"""Monitors: bots that only listen. They hear both channels of a call and send back what they make of it.

A monitor never disturbs a call. It sends no audio. An engine that is missing, or fails, is told to the log and to the
call's events, and tried again: the session goes on without it. What cannot be understood in time is left out, the
oldest first, with a note.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from ..errors import CallEnded, EngineError, wordless
from ..protocol import MONITOR, STEREO, Media, Profile, Token, transcript
from ..protocol.entities import Article, AssistUtterance, Faq, agentassist
from ..session.reception import ServerLink
from ..speech import heard
from ..speech.engines import speaks
from ..speech.turns import TurnPolicy
from .ears import Ears
from .engines import Engines
from .feed import Feed
from .handling import Handler
from .host import Host
from .line import Line
from .recent import Recent

logger = logging.getLogger("offhook.bots")

#: Seconds after a hang-up in which the last utterances may still be recognised: the platform waits 10 s for `closed`.
LAST_WORDS: Final = 4.0
#: Seconds that a handler has for the last transcripts once it got them.
_ITS_LAST: Final = 2.0
#: Seconds between attempts to get an engine that is missing; the last one counts for all that follow.
_PATIENCE: Final = (2.0, 5.0, 10.0, 30.0, 60.0)
#: Seconds of speech of one channel that may wait to be recognised.
BACKLOG: Final = 60.0
#: Results that may wait for the handler.
_UNREAD: Final = 500
#: An utterance shorter than this (samples) is a cough or a click.
_LEAST_VOICE: Final = 1600


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was understood on one channel; times are samples on the stream's position.

    Attributes:
        id: The same for the interim results and the final one of an utterance.
        channel: "external" (the caller) or "internal" (what the caller hears).
        channel_id: Index into the session's channels.
    """

    id: str
    channel: str
    channel_id: int
    text: str
    final: bool
    start: int
    end: int
    confidence: float
    words: tuple[heard.HeardWord, ...]
    language: str


@dataclass(frozen=True, slots=True)
class Utterance:
    """What was said on one channel without being understood: the audio of it.

    Attributes:
        channel: "external" (the caller) or "internal" (what the caller hears).
        channel_id: Index into the session's channels.
        start: Where it began, samples on the stream's position.
        end: Where it ended.
        audio: Mu-law at 8 kHz.
    """

    channel: str
    channel_id: int
    start: int
    end: int
    audio: bytes


class MonitorCall(Line):
    """One call that a monitor listens to. After a hang-up the handler gets the transcripts that are still to come."""

    host: Monitor

    def __init__(self, host: Monitor, link: ServerLink, handler: Handler) -> None:
        super().__init__(host, link, handler)
        self._transcripts: Feed[Transcript] = Feed(_UNREAD)
        self._utterances: Feed[Utterance] = Feed(_UNREAD)
        self._last_words: asyncio.Task[None] | None = None
        self._recent: list[Recent] = []
        self._began: dict[int, int] = {}
        self._understands: tuple[str, ...] | None = None
        self._pausing_for_language = False
        self._told: set[str] = set()

    @cached_property
    def _ears(self) -> Ears:
        host, over = self.host, self.is_over
        ears = Ears(self, self._on_heard, policy=host.turns, interim=host.interim, backlog=BACKLOG, closed=over)
        ears.on_broken = self._on_broken
        return ears

    async def transcripts(self) -> AsyncIterator[Transcript]:
        """What is said on all channels, until the call is over.

        A final result for each utterance, and interim ones before it if the monitor wants them. While an engine is
        missing or cannot be loaded there are none: it is tried again until the call is over. In a language that neither
        the monitor nor its recogniser knows, the stream is paused until the platform changes it.
        """
        if await self._listen(understand=True):
            self._understands = (await self.host.engines.recogniser()).languages
            self._heed_language()
        async for result in self._transcripts.read():
            yield result

    async def utterances(self, channel: str = "external") -> AsyncIterator[Utterance]:
        """The audio of what is said on a channel, voice by voice, until the call is over. Needs no recogniser."""
        if not self._recent:
            self._recent = [Recent(self, each) for each in self.channels]
        await self._listen(understand=False)
        async for utterance in self._utterances.read():
            if utterance.channel == channel:
                yield utterance

    async def _listen(self, *, understand: bool) -> bool:
        """Get the engines, however long that takes; False if the call is over before."""
        attempt = 0
        while True:
            try:
                await self._ears.attach(understand=understand)
            except CallEnded:
                return False
            except Exception as error:
                self._tell_once("no engine to listen with", error)
                await asyncio.sleep(_PATIENCE[min(attempt, len(_PATIENCE) - 1)])
                attempt += 1
            else:
                return True

    def _tell_once(self, what: str, error: Exception | None = None) -> None:
        """To the log and to the call's events, once in a call for each cause."""
        said = str(error) if isinstance(error, EngineError) else type(error).__name__ if error is not None else ""
        text = f"{what}: {said}" if said else what
        if text in self._told:
            return
        self._told.add(text)
        self.journal.note(text, self.position)
        unexpected = wordless(error, logger) if error is not None and not isinstance(error, EngineError) else None
        logger.warning("session %s: %s", self.session_id, text, exc_info=unexpected)

    async def send_transcript(self, result: Transcript) -> None:
        """Send a result to the platform as a `transcript` entity. An interim one is left out while others wait.

        Raises:
            CallEnded: The call is over.
        """
        if not result.final and self.session.has_output:
            return
        tokens = tuple(
            Token(word.text, round(word.confidence, 3), word.start, word.end - word.start) for word in result.words
        )
        self.send_event(
            transcript(
                result.id,
                result.channel_id,
                result.text,
                final=result.final,
                offset=result.start,
                duration=result.end - result.start,
                confidence=round(result.confidence, 3),
                tokens=tokens,
                language=_tag(result.language, self.language),
            )
        )

    async def send_assist(self, result: Transcript, suggestions: Sequence[Faq | Article] = ()) -> None:
        """Send a result as an `agentassist` entity: what was said, and what may help the agent with it (P5).

        Raises:
            CallEnded: The call is over.
        """
        said = AssistUtterance(
            id=result.id,
            position=result.start,
            text=result.text,
            language=_tag(result.language, self.language),
            confidence=round(result.confidence, 3),
            channel="external" if result.channel == "external" else "internal",
            final=result.final,
            duration=result.end - result.start,
        )
        self.send_event(agentassist(str(uuid.uuid4()), (said,), tuple(suggestions)))

    def _on_heard(self, index: int, event: heard.ListenerEvent) -> None:
        match event:
            case heard.Heard():
                self._on_words(index, event)
            case heard.SpeechStarted(position):
                self._began[index] = position
            case heard.SpeechEnded(position) if index in self._began:
                self._on_voice(index, self._began.pop(index), position)
            case heard.RecogniserFailed(error=error):
                self._tell_once("the recogniser fails", EngineError(error))
            case heard.LeftOut():
                self._tell_once("the recogniser does not keep up: the oldest is left out")

    def _on_words(self, index: int, event: heard.Heard) -> None:
        result = Transcript(
            event.id,
            self.channels[index],
            index,
            event.text,
            event.final,
            event.start,
            event.end,
            event.confidence,
            event.words,
            event.language,
        )
        if not self._transcripts.put(result):
            self._tell_once("the handler reads transcripts too slowly: the oldest are lost")

    def _on_voice(self, index: int, start: int, end: int) -> None:
        if not self._recent or end - start < _LEAST_VOICE:
            return
        utterance = Utterance(self.channels[index], index, start, end, self._recent[index].audio(start, end))
        if not self._utterances.put(utterance):
            self._tell_once("the handler reads utterances too slowly: the oldest are lost")

    def _on_broken(self, error: Exception) -> None:
        self._tell_once("the voice detector failed: nothing more is heard", error)

    def _stream_breaks(self) -> None:
        if self._has("_ears"):
            self._ears.flush()

    def _language_changed(self) -> None:
        if self._has("_ears"):
            self._ears.set_language(self.language)
        self._heed_language()

    def _heed_language(self) -> None:
        """Pause in a language that nobody here understands, and go on in one that somebody does (P4.8)."""
        if self._understands is None or not self.is_live:
            return
        foreign = not speaks((*self.host.languages, *self._understands), self.language)
        if foreign and not self._pausing_for_language:
            self._tell_once("paused: the recogniser does not know the language of the call")
            self.pause()
        elif self._pausing_for_language and not foreign:
            self.resume()
        self._pausing_for_language = foreign

    def _on_hang_up(self) -> None:
        if not (self._has("_ears") and self._ears.attached):
            return super()._on_hang_up()
        self._ears.flush()
        self._last_words = asyncio.create_task(self._finish_transcripts())
        return None

    async def _finish_transcripts(self) -> None:
        """Let the handler have what was said last; `closed` waits for it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await self._ears.drain()
        self._end_feeds()
        self.handling.stop(after=_ITS_LAST)

    def _release(self) -> None:
        if self._last_words is not None:
            self._last_words.cancel()
        if self._has("_ears"):
            self._ears.close()
        self._end_feeds()

    def _let_go_of_parts(self) -> None:
        super()._let_go_of_parts()
        self._drop("_ears")

    def _end_feeds(self) -> None:
        self._transcripts.end()
        self._utterances.end()


class Monitor(Host):
    """A monitor: handlers by path, and how they are served.

    Args:
        name: For records and logs.
        profile: `MONITOR`, `TRANSCRIPTION` or `BOT_TRANSCRIPTION`.
        languages: What to list where the platform asks for the supported languages (P4.3).
        interim: Whether `transcripts()` brings results before an utterance is over, too.
        turns: When an utterance is over.
        engines: What listens.
        preload: Load the engines when serving starts, not in the first call.
    """

    line = MonitorCall

    def __init__(
        self,
        name: str = "monitor",
        *,
        profile: Profile = MONITOR,
        languages: Sequence[str] = ("en-US",),
        interim: bool = False,
        turns: TurnPolicy | None = None,
        engines: Engines | None = None,
        preload: bool = True,
        media: Sequence[Media] = (STEREO,),
    ) -> None:
        super().__init__(name, profile, engines=engines, preload=preload, media=media, languages=languages)
        self.interim = interim
        self.turns = turns or TurnPolicy()

    async def load(self) -> None:
        if self.preload:
            await self.engines.load(speaks=False)


def _tag(understood: str, spoken: str | None) -> str:
    """The language tag to send: engines know "en" where the call says "en-US"."""
    if spoken is not None and spoken.partition("-")[0].lower() == understood.lower():
        return spoken
    return understood
