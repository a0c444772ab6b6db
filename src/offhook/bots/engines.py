"""The speech engines of a bot or monitor: named once, loaded once in the pool, shared by all its calls."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias, TypeVar

from ..errors import EngineMissing, OffhookError
from ..speech import alignment, registry
from ..speech import pool as pools
from ..speech.engines import Recogniser, Synthesiser, VoiceActivity
from ..speech.relay import EngineState
from ..speech.route import route
from ..speech.switching import LateRecogniser
from ..speech.writing import punctuated

logger = logging.getLogger("offhook.bots")
T = TypeVar("T")
Listens: TypeAlias = str | Recogniser
Speaks: TypeAlias = str | Synthesiser
Watcher: TypeAlias = Callable[[EngineState], None]


class Engines:
    """Engines by name or as objects. Loading blocks, so it is done in the pool, at most once for each.

    The first two, `recogniser` and `synthesiser`, are there from the beginning of a call on; each may be several by
    language. The further ones are loaded when a call first wants them.

    Args:
        vad: URI, or what makes a detector for one channel.
        recogniser: URI or engine; or several by language, `{"en": "moonshine", "*": "whisper"}`, see
            `offhook.speech.route`.
        synthesiser: As the recogniser.
        recognisers: Further ones, by the language that they take over ("es") or by a name that a turn can ask for
            ("digits").
        synthesisers: Further ones, by language.
        punctuation: Whether results have punctuation and capitals; None leaves it to the recognisers.
    """

    def __init__(
        self,
        vad: str | Callable[[], VoiceActivity] = "silero",
        recogniser: Listens | Mapping[str, Listens] = "moonshine",
        synthesiser: Speaks | Mapping[str, Speaks] = "hibari",
        *,
        recognisers: Mapping[str, Listens] | None = None,
        synthesisers: Mapping[str, Speaks] | None = None,
        punctuation: bool | None = None,
    ) -> None:
        self._vad = vad
        self._recogniser = recogniser
        self._synthesiser = synthesiser
        self._punctuation = punctuation
        self._recognisers = {name: self._late(engine) for name, engine in (recognisers or {}).items()}
        self._synthesisers = dict(synthesisers or {})
        self._by_uri: dict[str, Recogniser] = {}  # those that turns have asked for
        self._default: Recogniser | None = None  # the recogniser, once it is loaded
        self._watchers: list[Watcher] = []
        self._loop: asyncio.AbstractEventLoop | None = None  # where they are told
        self._loading: dict[str, asyncio.Future[Any]] = {}

    async def detector(self) -> VoiceActivity:
        """A new voice activity detector, for one channel of one call. Raises `EngineMissing` or `EngineError`."""
        vad = self._vad
        return await pools.shared().run(vad if callable(vad) else lambda: registry.vad(vad))

    async def recogniser(self) -> Recogniser:
        """The recogniser, once it is loaded. Raises `EngineMissing` or `EngineError`."""
        named = self._recogniser
        if isinstance(named, str | Mapping):
            self._default = await self._once("recogniser", self._load_recogniser)
        elif self._default is None:
            self._default = self._seen(punctuated(named, self._punctuation))
        return self._default

    def recogniser_of(self, language: str | None) -> Recogniser | None:
        """The recogniser that was set for a language, loaded when it is first used.

        Where none was set, the default one serves; None if that is not loaded.
        """
        fitting = (engine for tag, engine in self._recognisers.items() if language and _same(tag, language))
        engine = next(fitting, self._default)
        return None if engine is None else self._seen(engine)

    def recogniser_named(self, name: Listens) -> Recogniser:
        """A recogniser by its name among `recognisers`, by URI, or as it is; loaded when it is first used."""
        if not isinstance(name, str):
            return self._seen(name)
        if name not in self._recognisers and name not in self._by_uri:
            self._by_uri[name] = self._late(name)
        return self._seen(self._recognisers.get(name) or self._by_uri[name])

    async def synthesiser(self, language: str | None = None) -> Synthesiser:
        """The synthesiser for a language, once it is loaded. Raises `EngineMissing` or `EngineError`."""
        tag = next((tag for tag in self._synthesisers if language and _same(tag, language)), None)
        named = self._synthesiser if tag is None else self._synthesisers[tag]
        if isinstance(named, str | Mapping):
            return await self._once(f"synthesiser {tag or ''}", lambda: _load_synthesiser(named))
        return self._seen(named)

    def watch(self, watcher: Watcher) -> None:
        """Have a function called, on the event loop, when an engine of a fallback begins to rest or is back."""
        self._watchers.append(watcher)

    async def load(self, *, speaks: bool = True) -> None:
        """Load everything ahead of the first call. What cannot be loaded is left for the first call to report.

        Args:
            speaks: False for those who only listen: the synthesiser is left alone.
        """
        await asyncio.gather(*map(_try, (self.detector, self.recogniser, *((self._voice,) if speaks else ()))))

    async def _voice(self) -> None:
        await pools.shared().run(alignment.prepare, await self.synthesiser())

    def _load_recogniser(self) -> Recogniser:
        named = self._recogniser
        if not isinstance(named, Mapping):
            return self._load(named)
        return route({tag: self._load(each) for tag, each in named.items()})

    def _load(self, named: Listens) -> Recogniser:
        return punctuated(registry.recogniser(named) if isinstance(named, str) else named, self._punctuation)

    def _late(self, named: Listens) -> Recogniser:
        """An engine by URI, loaded by its first utterance; or as it is."""
        if isinstance(named, str):
            return LateRecogniser(named, lambda engine: punctuated(engine, self._punctuation))
        return punctuated(named, self._punctuation)

    def _seen(self, engine: T) -> T:
        """Be told of changes within an engine that can tell; asked twice, it tells once.

        It may be shared with others, and tells in any thread.
        """
        self._loop = asyncio.get_running_loop()
        watch: Callable[[Watcher], None] | None = getattr(engine, "watch", None)
        if watch is not None:
            watch(self._pass_on)
        return engine

    def _pass_on(self, state: EngineState) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell, state)

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
        return self._seen(engine)


def _load_synthesiser(named: str | Mapping[str, Speaks]) -> Synthesiser:
    if isinstance(named, str):
        return registry.synthesiser(named)
    return route({tag: registry.synthesiser(each) if isinstance(each, str) else each for tag, each in named.items()})


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
