"""From text to mu-law: early, continuous, level."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.speech.doubles import Tones

from offhook.audio import ulaw
from offhook.errors import EngineError
from offhook.speech.cache import PromptCache
from offhook.speech.pool import Pool
from offhook.speech.speaking import LEVEL, Leveller, speak, telephone


async def said(engine: Tones, text: str, **arguments: object) -> bytes:
    return b"".join([chunk async for chunk in speak(engine, text, **arguments)])  # type: ignore[arg-type]


def tone(amplitude: float, seconds: float = 1.0) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * 500 * np.arange(int(8000 * seconds)) / 8000)).astype(np.float32)


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


def test_pauses_do_not_count_for_the_level() -> None:
    speech = np.concatenate([tone(0.05), np.zeros(16000, np.float32), tone(0.05)])
    out = Leveller(-20.0).push(speech)
    assert np.abs(out[:8000]).max() == pytest.approx(0.1, rel=0.03)


def test_silence_stays_silence() -> None:
    leveller = Leveller(-20.0)
    assert not leveller.push(np.zeros(800, np.float32)).any()
    assert len(leveller.push(np.zeros(0, np.float32))) == 0


def test_a_change_of_gain_makes_no_click() -> None:
    """The sound goes on at a peak while the gain changes; it gets softer later, where it crosses zero."""
    wave = np.cos(2 * np.pi * 500 * np.arange(16000) / 8000).astype(np.float32)
    wave[:8084] *= 0.1
    wave[8084:] *= 0.03
    leveller = Leveller(-20.0)
    out = np.concatenate([leveller.push(wave[:8000]), leveller.push(wave[8000:])])
    gains = out[[7984, 7999, 8000, 8016, 15984]] / wave[[7984, 7999, 8000, 8016, 15984]]
    assert gains[:3] == pytest.approx(gains[0], rel=0.001)
    assert gains[3] == pytest.approx(gains[0], rel=0.1)
    assert gains[4] > 1.3 * gains[0]


def test_peaks_are_rounded_and_do_not_exceed_full_scale() -> None:
    crackling = tone(0.05)
    crackling[::800] = 0.9
    out = Leveller(-14.0).push(crackling)
    assert 0.8 < np.abs(out).max() <= 1.0
    assert np.abs(out[1:799]).max() == pytest.approx(np.abs(out[801:1599]).max(), rel=0.01)


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
