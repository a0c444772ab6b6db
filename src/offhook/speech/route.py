"""Engines by language: `route?en=moonshine&*=whisper`, or `route({"en": ..., "*": ...})`.

A key is a BCP 47 tag; the most exact one is taken, then that of the language alone, then `*`. Knows languages only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic, TypeVar, overload

import numpy as np

from ..audio.resample import Resampler, resample
from ..errors import EngineError, UsageError
from . import pool as pools
from . import registry
from .engines import Float32, Recogniser, Synthesiser, Transcription, speaks
from .phrases import Abilities, Phrase, Spoken, abilities, express
from .registry import Options
from .relay import Watcher

E = TypeVar("E")
ANY = "*"
_RATE = 16000

#: It is made of other engines.
LOCAL = False


class _Table(Generic[E]):
    """Finds the engine for a language; `others` are the languages of the one for all others."""

    def __init__(self, engines: Mapping[str, E], others: Sequence[str]) -> None:
        if not engines:
            raise UsageError("a route needs at least one language: route?en=moonshine&*=whisper")
        self.engines: dict[str, E] = {tag.replace("_", "-").lower(): engine for tag, engine in engines.items()}
        self.default = next(iter(engines))
        own = [tag for tag in engines if tag != ANY]
        rest = others if ANY in self.engines else ()
        self.languages = tuple(dict.fromkeys([*own, *(tag for tag in rest if not speaks(tuple(own), tag))]))

    def watch(self, watcher: Watcher) -> None:
        for engine in self.engines.values():
            watch: Callable[[Watcher], None] | None = getattr(engine, "watch", None)
            if watch is not None:
                watch(watcher)

    def of(self, language: str | None) -> E:
        tag = (language or self.default).replace("_", "-").lower()
        for key in (tag, tag.partition("-")[0], ANY):
            if key in self.engines:
                return self.engines[key]
        raise EngineError(f"no engine is set for {language}: the languages are {', '.join(self.languages)}")


class RouteRecogniser:
    """Recognisers by language; the first one serves where no language is given."""

    rate = _RATE
    waits = True  # it waits for one of its engines, which runs in a pool of its own

    def __init__(self, engines: Mapping[str, Recogniser]) -> None:
        self._table = _Table(engines, engines[ANY].languages if ANY in engines else ())
        self.languages = self._table.languages

    def watch(self, watcher: Watcher) -> None:
        """Of those that are made of others, see `offhook.speech.relay.Relay.watch`."""
        self._table.watch(watcher)

    def transcribe(self, pcm: Float32, language: str | None) -> Transcription:
        engine = self._table.of(language)
        sound = resample(pcm, _RATE, engine.rate)
        return pools.of(engine).hand_in(engine.transcribe, sound, language).result()


class RouteSynthesiser:
    """Synthesisers by language; the first one serves where no language is given, or where a voice is its own."""

    waits = True

    def __init__(self, engines: Mapping[str, Synthesiser]) -> None:
        self._table = _Table(engines, engines[ANY].languages if ANY in engines else ())
        every = list(self._table.engines.values())
        self.rate = every[0].rate
        self.languages = self._table.languages
        self.voices = tuple(dict.fromkeys(voice for engine in every for voice in engine.voices))
        self.name = "route " + ", ".join(f"{tag}={engine.name}" for tag, engine in self._table.engines.items())

    def watch(self, watcher: Watcher) -> None:
        """As of recognisers."""
        self._table.watch(watcher)

    def synthesise(self, text: str, *, voice: str | None = None, language: str | None = None) -> Iterator[Float32]:
        engine = self._of(voice, language)
        pieces = (Spoken(pcm) for pcm in engine.synthesise(text, voice=voice, language=language))
        return (spoken.pcm for spoken in self._speak(engine, pieces) if len(spoken.pcm))

    def abilities_for(self, voice: str | None, language: str | None) -> Abilities:
        """Those of the engine that speaks it, and the genders of all whose voices can be asked for."""
        try:
            can = abilities(self._of(voice, language), voice=voice, language=language)
        except EngineError:  # which whoever has it speak is told
            return Abilities()
        if language is not None:
            return can
        genders = [abilities(engine).genders for engine in self._table.engines.values()]
        return replace(can, genders={name: gender for known in reversed(genders) for name, gender in known.items()})

    def express(self, phrase: Phrase, *, voice: str | None = None, language: str | None = None) -> Iterator[Spoken]:
        """See `offhook.speech.phrases.Expressive`."""
        engine = self._of(voice, language)
        return self._speak(engine, express(engine, phrase, voice=voice, language=language))

    def _of(self, voice: str | None, language: str | None) -> Synthesiser:
        engine = self._table.of(language)
        if voice is not None and voice not in engine.voices:
            if language is not None or voice not in self.voices:
                raise EngineError(f"there is no voice {voice!r} for {language or 'any language'}")
            engine = next(other for other in self._table.engines.values() if voice in other.voices)
        return engine

    def _speak(self, engine: Synthesiser, pieces: Iterator[Spoken]) -> Iterator[Spoken]:
        resampler = Resampler(engine.rate, self.rate)
        scale = self.rate / engine.rate
        pool = pools.of(engine)
        while (piece := pool.hand_in(next, pieces, None).result()) is not None:
            yield Spoken(resampler.push(piece.pcm), tuple((count, round(at * scale)) for count, at in piece.times))
        yield Spoken(resampler.push(np.zeros(0, np.float32), last=True))


@overload
def route(engines: Mapping[str, Recogniser]) -> RouteRecogniser: ...
@overload
def route(engines: Mapping[str, Synthesiser]) -> RouteSynthesiser: ...
def route(engines: Mapping[str, Any]) -> RouteRecogniser | RouteSynthesiser:
    """One engine out of several by language: `route({"en": moonshine, "*": whisper})`.

    Raises:
        UsageError: There are none, or of two kinds.
    """
    if all(hasattr(engine, "transcribe") for engine in engines.values()):
        return RouteRecogniser(engines)
    if all(hasattr(engine, "synthesise") for engine in engines.values()):
        return RouteSynthesiser(engines)
    raise UsageError("a route is made of recognisers or of synthesisers, not of both")


def recogniser(options: Options) -> Recogniser:
    """`route?TAG=URI[&TAG=URI...][&*=URI]`; write `&` within a URI as `%26`."""
    return RouteRecogniser(_load(options, registry.recogniser))


def synthesiser(options: Options) -> Synthesiser:
    """As `recogniser`."""
    return RouteSynthesiser(_load(options, registry.synthesiser))


def _load(options: Options, load: Callable[[str], E]) -> dict[str, E]:
    return {tag: load(options.text(tag, "")) for tag in options.given}
