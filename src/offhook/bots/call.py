"""What a bot's handler works with: the caller's turns, what the bot says, keys, and the end of the call."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from ..audio import wav
from ..audio.ulaw import RATE
from ..errors import CallEnded, UsageError
from ..protocol import Event, PlaybackCompleted, PlaybackStarted
from ..session.reception import ServerLink
from ..speech import heard
from ..speech.speaking import speak
from .ears import Ears
from .feed import Feed
from .line import Handler, Line
from .mouth import Mouth
from .patience import REASON, Waiting
from .saying import By, Piece, Playback

if TYPE_CHECKING:
    from .bot import Bot

#: A sentence with what ends it; a dot within a number or an abbreviation of one letter ends none.
_SENTENCE: Final = re.compile(r".*?\S.*?(?:(?<!\b\w)[.!?]+(?=\s|$)|$)", re.DOTALL)

Interruptible = bool | Literal["speech", "key"]


@dataclass(frozen=True, slots=True)
class Turn:
    """What the caller said in one go.

    Attributes:
        text: What was understood.
        start: Where it began, samples on the caller's stream.
        end: Where it ended.
        confidence: 0 to 1.
    """

    text: str
    start: int
    end: int
    confidence: float


class Call(Line):
    """One call of a bot. Leaving the handler ends the call well; a hang-up cancels the handler."""

    host: Bot

    def __init__(self, host: Bot, link: ServerLink, handler: Handler) -> None:
        super().__init__(host, link, handler)
        self._turns: Feed[Turn] = Feed()
        self._mouth = Mouth(self)
        self._ears = Ears(self, self._on_heard, policy=host.turns, interim=host.interim)
        self._waiting = Waiting(self, host.patience)

    # Listening.

    async def turns(self) -> AsyncIterator[Turn]:
        """The caller's turns, from the first word of the call on, until the caller hangs up or the call ends.

        Raises:
            EngineMissing: The recogniser or the voice detector is not installed.
            EngineError: One of them cannot be loaded.
        """
        try:
            await self._ears.attach()
        except CallEnded:
            return
        async for turn in self._turns.read():
            self._waiting.delivered()
            yield turn
            self._waiting.asked()

    async def listen(self, timeout: float | None = None) -> Turn | None:  # noqa: ASYNC109
        """The caller's next turn; None if none is over in time.

        Args:
            timeout: Seconds, counted from when the engines are there.

        Raises:
            CallEnded: The call is over.
            EngineMissing: The recogniser or the voice detector is not installed.
            EngineError: One of them cannot be loaded.
        """
        await self._ears.attach()
        self._waiting.asked()
        try:
            async with asyncio.timeout(timeout):
                turn = await self._turns.next()
                self._waiting.delivered()
                return turn
        except TimeoutError:
            return None

    async def dtmf(
        self,
        length: int | None = None,
        terminator: str = "#",
        *,
        first: float | None = 10.0,
        between: float = 3.0,
        total: float | None = None,
    ) -> str:
        """Gather keys, those pressed since the last time included.

        Args:
            length: Stop after so many.
            terminator: Keys that end the input, and do not belong to it.
            first: Seconds to wait for the first key.
            between: Seconds to wait for each further one.
            total: Seconds for all of them.

        Returns:
            What was keyed, without the terminator; empty if nothing was.

        Raises:
            CallEnded: The call is over.
        """
        return await self.keys.collect(length, terminator, first, between, total)

    # Speaking.

    async def say(self, what: str | Path, *, interruptible: Interruptible = True, voice: str | None = None) -> Playback:
        """Say a text, or play a sound file given as a `Path`; returns when the caller has heard it, or has cut in.

        Args:
            what: Text, or the path of a WAV file of any rate (its first channel is played).
            interruptible: By speech and keys, by one of the two ("speech", "key"), or not at all.
            voice: Of the synthesiser, in place of the bot's.

        Returns:
            What was heard of it.

        Raises:
            CallEnded: The call is over.
            EngineMissing: Text without a synthesiser.
            AudioFileError: The file cannot be read.
        """
        if isinstance(what, Path):
            return await self._say("", _file(what), interruptible, f"[{what.name}]")
        return await self._say(what, self._speech(what, voice or self.host.voice), interruptible)

    async def play(self, sound: str | Path | bytes, *, interruptible: Interruptible = True) -> Playback:
        """Play a sound file, or mu-law bytes at 8 kHz; otherwise as `say`."""
        if not isinstance(sound, bytes):
            return await self.say(Path(sound), interruptible=interruptible)
        return await self._say("", _sound(sound), interruptible, "[sound]")

    def send(self, audio: bytes) -> None:
        """Send audio in the session's format as it is, at once: for bots that make their own, and for echoes.

        Raises:
            CallEnded: The call is over.
            LocalProtocolError: These are not whole samples, or the session carries no audio.
        """
        self._mouth.send(audio)

    async def _say(
        self, text: str, pieces: AsyncGenerator[Piece, None], interruptible: Interruptible, label: str = ""
    ) -> Playback:
        allowed = _allowed(interruptible)
        if "speech" in allowed:
            self._ears.attach_soon()
        return await self._mouth.say(text, pieces, allowed, label)

    async def _speech(self, text: str, voice: str | None) -> AsyncGenerator[Piece, None]:
        synthesiser = await self.host.engines.synthesiser()
        for sentence in _SENTENCE.findall(text.strip()):
            # One by one, so that it is known which words a sample belongs to.
            begins = sentence.strip()
            stream = speak(synthesiser, begins, voice=voice, language=self.language, cache=self.host.prompts)
            async with contextlib.aclosing(stream):
                async for audio in stream:
                    yield Piece(audio, begins)
                    begins = ""

    # For the budget of a turn, see `offhook.bots.patience`.

    @property
    def samples_sent(self) -> int:
        """Samples of sound that have left for the caller, or wait to leave."""
        ledger = self._mouth.ledger
        return ledger.sent + self._mouth.waiting - ledger.waiting

    def send_filler(self, audio: bytes) -> None:
        """Send mu-law at once, past what waits to be said. Raises `CallEnded`."""
        self._mouth.send(self.stream.frame(audio))

    def give_back(self, reason: str) -> None:
        """End the session now, with what is in `output` and the reason, and stop the handler."""
        self.output |= {REASON: reason}
        self.journal.note(f"given back: {reason}", self.position)
        self._ending = True
        self._disconnect("completed")
        self.handling.stop()

    # What a line leaves open.

    def _on_heard(self, index: int, event: heard.ListenerEvent) -> None:
        if self.channels[index] != "external":
            return  # a platform that sends back what the caller hears: our own voice
        if isinstance(event, heard.SpeechEnded):
            self._waiting.begin()
        elif isinstance(event, heard.SpeechStarted) or (isinstance(event, heard.TurnEnded) and not event.recognised):
            self._waiting.stop()
        match event:
            case heard.SpeechStarted(decided_at=at):
                # Ears that were made late hear what was said before: that interrupts nothing any more.
                if self.position - at < RATE:
                    self._mouth.interrupt("speech")
            case heard.TurnEnded(recognised=True):
                self._mouth.turn_at = self.connection.now
                self._turns.put(Turn(event.text, event.start, event.end, event.confidence))

    def _on_key(self, digit: str) -> None:
        self._mouth.interrupt("key")

    def _on_other(self, event: Event) -> None:
        if isinstance(event, PlaybackStarted | PlaybackCompleted):
            self._mouth.on_playback(event)

    def _stream_breaks(self) -> None:
        self._ears.flush()

    def _language_changed(self) -> None:
        self._ears.set_language(self.language)

    async def _before_end(self) -> None:
        await self._mouth.until_quiet()

    def _stream_over(self, position: int | None) -> None:
        self._waiting.stop()
        self._mouth.hush(position)
        self._ears.close()
        self._turns.end()


def _allowed(interruptible: Interruptible) -> frozenset[By]:
    if isinstance(interruptible, bool):
        return frozenset({"speech", "key"}) if interruptible else frozenset()
    if interruptible not in ("speech", "key"):
        raise UsageError(f"interruptible is True, False, 'speech' or 'key', not {interruptible!r}")
    return frozenset({interruptible})


async def _file(path: Path) -> AsyncGenerator[Piece, None]:
    lane = (await asyncio.to_thread(wav.read_ulaw, path))[0]
    async for piece in _sound(lane):
        yield piece


async def _sound(audio: bytes) -> AsyncGenerator[Piece, None]:
    """A sound in pieces of a second, so that a long one does not go through the queue at once."""
    for at in range(0, len(audio), RATE):
        yield Piece(audio[at : at + RATE])
