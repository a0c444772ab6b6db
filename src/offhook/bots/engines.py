"""The speech engines of a bot or monitor: named once, loaded once in the pool, shared by all its calls."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from ..errors import EngineMissing, OffhookError
from ..speech import pool as pools
from ..speech import registry
from ..speech.engines import Recogniser, Synthesiser, VoiceActivity
from ..speech.switching import LateRecogniser

logger = logging.getLogger("offhook.bots")
T = TypeVar("T")


class Engines:
    """Engines by name or as objects. Loading blocks, so it is done in the pool, at most once for each.

    Args:
        vad: URI, or what makes a detector for one channel.
        recogniser: URI or engine.
        synthesiser: URI or engine.
        recognisers: Further ones, by the language that they are for ("es") or by a name that a turn can ask for
            ("digits").
        synthesisers: Further ones, by language.
    """

    def __init__(
        self,
        vad: str | Callable[[], VoiceActivity] = "silero",
        recogniser: str | Recogniser = "moonshine",
        synthesiser: str | Synthesiser = "hibari",
        *,
        recognisers: Mapping[str, str | Recogniser] | None = None,
        synthesisers: Mapping[str, str | Synthesiser] | None = None,
    ) -> None:
        self._recognisers = {name: as_recogniser(engine) for name, engine in (recognisers or {}).items()}
        self._synthesisers = dict(synthesisers or {})
        self._vad = vad
        self._recogniser = recogniser
        self._synthesiser = synthesiser
        self._loaded: dict[str, Recogniser] = {}
        self._loading: dict[str, asyncio.Future[Any]] = {}

    async def detector(self) -> VoiceActivity:
        """A new voice activity detector, for one channel of one call. Raises `EngineMissing` or `EngineError`."""
        vad = self._vad
        return await pools.shared().run(vad if callable(vad) else lambda: registry.vad(vad))

    async def recogniser(self) -> Recogniser:
        """The recogniser, once it is loaded. Raises `EngineMissing` or `EngineError`."""
        named = self._recogniser
        if not isinstance(named, str):
            return named
        engine = self._loaded["recogniser"] = await self._once("recogniser", lambda: registry.recogniser(named))
        return engine

    def recogniser_of(self, language: str | None) -> Recogniser | None:
        """The recogniser that was set for a language, loaded when it is first used.

        None if none was set: the default one serves.
        """
        default = self._loaded.get("recogniser") if isinstance(self._recogniser, str) else self._recogniser
        return next((engine for tag, engine in self._recognisers.items() if language and _same(tag, language)), default)

    def recogniser_named(self, name: str | Recogniser) -> Recogniser:
        """A recogniser by its name among `recognisers`, by URI, or as it is; loaded when it is first used."""
        if isinstance(name, str) and name in self._recognisers:
            return self._recognisers[name]
        return as_recogniser(name)

    async def synthesiser(self, language: str | None = None) -> Synthesiser:
        """The synthesiser for a language, once it is loaded. Raises `EngineMissing` or `EngineError`."""
        fitting = (tag for tag in self._synthesisers if language and _same(tag, language))
        tag = next(fitting, None)
        named = self._synthesiser if tag is None else self._synthesisers[tag]
        if not isinstance(named, str):
            return named
        return await self._once(f"synthesiser {tag or ''}", lambda: registry.synthesiser(named))

    async def load(self, *, speaks: bool = True) -> None:
        """Load everything ahead of the first call. What cannot be loaded is left for the first call to report.

        Args:
            speaks: False for those who only listen: the synthesiser is left alone.
        """
        await asyncio.gather(*map(_try, (self.detector, self.recogniser, *((self.synthesiser,) if speaks else ()))))

    async def _once(self, kind: str, load: Callable[[], T]) -> T:
        loading = self._loading.get(kind)
        if loading is None or loading.get_loop() is not asyncio.get_running_loop():
            loading = self._loading[kind] = pools.shared().submit(load)
        try:
            # Shielded: a caller who hangs up must not take the engine away from the others who wait for it.
            return await asyncio.shield(loading)
        except Exception:
            if self._loading.get(kind) is loading:
                del self._loading[kind]  # the next call tries again
            raise


def as_recogniser(engine: str | Recogniser) -> Recogniser:
    """An engine by URI, loaded in the pool when it is first used; or as it is."""
    return LateRecogniser(engine) if isinstance(engine, str) else engine


def _same(tag: str, language: str) -> bool:
    """Whether a tag is for a language: "es" is for "es-MX", "es-ES" is not."""
    tag, language = tag.lower().replace("_", "-"), language.lower().replace("_", "-")
    return language == tag or language.startswith(f"{tag}-")


async def _try(get: Callable[[], Awaitable[object]]) -> None:
    try:
        await get()
    except EngineMissing as error:
        logger.info("%s", error)
    except OffhookError as error:
        logger.warning("%s", error)
    except Exception:
        logger.exception("a speech engine cannot be loaded")
