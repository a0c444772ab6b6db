"""The speech engines of a bot or monitor: named once, loaded once in the pool, shared by all its calls."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from ..errors import EngineMissing, OffhookError
from ..speech import pool as pools
from ..speech import registry
from ..speech.engines import Recogniser, Synthesiser, VoiceActivity

logger = logging.getLogger("offhook.bots")
T = TypeVar("T")


class Engines:
    """Engines by name or as objects. Loading blocks, so it is done in the pool, at most once for each.

    Args:
        vad: URI, or what makes a detector for one channel.
        recogniser: URI or engine.
        synthesiser: URI or engine.
    """

    def __init__(
        self,
        vad: str | Callable[[], VoiceActivity] = "silero",
        recogniser: str | Recogniser = "moonshine",
        synthesiser: str | Synthesiser = "hibari",
    ) -> None:
        self._vad = vad
        self._recogniser = recogniser
        self._synthesiser = synthesiser
        self._loading: dict[str, asyncio.Future[Any]] = {}

    async def detector(self) -> VoiceActivity:
        """A new voice activity detector, for one channel of one call. Raises `EngineMissing` or `EngineError`."""
        vad = self._vad
        return await pools.shared().run(vad if callable(vad) else lambda: registry.vad(vad))

    async def recogniser(self) -> Recogniser:
        """The recogniser, once it is loaded. Raises `EngineMissing` or `EngineError`."""
        named = self._recogniser
        return await self._once("recogniser", lambda: registry.recogniser(named)) if isinstance(named, str) else named

    async def synthesiser(self) -> Synthesiser:
        """The synthesiser, once it is loaded. Raises `EngineMissing` or `EngineError`."""
        named = self._synthesiser
        return await self._once("synthesiser", lambda: registry.synthesiser(named)) if isinstance(named, str) else named

    async def load(self) -> None:
        """Load everything ahead of the first call. What cannot be loaded is left for the first call to report."""
        await asyncio.gather(*map(_try, (self.detector, self.recogniser, self.synthesiser)))

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


async def _try(get: Callable[[], Awaitable[object]]) -> None:
    try:
        await get()
    except EngineMissing as error:
        logger.info("%s", error)
    except OffhookError as error:
        logger.warning("%s", error)
    except Exception:
        logger.exception("a speech engine cannot be loaded")
