"""Who speaks: the engine and voice for a name, a gender or a language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..errors import EngineError, EngineMissing, UsageError
from ..speech import pool as pools
from ..speech import registry
from ..speech.engines import Synthesiser, speaks
from ..speech.phrases import abilities
from ..speech.rendering import Actor
from ..speech.reports import report
from ..speech.ssml.steps import Voice
from .engines import Engines

#: Engines that speak on this machine, asked in this order for a language that the bot's own does not speak.
LOCAL: Final = ("pico", "espeak")


class Actors:
    """Finds them, and loads what is not loaded.

    Args:
        engines: Of the bot.
        named: Engines, or URIs of engines, by names of the bot's own and by languages (BCP 47 tags).
    """

    def __init__(self, engines: Engines, named: Mapping[str, str | Synthesiser] | None = None) -> None:
        self._engines = engines
        self._named = {name.lower(): engine for name, engine in (named or {}).items()}

    async def find(self, wanted: Voice, voice: str | None = None) -> Actor:
        """Who says something.

        Args:
            wanted: As the SSML has it. A name may be one of the bot's own, a voice of its engine, or an engine's URI.
            voice: Of the bot's engine, where nothing else is wanted.

        Raises:
            EngineMissing: The engine is not installed.
            EngineError: It cannot be loaded, or nobody speaks the language.
        """
        for name in wanted.names:
            found = await self._by_name(name, wanted.language)
            if found is not None:
                return found
        if wanted.names:
            report(f"<voice name={' '.join(wanted.names)!r}>", "is unknown here: the voice of the bot goes on")
        if not wanted.names and not wanted.gender and voice is not None:
            given = await self._by_name(voice, wanted.language)
            if given is not None and speaks(given.synthesiser.languages, wanted.language):
                return given
        actor = await self._by_language(wanted.language)
        if wanted.gender in ("male", "female"):
            return self._of_gender(actor, wanted.gender)
        if not wanted.names and actor.voice is None and actor.synthesiser is await self._engines.synthesiser():
            return Actor(actor.synthesiser, voice, actor.language)
        return actor

    async def _by_name(self, name: str, language: str | None) -> Actor | None:
        own = self._named.get(name.lower())
        if own is not None:
            return Actor(await self._load(own), None, language)
        main = await self._engines.synthesiser()
        if name in main.voices:
            return Actor(main, name, language)
        try:
            if registry.parse(name).engine in registry.names():
                return Actor(await self._load(name), None, language)
        except (EngineMissing, UsageError) as error:
            report(f"voice {name!r}", f"cannot be used: {error}")
        return None

    async def _by_language(self, language: str | None) -> Actor:
        main = await self._engines.synthesiser(language)
        if language is None:
            return Actor(main)
        own = self._named.get(language.lower()) or self._named.get(language.partition("-")[0].lower())
        if own is not None:
            return Actor(await self._load(own), None, language)
        if speaks(main.languages, language):
            return Actor(main, None, language)
        for name in LOCAL:
            if name not in registry.names():
                continue
            try:
                engine = await self._load(name)
            except EngineMissing:
                continue
            if speaks(engine.languages, language):
                return Actor(engine, None, language)
        raise EngineError(
            f"nothing here speaks {language}: pip install 'offhook[pico]' for de, es, fr and it, or name an engine: "
            f"Engines(synthesisers={{{language!r}: ...}})"
        )

    @staticmethod
    def _of_gender(actor: Actor, gender: str) -> Actor:
        genders = abilities(actor.synthesiser, language=actor.language).genders
        voice = next((name for name in actor.synthesiser.voices if genders.get(name) == gender), None)
        if voice is None:
            report(actor.synthesiser.name, f"has no voice that is told to be {gender}")
        return Actor(actor.synthesiser, voice, actor.language)

    @staticmethod
    async def _load(engine: str | Synthesiser) -> Synthesiser:
        if isinstance(engine, str):
            return await pools.shared().run(registry.synthesiser, engine)
        return engine
