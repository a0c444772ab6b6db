"""The shape of the house: sizes, names, what is public, and what an import loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import offhook

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src").rglob("*.py"))
OTHERS = sorted(path for folder in ("tests", "examples", "benchmarks") for path in (ROOT / folder).rglob("*.py"))
FILE_LIMIT, FUNCTION_LIMIT = 400, 60
EMPTY_NAMES = {"util", "utils", "helper", "helpers", "manager", "common", "misc"}

PUBLIC = {
    "Bot", "Call", "CallEnded", "Connector", "EngineError", "EngineMissing", "Engines", "Failure", "Fallback",
    "Monitor", "MonitorCall", "OffhookError", "PeerError", "PhoneCall", "Playback", "SSML", "SSMLError", "Success",
    "Transcript", "Turn", "UsageError", "__version__", "connect",
}  # fmt: skip


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring, which is told to give shapes, units and errors."""
    first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
    assert node.end_lineno is not None
    return node.end_lineno - first.lineno + 1 + (node.body[0].lineno - node.lineno)


@pytest.mark.parametrize("path", SOURCES + OTHERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= FILE_LIMIT
    long = {node.name: length(node) for node in functions(path)}
    assert {name: lines for name, lines in long.items() if lines > FUNCTION_LIMIT} == {}


def test_every_room_has_a_name() -> None:
    assert [path for path in SOURCES if path.stem in EMPTY_NAMES] == []


def test_every_module_says_what_it_is() -> None:
    silent = [path for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []


def test_public_names() -> None:
    assert set(offhook.__all__) == PUBLIC
    for name in PUBLIC:
        assert getattr(offhook, name) is not None


def test_tests_mirror_the_source() -> None:
    """Each test file stands where the module stands that it tests; files that test a whole layer are named here."""
    whole = {
        "protocol": {"walk", "machine", "fuzz", "field_mistakes", "ambiguities", "time", "flows", "rates"},
        "session": {"engines"},
        "bots": {"barge_in", "ending", "recording", "monitor_failing"},
        "connector": {"call_end", "soak", "client", "network", "pbx", "foreign", "sip_keys"},
        "cli": {"demo", "legs"},
        "records": {"browser"},
        "testing": {"server", "client", "soak", "sockets"},
        "speech": {"embedded", "listening_by_words"},
    }
    stray = []
    for path in (ROOT / "tests").rglob("test_*.py"):
        place, noun = path.parent.relative_to(ROOT / "tests"), path.stem.removeprefix("test_")
        mirrored = ROOT / "src" / "offhook" / place / f"{noun}.py"
        known = mirrored.exists() or mirrored.with_suffix("").is_dir()
        if not known and place != Path() and noun not in whole.get(place.parts[0], set()):
            stray.append(str(path.relative_to(ROOT)))
    assert stray == []


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("offhook", {"numpy", "picows", "asyncio", "click"}),
        ("offhook.protocol", {"numpy", "picows", "asyncio", "http_sf"}),
        ("offhook.cli.main", {"numpy", "picows", "onnxruntime", "rich"}),
        (
            "offhook.bots",
            {"onnxruntime", "hibari", "earshot", "moonshine_voice", "websockets", "starlette", "soxr"},
        ),
        ("offhook.connector", {"onnxruntime", "hibari", "websockets", "starlette"}),
    ],
)
def test_imports_stay_light(module: str, heavy: set[str]) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert heavy & set(done.stdout.split()) == set()
