"""From what a bot says - text, SSML, files, text that is still being written - to pieces of audio, made ahead."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from functools import partial
from pathlib import Path

from ..audio import sounds as files
from ..audio import ulaw
from ..audio.ulaw import RATE
from ..speech import pool as pools
from ..speech.cache import PromptCache
from ..speech.rendering import Actor, Piece, render
from ..speech.reports import report
from ..speech.sentences import SentenceStream, mended
from ..speech.ssml import Document
from ..speech.ssml.document import Mark
from ..speech.ssml.plan import SENTENCE_GAP, plain, plan
from ..speech.ssml.sounds import Sounds
from ..speech.ssml.steps import Pause, Sound, Speech, Step, Voice, text_of
from .actors import Actors

#: Pieces that are made before they are asked for.
_AHEAD = 3


class Speaker:
    """Speaks for one bot.

    Args:
        actors: Who can speak.
        cache: Keeps what was synthesised, if set.
        sounds: The files that `<audio>` may play.
    """

    def __init__(self, actors: Actors, cache: PromptCache | None = None, sounds: Sounds | None = None) -> None:
        self._actors = actors
        self._cache = cache
        self._sounds = sounds or Sounds()

    async def text(self, text: str, language: str | None, voice: str | None) -> AsyncGenerator[Piece, None]:
        """Plain text."""
        steps = await pools.shared().run(plain, text, language)
        async with contextlib.aclosing(self._steps(steps, voice)) as pieces:
            async for piece in pieces:
                yield piece

    async def markup(self, document: Document, language: str | None, voice: str | None) -> AsyncGenerator[Piece, None]:
        """SSML. Whatever is wrong with its sounds and voices is raised before the first piece."""
        steps, undone = await pools.shared().run(partial(plan, document, self._sounds.load, language=language))
        for what in undone:
            report("SSML:", f"{what} is left out: nothing here does it")
        yield Piece(b"", script=text_of(steps))
        async with contextlib.aclosing(self._steps(steps, voice)) as pieces:
            async for piece in pieces:
                yield piece

    async def stream(
        self, source: AsyncIterable[str], language: str | None, voice: str | None
    ) -> AsyncGenerator[Piece, None]:
        """Text as it comes, a sentence at a time; the source is closed when nobody wants more of it."""
        sentences: asyncio.Queue[str | None] = asyncio.Queue()
        reader = asyncio.create_task(_read(source, SentenceStream(language), sentences))
        begun = False
        try:
            while (sentence := await sentences.get()) is not None:
                steps = plain(sentence, language)
                if begun and steps:
                    yield Piece(ulaw.silence(round(SENTENCE_GAP * RATE)))
                begun = begun or bool(steps)
                last = sentence[len(sentence.rstrip()) :]
                async with contextlib.aclosing(self._steps(_spaced(steps, last), voice)) as pieces:
                    async for piece in pieces:
                        yield piece
            await reader
        finally:
            reader.cancel()
            await asyncio.wait((reader,))

    async def file(self, path: Path) -> AsyncGenerator[Piece, None]:
        """A sound file of any kind."""
        for piece in _of_a_second(await pools.shared().run(files.read, path)):
            yield piece

    @staticmethod
    async def sound(audio: bytes) -> AsyncGenerator[Piece, None]:
        """mu-law at 8 kHz, in pieces of a second, so that a long one does not go through the queue at once."""
        for piece in _of_a_second(audio):
            yield piece

    @staticmethod
    async def live(source: AsyncIterable[bytes | Piece]) -> AsyncGenerator[Piece, None]:
        """mu-law as somebody else makes it; the source is closed when nobody wants more of it."""
        try:
            async for sound in source:
                yield sound if isinstance(sound, Piece) else Piece(sound)
        finally:
            close = getattr(source, "aclose", None)
            if close is not None:
                await close()

    async def _steps(self, steps: list[Step], voice: str | None) -> AsyncGenerator[Piece, None]:
        actors: dict[Voice, Actor] = {}
        for step in steps:
            if isinstance(step, Speech) and step.voice not in actors:
                actors[step.voice] = await self._actors.find(step.voice, voice)
        stream = pools.shared().stream(partial(_perform, steps, actors, self._cache), _AHEAD)
        async with contextlib.aclosing(stream):
            async for piece in stream:
                yield piece


def _perform(steps: list[Step], actors: dict[Voice, Actor], cache: PromptCache | None) -> Iterator[Piece]:
    for step in steps:
        match step:
            case Speech():
                yield from render(step, actors[step.voice], cache=cache)
            case Pause(seconds):
                yield from _of_a_second(ulaw.silence(round(seconds * RATE)))
            case Sound(audio):
                yield from _of_a_second(audio)
            case Mark(name):
                yield Piece(b"", mark=name)


def _of_a_second(audio: bytes) -> Iterator[Piece]:
    for at in range(0, len(audio), RATE):
        yield Piece(audio[at : at + RATE])


def _spaced(steps: list[Step], space: str) -> list[Step]:
    """The steps of a sentence, whose text keeps the white space behind it."""
    for at in range(len(steps) - 1, -1, -1):
        step = steps[at]
        if isinstance(step, Speech) and space and not step.text.endswith(" "):
            return [*steps[:at], step.followed_by(" "), *steps[at + 1 :]]
    return steps


async def _read(source: AsyncIterable[str], cutter: SentenceStream, sentences: asyncio.Queue[str | None]) -> None:
    try:
        async for text in source:
            for sentence in cutter.push(mended(text)):
                sentences.put_nowait(sentence)
        for sentence in cutter.end():
            sentences.put_nowait(sentence)
    finally:
        sentences.put_nowait(None)
        close = getattr(source, "aclose", None)
        if close is not None:
            await close()
