"""What a bot's handler works with: the caller's turns, what the bot says, keys, and the end of the call."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..speech.rendering import Piece
from ..speech.sentences import mended
from ..speech.ssml import SSML, is_ssml
from .enquiring import Enquiring
from .feed import Feed
from .hearing import Interruptible, Turn
from .saying import By, Mark, Playback

if TYPE_CHECKING:
    from .bot import Bot

__all__ = ["Call", "Interruptible", "Turn"]


class Call(Enquiring):
    """One call of a bot. Leaving the handler ends the call well; a hang-up cancels the handler."""

    host: Bot

    @cached_property
    def _marks(self) -> Feed[Mark]:
        return Feed(over=self.is_over)

    # Speaking.

    async def say(
        self,
        what: str | SSML | Path | AsyncIterable[str],
        *,
        interruptible: Interruptible = True,
        voice: str | None = None,
    ) -> Playback:
        """Say something; returns when the caller has heard it, or has cut in.

        Args:
            what: Text; SSML, which is an `SSML` or a string that begins with `<speak`; a sound file, given as a `Path`
                (WAV, raw mu-law, FLAC, MP3 and others; its first channel is played); or text that is still being
                written, such as the answer of a language model: an asynchronous iterator of strings of any length,
                which is closed when the caller cuts in.
            interruptible: By speech and keys, by one of the two ("speech", "key"), or not at all.
            voice: Of the synthesiser, in place of the bot's.

        Returns:
            What was heard of it.

        Raises:
            CallEnded: The call is over.
            SSMLError: The SSML is wrong. Nothing of it is played.
            EngineMissing: Text without a synthesiser, or `<say-as>` without the libraries that it needs.
            AudioFileError: The file cannot be read.
        """
        speaker, voice = self.host.speaker, voice or self.host.voice
        if isinstance(what, Path):
            return await self._say("", speaker.file(what), interruptible, f"[{what.name}]")
        if isinstance(what, AsyncIterable):
            return await self._say(None, speaker.stream(what, self.language, voice), interruptible)
        if isinstance(what, str):
            what = mended(what)
            what = SSML(what) if is_ssml(what) else what
        if isinstance(what, SSML):
            pieces = speaker.markup(what.document, self.language, voice)
            return await self._say(what.text, pieces, interruptible, "" if what.text else "[sound]")
        return await self._say(what, speaker.text(what, self.language, voice), interruptible)

    async def play(
        self, sound: str | Path | bytes | AsyncIterable[bytes | Piece], *, interruptible: Interruptible = True
    ) -> Playback:
        """Play a sound file, or mu-law at 8 kHz; otherwise as `say`.

        Args:
            sound: A file, bytes, or what is still being made: an asynchronous iterator of bytes, or of pieces that
                bring their text with them. It is closed when the caller cuts in.
            interruptible: As for `say`.
        """
        if isinstance(sound, AsyncIterable):
            return await self._say(None, self.host.speaker.live(sound), interruptible)
        if not isinstance(sound, bytes):
            return await self.say(Path(sound), interruptible=interruptible)
        return await self._say("", self.host.speaker.sound(sound), interruptible, "[sound]")

    async def marks(self) -> AsyncIterator[Mark]:
        """The `<mark>`s of what is said, each when the caller has heard it, from the first one of the call on."""
        async for mark in self._marks.read():
            yield mark

    def send(self, audio: bytes) -> None:
        """Send audio in the session's format as it is, at once: for bots that make their own, and for echoes.

        Raises:
            CallEnded: The call is over.
            LocalProtocolError: These are not whole samples, or the session carries no audio.
        """
        self._mouth.send(audio)

    async def _say(
        self, text: str | None, pieces: AsyncGenerator[Piece, None], interruptible: Interruptible, label: str = ""
    ) -> Playback:
        allowed = _allowed(interruptible)
        if "speech" in allowed and self.host.barge_in.listen:
            self._ears.attach_soon()
        return await self._mouth.say(text, pieces, allowed, label)

    def _on_mark(self, mark: Mark) -> None:
        self._marks.put(mark)

    def _stream_over(self, position: int | None) -> None:
        super()._stream_over(position)
        if self._has("_marks"):
            self._marks.end()


def _allowed(interruptible: Interruptible) -> frozenset[By]:
    if isinstance(interruptible, bool):
        return frozenset({"speech", "key"}) if interruptible else frozenset()
    if interruptible not in ("speech", "key"):
        raise UsageError(f"interruptible is True, False, 'speech' or 'key', not {interruptible!r}")
    return frozenset({interruptible})
