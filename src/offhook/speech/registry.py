"""Speech engines by name: `moonshine`, `moonshine:tiny-en`, `hibari?voice=heart&speed=0.9`.

A name is one of the built-in adapters or an entry point of group `offhook.speech`. It stands for a module (or any
object) with one or more of the functions `vad`, `recogniser` and `synthesiser`; each takes an `Options` and returns an
engine. Recognisers and synthesisers are loaded once per process for each distinct URI and shared; a voice activity
detector belongs to one stream and is made anew each time. It knows no particular engine.
"""

from __future__ import annotations

import importlib
import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal, cast
from urllib.parse import parse_qsl

from ..errors import EngineError, OffhookError, UsageError
from .engines import Recogniser, Synthesiser, VoiceActivity

Kind = Literal["vad", "recogniser", "synthesiser"]
KINDS: tuple[Kind, ...] = ("vad", "recogniser", "synthesiser")
GROUP = "offhook.speech"

# Also declared as entry points; listed here so that a source tree works without being installed.
_BUILT_IN = {
    **{
        name: f"offhook.speech.adapters.{name}"
        for name in (
            "amazon", "azure", "deepgram", "earshot", "elevenlabs", "espeak", "google", "hibari", "kokoro", "moonshine",
            "openai", "pico", "piper", "silero", "sphinx", "whisper", "wyoming",
        )
    },
    "fallback": "offhook.speech.fallback",
    "hedge": "offhook.speech.hedge",
    "route": "offhook.speech.route",
}  # fmt: skip


@dataclass(slots=True)
class Options:
    """What stands behind the name in an engine's URI; an adapter asks for the settings that it knows.

    Attributes:
        engine: The name.
        variant: What stands between `:` and `?`, empty if nothing does.
        given: The settings behind `?`.
    """

    engine: str
    variant: str = ""
    given: Mapping[str, str] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)

    def text(self, name: str, default: str) -> str:
        """Returns a setting as it was written."""
        self._known.add(name)
        return self.given.get(name, default)

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """Returns a setting as a number.

        Raises:
            UsageError: It is no number from `low` to `high`.
        """
        written = self.text(name, str(default))
        try:
            value = float(written)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise UsageError(f"{self.engine}: {name}={written!r} must be a number from {low:g} to {high:g}")
        return value

    def reject_unknown(self) -> None:
        """Raises `UsageError` if a setting was given that nobody has asked for."""
        for name in self.given:
            if name not in self._known:
                known = ", ".join(sorted(self._known)) or "none"
                raise UsageError(f"{self.engine} has no setting {name!r}; it has: {known}")


def parse(uri: str) -> Options:
    """Splits `name[:variant][?setting=value&...]`.

    Raises:
        UsageError: It is not of that form.
    """
    head, _, query = uri.partition("?")
    name, _, variant = head.partition(":")
    try:
        given = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
    except ValueError:
        name = ""
    if not name:
        raise UsageError(f"{uri!r} names no speech engine; write it like moonshine:tiny-en or hibari?voice=heart")
    return Options(name, variant, given)


def names() -> tuple[str, ...]:
    """Names of all engines that can be asked for, installed or not."""
    return tuple(sorted({*_BUILT_IN, *_installed()}))


def kinds(name: str) -> tuple[Kind, ...]:
    """What the engine `name` can be used as.

    Raises:
        UsageError: There is no such engine.
        EngineError: Its adapter cannot be loaded.
    """
    adapter = _adapter(name)
    return tuple(kind for kind in KINDS if hasattr(adapter, kind))


def local(name: str) -> bool:
    """Whether an engine runs on this machine by its name alone; others are services, or are made of other engines.

    Raises what `kinds` raises.
    """
    return bool(getattr(_adapter(name), "LOCAL", True))


def stated(name: str, what: str) -> object:
    """What the adapter of an engine says of it under a name, None if nothing. Raises what `kinds` raises."""
    return getattr(_adapter(name), what, None)


def vad(uri: str) -> VoiceActivity:
    """Makes a voice activity detector for one stream and channel.

    Making one may take a while (silero: the first one 100 ms): do that in the pool.

    Raises:
        UsageError: There is no such engine or setting.
        EngineMissing: It is not installed.
        EngineError: It cannot be loaded.
    """
    return cast("VoiceActivity", _make("vad", uri))


def recogniser(uri: str) -> Recogniser:
    """Returns the shared recogniser of that URI and loads it if nobody has. Raises what `vad` raises."""
    return cast("Recogniser", _shared("recogniser", uri))


def synthesiser(uri: str) -> Synthesiser:
    """Returns the shared synthesiser of that URI and loads it if nobody has. Raises what `vad` raises."""
    return cast("Synthesiser", _shared("synthesiser", uri))


@dataclass(slots=True)
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    engine: object | None = None


_slots: dict[tuple[Kind, str], _Slot] = {}


def _shared(kind: Kind, uri: str) -> object:
    slot = _slots.setdefault((kind, uri), _Slot())  # setdefault is atomic: all threads get the same slot
    with slot.lock:
        if slot.engine is None:
            slot.engine = _make(kind, uri)
        return slot.engine


def _make(kind: Kind, uri: str) -> object:
    options = parse(uri)
    adapter = _adapter(options.engine)
    factory: Callable[[Options], object] | None = getattr(adapter, kind, None)
    if factory is None:
        raise UsageError(f"{options.engine} is no {kind}; there are: {', '.join(_names_of(kind))}")
    try:
        engine = factory(options)
    except OffhookError:
        raise
    except Exception as error:
        raise EngineError(f"{options.engine} cannot be loaded: {error!r}") from error
    options.reject_unknown()
    return engine


def _names_of(kind: Kind) -> list[str]:
    found = []
    for name in names():
        try:
            if kind in kinds(name):
                found.append(name)
        except EngineError:
            continue
    return found


def _installed() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _adapter(name: str) -> Any:
    if name in _BUILT_IN:
        return importlib.import_module(_BUILT_IN[name])
    entry = _installed().get(name)
    if entry is None:
        raise UsageError(f"there is no speech engine {name!r}; there are: {', '.join(names())}")
    try:
        return entry.load()
    except Exception as error:
        raise EngineError(f"the adapter of speech engine {name} ({entry.value}) cannot be loaded: {error!r}") from error
