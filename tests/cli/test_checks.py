"""Each check finds what is there, and what is not, and never raises."""

from __future__ import annotations

import importlib
import importlib.util
import os

import pytest

from offhook.cli import checks
from offhook.errors import EngineError, EngineMissing, UsageError
from offhook.speech import registry
from offhook.testing.recordings import Recordings

resource = pytest.importorskip("resource")


def test_the_interpreter():
    assert checks.python().state == "ok"
    old = checks.python((3, 10, 4))
    assert (old.state, old.broken) == ("bad", True)
    assert "Python 3.11" in old.repair


def test_packages_are_imported_for_real(monkeypatch):
    assert checks.installed("msgspec", "msgspec").state == "ok"
    gone = checks.installed("no-such-package", "no_such_module")
    assert (gone.state, gone.broken, gone.repair) == ("bad", True, "pip install --force-reinstall no-such-package")
    # There, but its metadata is not: a half-removed package.
    assert checks.installed("no-such-package", "json").state == "bad"


@pytest.mark.parametrize("engine", ["picows", "websockets"])
def test_an_engine_carries_a_whole_session(engine):
    check = checks.loopback(engine, base=True)
    assert check.state == "ok"
    assert check.detail.startswith("signed and opened in ")
    assert check.seconds is not None


def test_an_engine_that_is_missing_or_fails(monkeypatch):
    async def fails(engine: str) -> float:
        raise OSError("no\nport")

    monkeypatch.setattr(checks, "_probe", fails)
    broken = checks.loopback("picows", base=True)
    assert (broken.state, broken.detail, broken.broken) == ("bad", "no port", True)
    assert not checks.loopback("websockets", base=False).broken
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert checks.loopback("websockets", base=False).repair == "pip install 'offhook[websockets]'"
    assert checks.loopback("picows", base=True).broken
    assert checks.extra("starlette", "asgi", "x").repair == "pip install 'offhook[asgi]'"


class FakeEngine:
    """A detector, a recogniser and a synthesiser at once."""

    rate, frame, languages = 16_000, 256, ("en",)

    def score(self, pcm: object) -> float:
        return 0.0

    def transcribe(self, pcm: object, language: object) -> None: ...

    def synthesise(self, text: str) -> list[bytes]:
        return [bytes(8000), bytes(8000)]


@pytest.fixture
def engines(monkeypatch):
    """Engines by kind and name; an exception is raised where one is asked for."""
    known: dict[str, object] = {}

    def make(name: str) -> object:
        found = known[name]
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(registry, "names", lambda: tuple(known))
    monkeypatch.setattr(registry, "kinds", lambda name: ("vad", "recogniser", "synthesiser"))
    monkeypatch.setattr(registry, "local", lambda name: True)
    for kind in registry.KINDS:
        monkeypatch.setattr(registry, kind, make)
    return known


def test_speech_engines_are_used_in_every_way_they_offer(engines):
    engines["mine"] = FakeEngine()
    detector, recogniser, synthesiser = checks.speech()
    assert (detector.name, detector.state) == ("mine (vad)", "ok")
    assert detector.detail.startswith("16 ms of audio in ")
    assert recogniser.detail.endswith("languages en")
    assert synthesiser.detail.startswith("1.0 s of speech in ")
    assert all(check.seconds is not None and not check.base for check in (detector, recogniser, synthesiser))


def test_an_engine_of_a_hundred_languages_takes_one_line(engines, monkeypatch):
    engines["mine"] = FakeEngine()
    monkeypatch.setattr(FakeEngine, "languages", tuple(f"l{number}" for number in range(100)))
    _, recogniser, _ = checks.speech()
    assert recogniser.detail.endswith(" l10 l11 and 88 more")


@pytest.mark.parametrize(
    ("trouble", "state", "repair"),
    [
        (EngineMissing("mine", "speech"), "missing", "pip install 'offhook[speech]'"),
        (EngineError("is not the file that this version was made for"), "bad", "pip install --force-reinstall mine"),
        (RuntimeError("broken\nlibrary"), "bad", "pip install --force-reinstall mine"),
    ],
)
def test_engines_that_cannot_be_used_are_no_failure_of_the_base(engines, trouble, state, repair):
    engines["mine"] = trouble
    found = list(checks.speech())
    assert {(check.state, check.repair, check.broken) for check in found} == {(state, repair, False)}
    assert all("\n" not in check.detail for check in found)


def test_an_adapter_that_cannot_be_loaded(engines, monkeypatch):
    def fails(name: str) -> tuple[str, ...]:
        raise EngineError("cannot be loaded")

    engines["mine"] = FakeEngine()
    monkeypatch.setattr(registry, "kinds", fails)
    (check,) = checks.speech()
    assert (check.name, check.state, check.detail) == ("mine", "bad", "cannot be loaded")


def test_recordings(monkeypatch):
    monkeypatch.setattr(Recordings, "find", classmethod(lambda cls: Recordings("asterisk", "a woman", {})))
    assert checks.recordings().detail == "0: a woman"

    def none(cls: type) -> Recordings:
        raise UsageError("none")

    monkeypatch.setattr(Recordings, "find", classmethod(none))
    assert checks.recordings().repair.startswith("make recordings")


@pytest.mark.parametrize(
    ("limits", "state", "words"),
    [
        ((256, 1024), "note", "this user may have 1024"),
        ((1024, resource.RLIM_INFINITY), "note", "1024: each call takes one"),
        ((65_536, 65_536), "ok", "65536"),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), "ok", "unlimited"),
    ],
)
def test_open_files(monkeypatch, limits, state, words):
    monkeypatch.setattr(resource, "getrlimit", lambda kind: limits)
    check = checks.open_files()
    assert check.state == state
    assert words in check.detail
    assert bool(check.repair) == (state == "note")


def test_the_machine(monkeypatch):
    assert checks.cores().detail.split()[0].isdigit()
    assert "GiB" in checks.memory().detail
    monkeypatch.delattr(os, "sysconf")
    assert checks.memory().state == "note"


def test_what_stands_on_a_broken_base_is_not_tried(monkeypatch):
    real = importlib.import_module

    def without_numpy(name: str) -> object:
        if name == "numpy":
            raise ImportError("no numpy")
        return real(name)

    monkeypatch.setattr(importlib, "import_module", without_numpy)
    found = list(checks.all_checks())
    assert [check.name for check in found if check.broken] == ["numpy"]
    assert {check.group for check in found} == {"base"}
