"""Monitors: bots that only listen. They hear both channels of a call and send back what they make of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from ..errors import CallEnded
from ..protocol import MONITOR, STEREO, Media, Profile, Token, transcript
from ..session.reception import ServerLink
from ..speech import heard
from ..speech.turns import TurnPolicy
from .ears import Ears
from .engines import Engines
from .feed import Feed
from .host import Host
from .line import Handler, Line

#: Seconds after a hang-up in which the last utterances may still be recognised: the platform waits 10 s for `closed`.
LAST_WORDS: Final = 4.0
#: Seconds that a handler has for the last transcripts once it got them.
_ITS_LAST: Final = 2.0


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


class MonitorCall(Line):
    """One call that a monitor listens to. After a hang-up the handler gets the transcripts that are still to come."""

    host: Monitor

    def __init__(self, host: Monitor, link: ServerLink, handler: Handler) -> None:
        super().__init__(host, link, handler)
        self._transcripts: Feed[Transcript] = Feed()
        self._ears = Ears(self, self._on_heard, policy=host.turns, interim=host.interim)
        self._last_words: asyncio.Task[None] | None = None

    async def transcripts(self) -> AsyncIterator[Transcript]:
        """What is said on all channels, until the call is over.

        A final result for each utterance, and interim ones before it if the monitor wants them.

        Raises:
            EngineMissing: The recogniser or the voice detector is not installed.
            EngineError: One of them cannot be loaded.
        """
        try:
            await self._ears.attach()
        except CallEnded:
            return
        async for result in self._transcripts.read():
            yield result

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

    def _on_heard(self, index: int, event: heard.ListenerEvent) -> None:
        if isinstance(event, heard.Heard):
            self._transcripts.put(
                Transcript(
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
            )

    def _stream_breaks(self) -> None:
        self._ears.flush()

    def _language_changed(self) -> None:
        self._ears.set_language(self.language)

    def _on_hang_up(self) -> None:
        if not self._ears.attached:
            return super()._on_hang_up()
        self._ears.flush()
        self._last_words = asyncio.create_task(self._finish_transcripts())
        return None

    async def _finish_transcripts(self) -> None:
        """Let the handler have what was said last; `closed` waits for it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await self._ears.drain()
        self._transcripts.end()
        self.handling.stop(after=_ITS_LAST)

    def _release(self) -> None:
        if self._last_words is not None:
            self._last_words.cancel()
        self._ears.close()
        self._transcripts.end()


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


def _tag(understood: str, spoken: str | None) -> str:
    """The language tag to send: engines know "en" where the call says "en-US"."""
    if spoken is not None and spoken.partition("-")[0].lower() == understood.lower():
        return spoken
    return understood
