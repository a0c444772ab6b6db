"""Sounds of a flow: where they come from, and how one is played to its end or to the first key."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from ..audio import ulaw, wav
from ..errors import AudioFileError
from .line import Line
from .sounds import load

#: Seconds that a sound may take longer than it is: a line that stops would keep its flow waiting.
_MARGIN: Final = 10.0


async def sound_of(sound: wav.StrPath | bytes) -> bytes:
    """Mu-law of a WAV file, or itself. Raises `AudioFileError`."""
    return sound if isinstance(sound, bytes) else await asyncio.to_thread(load, sound)


async def sound_or(sound: wav.StrPath | bytes | None, other: bytes, tell: Callable[[str], object]) -> bytes:
    """The same with another one for None, and for a file that cannot be read: that is told, and the caller served."""
    try:
        return other if sound is None else await sound_of(sound)
    except AudioFileError as error:
        tell(str(error))
        return other


async def hear(line: Line, audio: bytes, *, until: Callable[[], Awaitable[None]] | None = None) -> bool:
    """Let the caller hear a sound; returns at its end, or when `until` does. False if it was cut short."""
    prompt = line.prompt(audio)
    waiting: list[asyncio.Future[Any]] = [prompt.done]
    stop = None if until is None else asyncio.ensure_future(until())
    if stop is not None:
        waiting.append(stop)
    try:
        await asyncio.wait(waiting, timeout=len(audio) / ulaw.RATE + _MARGIN, return_when=asyncio.FIRST_COMPLETED)
        return prompt.done.done() and bool(prompt.done.result())
    finally:
        line.end_prompt(prompt)
        if stop is not None:
            stop.cancel()
            await asyncio.wait((stop,))
