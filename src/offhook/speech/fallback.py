"""Engines that stand in for each other: one that fails, is slow or rests is followed by the next.

`fallback?1=deepgram&2=moonshine&timeout=3` or `fallback(first, second)`; a `hedge` starts the next one already while
the first one is merely slow, and takes what comes first. Nothing that was said is lost: the next
recogniser gets the same utterance, the next synthesiser goes on with the words that were not spoken yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import TimeoutError as Late
from dataclasses import replace
from functools import partial
from typing import Any, overload

import numpy as np

from ..audio.resample import Resampler, resample
from ..errors import EngineError, UsageError
from . import pool as pools
from . import registry
from .adapting import adapted
from .breaker import Breaker
from .engines import Float32, Recogniser, RecogniserStream, Synthesiser, Transcription, speaks, streams
from .halfway import Pace
from .phrases import Abilities, Part, Phrase, Spoken, abilities
from .progress import Progress
from .registry import Options
from .relay import TIMEOUT, Member, Relay, Watcher
from .sentences import sentences
from .ssml.steps import is_sayable

_RATE = 16000

#: It is made of other engines.
LOCAL = False


class FallbackRecogniser:
    """Recognisers in order of preference, see `Relay`.

    It has the languages of all; for each, only those are asked that know it.
    """

    rate = _RATE
    waits = True

    def __init__(self, relay: Relay[Recogniser]) -> None:
        self._relay = relay
        self.languages = _all_of(member.loaded.languages for member in relay.members if member.loaded is not None)

    def watch(self, watcher: Watcher) -> None:
        """See `Relay.watch`."""
        self._relay.watch(watcher)

    @property
    def streams(self) -> bool:
        """Whether the first one listens while somebody speaks; the others get what it did not understand whole."""
        return streams(self._relay.first())

    def stream(self, language: str | None, on_interim: Callable[[Transcription], None]) -> RecogniserStream:
        """See `offhook.speech.engines.StreamingRecogniser`."""
        members = self._relay.order(lambda engine: speaks(engine.languages, language))
        return _Stream(self._relay, members, language, on_interim)

    def transcribe(self, pcm: Float32, language: str | None) -> Transcription:
        members = self._relay.order(lambda engine: speaks(engine.languages, language))
        if not members:
            raise EngineError(f"none of these recognisers understands {language}")

        def work(engine: Recogniser) -> Transcription:
            return engine.transcribe(resample(pcm, _RATE, engine.rate), language)

        return self._relay.race(members, work)[1]


class _Stream:
    """An utterance on its way to the first recogniser, kept for the others."""

    def __init__(
        self,
        relay: Relay[Recogniser],
        members: Sequence[Member[Recogniser]],
        language: str | None,
        on_interim: Callable[[Transcription], None],
    ) -> None:
        self._relay = relay
        self._members = list(members)
        self._language = language
        self._kept: list[Float32] = []
        self._resampler: Resampler | None = None
        self._engine = members[0].loaded if members else None
        self._stream = self._engine.stream(language, on_interim) if streams(self._engine) else None

    def feed(self, pcm: Float32) -> None:
        self._kept.append(pcm)
        if self._stream is not None and self._engine is not None:
            if self._resampler is None:
                self._resampler = Resampler(_RATE, self._engine.rate)
            self._stream.feed(self._resampler.push(pcm))

    def result(self) -> Transcription:
        kept = np.concatenate(self._kept) if self._kept else np.zeros(0, np.float32)

        def work(engine: Recogniser) -> Transcription:
            if engine is self._engine and self._stream is not None:
                return self._stream.result()
            return engine.transcribe(resample(kept, _RATE, engine.rate), self._language)

        return self._relay.race(self._members, work)[1]

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()


class FallbackSynthesiser:
    """Synthesisers in order of preference, see `Relay`.

    If one fails in mid-sentence, what it has said of a word is taken back to the gap before that word, and the next one
    goes on with it, in its own voice. How far it had got is told by an engine with `timing`, and otherwise reckoned by
    its pace, in letters a second, so that the seam may lie a word off where an engine speaks unevenly. A voice is given
    to the engines that have it. Each does what it can of a manner by itself; what it cannot is made up for, also where
    it stands in for one that can.
    """

    waits = True

    def __init__(self, relay: Relay[Synthesiser]) -> None:
        self._relay = relay
        loaded = [member.loaded for member in relay.members if member.loaded is not None]
        self.rate = relay.first().rate
        self.languages = _all_of(engine.languages for engine in loaded)
        self.voices = _all_of(engine.voices for engine in loaded)
        self.name = "fallback " + ", ".join(engine.name for engine in loaded)
        self._paces = {member.name: Pace() for member in relay.members}

    def watch(self, watcher: Watcher) -> None:
        """See `Relay.watch`."""
        self._relay.watch(watcher)

    def synthesise(self, text: str, *, voice: str | None = None, language: str | None = None) -> Iterator[Float32]:
        if voice is not None and voice not in self.voices:
            raise EngineError(f"none of these synthesisers has a voice {voice!r}")
        if not speaks(self.languages, language):
            raise EngineError(f"none of these synthesisers speaks {language}")
        for sentence in sentences(text):
            for spoken in self._say(Phrase((Part(sentence),)), voice, language, timed=False):
                yield spoken.pcm

    def abilities_for(self, voice: str | None, language: str | None) -> Abilities:
        """Those of the engine that will most likely speak, and the genders of all voices."""
        engine = self._relay.likely(lambda engine: speaks(engine.languages, language))
        if engine is None:
            return Abilities()
        loaded = [member.loaded for member in self._relay.members if member.loaded is not None]
        genders = [abilities(engine).genders for engine in loaded]
        every = {name: gender for known in reversed(genders) for name, gender in known.items()}
        return replace(abilities(engine, voice=_known(voice, engine), language=language), genders=every)

    def express(self, phrase: Phrase, *, voice: str | None = None, language: str | None = None) -> Iterator[Spoken]:
        """See `offhook.speech.phrases.Expressive`."""
        if voice is not None and voice not in self.voices:
            raise EngineError(f"none of these synthesisers has a voice {voice!r}")
        timed = len(phrase.parts) > 1 or self.abilities_for(voice, language).timing
        return self._say(phrase, voice, language, timed=timed)

    def _say(self, phrase: Phrase, voice: str | None, language: str | None, *, timed: bool) -> Iterator[Spoken]:
        """Says a phrase; if `timed`, the ends of what an engine without timing has said are told at least."""
        said = Progress(self.rate, phrase)
        members = self._relay.order(lambda engine: speaks(engine.languages, language))
        while True:
            member, begun = self._relay.race(members, partial(_begin, said.phrase, voice, language))
            # Those before the winner have failed, or were too slow for this sentence.
            members = members[members.index(member) + 1 :]
            said.begin(self.rate / begun.engine.rate)
            try:
                for piece in self._pieces(member, begun):
                    yield from said.push(piece)
            except EngineError as error:
                reason = self._relay.failed(member, error)
                yield from said.cut(self._paces[member.name], timed=timed)
                if not said.phrase.text.strip():
                    return
                if not members:
                    raise EngineError(f"no speech engine could go on: {reason}") from error
                continue
            finally:
                begun.close()
            yield from said.rest(timed=timed)
            self._paces[member.name].learn(said.phrase.text, said.voiced)
            return

    def _pieces(self, member: Member[Synthesiser], begun: _Begun) -> Iterator[Spoken]:
        """All pieces at our rate; each further one must come in time."""
        resampler = Resampler(begun.engine.rate, self.rate)
        piece = begun.first
        while piece is not None:
            yield Spoken(resampler.push(piece.pcm), piece.times)
            coming = pools.of(begun.engine).hand_in(begun.next)
            try:
                piece = coming.result(self._relay.timeout)
            except Late:
                coming.add_done_callback(lambda _: begun.close())
                raise EngineError(f"no sound within {self._relay.timeout:g} s") from None
            except EngineError:
                raise
            except Exception as error:
                raise EngineError(type(error).__name__) from error
        yield Spoken(resampler.push(np.zeros(0, np.float32), last=True))


class _Begun:
    """A synthesis that has given its first piece."""

    def __init__(self, engine: Synthesiser, pieces: Iterator[Spoken], text: str) -> None:
        self.engine = engine
        self._pieces = pieces
        self.first = self.next()
        if self.first is None and is_sayable(text):
            raise EngineError("it makes no sound")

    def next(self) -> Spoken | None:
        for piece in self._pieces:
            if len(piece.pcm) or piece.times:
                return piece
        return None

    def close(self) -> None:
        close = getattr(self._pieces, "close", None)
        if close is not None:
            try:
                close()
            except ValueError:
                pass  # it is at work in a thread that we no longer wait for


def _begin(phrase: Phrase, voice: str | None, language: str | None, engine: Synthesiser) -> _Begun:
    pieces = adapted(engine, phrase, voice=_known(voice, engine), language=language)
    return _Begun(engine, pieces, phrase.text)


def _known(voice: str | None, engine: Synthesiser) -> str | None:
    return voice if voice in engine.voices else None


@overload
def fallback(
    *engines: Recogniser, timeout: float = ..., after: float | None = ..., failures: int = ..., rest: float = ...
) -> FallbackRecogniser: ...
@overload
def fallback(
    *engines: Synthesiser, timeout: float = ..., after: float | None = ..., failures: int = ..., rest: float = ...
) -> FallbackSynthesiser: ...
def fallback(
    *engines: Any, timeout: float = TIMEOUT, after: float | None = None, failures: int = 2, rest: float = 30.0
) -> FallbackRecogniser | FallbackSynthesiser:
    """Recognisers, or synthesisers, that stand in for each other.

    Args:
        engines: In order of preference.
        timeout: Seconds after which an engine is given up for this utterance.
        after: Seconds after which the next one is started beside it (hedging); None: not before it has failed.
        failures: So many in a row make an engine rest.
        rest: Seconds that it rests before it is tried again; longer each time that this fails.

    Raises:
        UsageError: There are fewer than two, or of two kinds.
    """
    members: list[Member[Any]] = [
        Member(_name(engine, index), partial(_same, engine), Breaker(failures, rest))
        for index, engine in enumerate(engines, 1)
    ]
    if all(hasattr(engine, "transcribe") for engine in engines):
        return FallbackRecogniser(Relay(members, timeout=timeout, after=after))
    if all(hasattr(engine, "synthesise") for engine in engines):
        return FallbackSynthesiser(Relay(members, timeout=timeout, after=after))
    raise UsageError("a fallback is made of recognisers or of synthesisers, not of both")


def recogniser(options: Options) -> Recogniser:
    """`fallback?1=URI&2=URI[&...][&timeout=6][&failures=2][&rest=30]`; write `&` within a URI as `%26`."""
    return FallbackRecogniser(relay(options, registry.recogniser))


def synthesiser(options: Options) -> Synthesiser:
    """As `recogniser`."""
    return FallbackSynthesiser(relay(options, registry.synthesiser))


def relay(options: Options, load: Callable[[str], Any], after: float | None = None) -> Relay[Any]:
    """The engines of a URI. Raises what `Relay` raises."""
    uris: list[str] = []
    while uri := options.text(str(len(uris) + 1), ""):
        uris.append(uri)
    timeout = options.number("timeout", TIMEOUT, 0.05, 60)
    failures, rest = int(options.number("failures", 2, 1, 100)), options.number("rest", 30, 0.1, 3600)
    members: list[Member[Any]] = [Member(uri, partial(load, uri), Breaker(failures, rest)) for uri in uris]
    return Relay(members, timeout=timeout, after=after)


def _same(engine: Any) -> Any:
    return engine


def _name(engine: object, index: int) -> str:
    return str(getattr(engine, "name", None) or f"{type(engine).__name__} ({index})")


def _all_of(groups: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for group in groups for name in group))
