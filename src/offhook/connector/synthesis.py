"""What a scripted caller says in words: text to mu-law by the default speech engine, loaded when first needed."""

from __future__ import annotations

from typing import Final

ENGINE: Final = "hibari"
"""The default synthesiser; any other is named in the same way, see `offhook.speech.registry`."""


async def synthesise(text: str, *, language: str | None = None, engine: str = ENGINE) -> bytes:
    """Speak a text as mu-law at 8 kHz.

    Raises:
        EngineMissing: The engine is not installed.
        EngineError: It failed, or does not know the language.
        UsageError: There is no such engine.
    """
    from ..speech import registry, speaking
    from ..speech.pool import shared

    synthesiser = await shared().run(registry.synthesiser, engine)
    return b"".join([chunk async for chunk in speaking.speak(synthesiser, text, language=language)])
