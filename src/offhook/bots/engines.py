"""The speech engines of a bot or monitor: named once, loaded once in the pool, shared by all its calls."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias, TypeVar

from ..errors import EngineMissing, OffhookError
from ..speech import pool as pools
from ..speech import registry
from ..speech.engines import Recogniser, Synthesiser, VoiceActivity
from ..speech.relay import EngineState
from ..speech.route import route
from ..speech.writing import punctuated

logger = logging.getLogger("offhook.bots")
T = TypeVar("T")
Listens: TypeAlias = str | Recogniser
Speaks: TypeAlias = str | Synthesiser
Watcher: TypeAlias = Callable[[EngineState], None]


class Engines:
    """Engines by name or as objects. Loading blocks, so it is done in the pool, at most once for each.

    Args:
        vad: URI, or what makes a detector for one channel.
        recogniser: URI or engine; or several by language, `{"en": "moonshine", "*": "whisper"}`, see
            `offhook.speech.route`.
        synthesiser: As the recogniser.
        punctuation: Whether results have punctuation and capitals; None leaves it to the recogniser.
    """

    def __init__(
        self,
        vad: str | Callable[[], VoiceActivity] = "earshot",
        recogniser: Listens | Mapping[str, Listens] = "moonshine",
        synthesiser: Speaks | Mapping[str, Speaks] = "hibari",
        *,
        punctuation: bool | None = None,
    ) -> None:
        self._vad = vad
        self._recogniser = recogniser
        self._synthesiser = synthesiser
        self._punctuation = punctuation
        self._watchers: list[Watcher] = []
        self._watched: set[int] = set()
        self._loading: dict[str, asyncio.Future[Any]] = {}

    async def detector(self) -> VoiceActivity:
        """A new voice activity detector, for one channel of one call. Raises `EngineMissing` or `EngineError`."""
        vad = self._vad
        return await pools.shared().run(vad if callable(vad) else lambda: registry.vad(vad))

    async def recogniser(self) -> Recogniser:
        """The recogniser, once it is loaded. Raises `EngineMissing` or `EngineError`."""
        named = self._recogniser
        if isinstance(named, str | Mapping) or self._punctuation is not None:
            return await self._once("recogniser", self._load_recogniser)
        self._look_at(named)
        return named

    async def synthesiser(self) -> Synthesiser:
        """The synthesiser, once it is loaded. Raises `EngineMissing` or `EngineError`."""
        named = self._synthesiser
        if isinstance(named, str | Mapping):
            return await self._once("synthesiser", self._load_synthesiser)
        self._look_at(named)
        return named

    def watch(self, watcher: Watcher) -> None:
        """Have a function called, on the event loop, when an engine of a fallback begins to rest or is back."""
        self._watchers.append(watcher)

    async def load(self, *, speaks: bool = True) -> None:
        """Load everything ahead of the first call. What cannot be loaded is left for the first call to report.

        Args:
            speaks: False for those who only listen: the synthesiser is left alone.
        """
        await asyncio.gather(*map(_try, (self.detector, self.recogniser, *((self.synthesiser,) if speaks else ()))))

    def _load_recogniser(self) -> Recogniser:
        named = self._recogniser
        if isinstance(named, Mapping):
            engine: Recogniser = route({tag: _recogniser(each) for tag, each in named.items()})
        else:
            engine = _recogniser(named)
        return punctuated(engine, self._punctuation)

    def _load_synthesiser(self) -> Synthesiser:
        named = self._synthesiser
        if isinstance(named, Mapping):
            return route({tag: _synthesiser(each) for tag, each in named.items()})
        return _synthesiser(named)

    def _look_at(self, engine: object) -> None:
        """Be told of changes within an engine that can tell; it may be shared with others, and tells in any thread."""
        watch: Callable[[Watcher], None] | None = getattr(engine, "watch", None)
        if watch is None or id(engine) in self._watched:
            return
        self._watched.add(id(engine))
        loop = asyncio.get_running_loop()

        def pass_on(state: EngineState) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._tell, state)

        watch(pass_on)

    def _tell(self, state: EngineState) -> None:
        for watcher in tuple(self._watchers):
            watcher(state)

    async def _once(self, kind: str, load: Callable[[], T]) -> T:
        loading = self._loading.get(kind)
        if loading is None or loading.get_loop() is not asyncio.get_running_loop():
            loading = self._loading[kind] = pools.shared().submit(load)
        try:
            # Shielded: a caller who hangs up must not take the engine away from the others who wait for it.
            engine: T = await asyncio.shield(loading)
        except Exception:
            if self._loading.get(kind) is loading:
                del self._loading[kind]  # the next call tries again
            raise
        self._look_at(engine)
        return engine


def _recogniser(named: Listens) -> Recogniser:
    return registry.recogniser(named) if isinstance(named, str) else named


def _synthesiser(named: Speaks) -> Synthesiser:
    return registry.synthesiser(named) if isinstance(named, str) else named


async def _try(get: Callable[[], Awaitable[object]]) -> None:
    try:
        await get()
    except EngineMissing as error:
        logger.info("%s", error)
    except OffhookError as error:
        logger.warning("%s", error)
    except Exception:
        logger.exception("a speech engine cannot be loaded")
