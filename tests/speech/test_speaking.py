"""From text to mu-law: early, continuous, level."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.speech.doubles import Tones

from offhook.audio import ulaw
from offhook.errors import EngineError
from offhook.speech.cache import PromptCache
from offhook.speech.leveller import LEVEL
from offhook.speech.pool import Pool
from offhook.speech.speaking import speak, telephone


async def said(engine: Tones, text: str, **arguments: object) -> bytes:
    return b"".join([chunk async for chunk in speak(engine, text, **arguments)])  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 48000])
async def test_engines_of_any_rate_come_out_at_8_khz(rate: int) -> None:
    audio = await said(Tones(rate), "one two three")
    assert abs(len(audio) - 3 * 800) <= 1
    spectrum = np.abs(np.fft.rfft(ulaw.to_float(audio)))
    assert abs(int(spectrum.argmax()) * 8000 / len(audio) - 500) < 10


def test_the_first_chunk_comes_before_the_second_is_made() -> None:
    engine = Tones()
    chunks = telephone(engine, "one two three", voice=None, language=None)
    first = next(chunks)
    assert engine.made == ["one"]
    assert len(first) >= 800 - 24, "no more than 3 ms is held back"


async def test_pieces_join_without_a_seam() -> None:
    audio = ulaw.to_float(await said(Tones(), "one two three four"))
    assert np.abs(np.diff(audio)).max() < 1.2 * np.abs(np.diff(audio[:700])).max()


@pytest.mark.parametrize("amplitude", [0.03, 0.05, 0.5, 0.9])
async def test_the_voice_has_the_level_whatever_the_engine_gives(amplitude: float) -> None:
    audio = await said(Tones(amplitude=amplitude), "one two three four five")
    assert ulaw.level_dbfs(audio) == pytest.approx(LEVEL, abs=0.5)
    louder = await said(Tones(amplitude=amplitude), "one two three four five", level=-14.0)
    assert ulaw.level_dbfs(louder) == pytest.approx(-14, abs=0.5)


async def test_a_cached_prompt_is_not_made_again(tmp_path: Path) -> None:
    cache, engine = PromptCache(tmp_path), Tones()
    first = await said(engine, "one two", cache=cache)
    assert await said(engine, "one two", cache=cache) == first
    assert engine.made == ["one", "two"]
    for other in ({"voice": "tone"}, {"language": "en"}, {"level": -14.0}):
        await said(engine, "one two", cache=cache, **other)
    assert len(engine.made) == 8
    assert await said(Tones(name="tones-2", amplitude=0.0), "one two", cache=cache) != first


async def test_an_engine_that_fails_is_told_and_not_cached(tmp_path: Path) -> None:
    cache = PromptCache(tmp_path)
    with pytest.raises(EngineError, match="no power"):
        await said(Tones(error=EngineError("no power")), "one", cache=cache)
    assert await said(Tones(), "one", cache=cache)


async def test_an_interruption_stops_the_engine() -> None:
    pool, engine = Pool(1), Tones()
    stream = speak(engine, "w " * 1000, pool=pool)
    await anext(stream)
    await stream.aclose()
    for _ in range(5):
        await pool.run(int)
    assert len(engine.made) <= 4
    pool.close()
