"""What a bot's handler works with: the caller's turns, what the bot says, keys, and the end of the call."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from pathlib import Path

from ..audio import wav
from ..audio.ulaw import RATE
from ..errors import UsageError
from ..speech.sentences import sentences
from ..speech.speaking import speak
from .enquiring import Enquiring
from .hearing import Interruptible, Turn
from .saying import By, Piece, Playback

__all__ = ["Call", "Interruptible", "Turn"]


class Call(Enquiring):
    """One call of a bot. Leaving the handler ends the call well; a hang-up cancels the handler."""

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
        synthesiser = await self.host.engines.synthesiser(self.language)
        for begins in sentences(text):  # one by one, so that it is known which words a sample belongs to
            stream = speak(synthesiser, begins, voice=voice, language=self.language, cache=self.host.prompts)
            async with contextlib.aclosing(stream):
                async for audio in stream:
                    yield Piece(audio, begins)
                    begins = ""


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
