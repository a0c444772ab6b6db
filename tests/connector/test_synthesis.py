"""Words of a scripted caller."""

from __future__ import annotations

import numpy as np
import pytest

from offhook.connector.synthesis import synthesise
from offhook.errors import UsageError
from offhook.speech import registry


class Beep:
    """A synthesiser that says each word as 100 ms of tone."""

    rate = 16_000
    languages = ("en",)
    voices = ("beep",)
    name = "beep"

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []

    def synthesise(self, text, *, voice=None, language=None):
        self.asked.append((text, language))
        for _ in text.split():
            yield (0.3 * np.sin(np.arange(1_600) * 0.3)).astype(np.float32)


async def test_a_text_becomes_mu_law(monkeypatch):
    beep = Beep()
    monkeypatch.setattr(registry, "synthesiser", lambda uri: beep)
    audio = await synthesise("one two three", language="en-US")
    assert beep.asked == [("one two three", "en-US")]
    assert len(audio) == 2_400
    assert audio.strip(b"\xff")


async def test_an_engine_that_does_not_exist():
    with pytest.raises(UsageError, match="nonesuch"):
        await synthesise("hello", engine="nonesuch")
