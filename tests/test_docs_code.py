"""Python on the pages: it compiles, what it imports and asks of our objects exists, and what is whole runs."""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import offhook
from offhook.bots.hearing import Hearing
from offhook.bots.line import Line
from offhook.bots.saying import Mark

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [
    pytest.param(block, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL), 1)
]
#: What a name stands for on the pages, where the page itself does not say.
OURS: dict[str, tuple[type, ...]] = {
    "bot": (offhook.Bot,), "call": (offhook.Call, offhook.MonitorCall, offhook.PhoneCall, offhook.connector.Call),
    "playback": (offhook.Playback,), "turn": (offhook.Turn,), "mark": (Mark,),
}  # fmt: skip
#: What a page leaves to its reader, and fixtures of our pytest plugin.
READERS = {"client", "history", "samples", "question", "MyEngine", "my_client", "order_status", "listening", "PagerLeg"}


def tree(block: str) -> ast.Module:
    parsed = compile(block, "page", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    assert isinstance(parsed, ast.Module)
    return parsed


def imports(block: str) -> dict[str, Any]:
    """What it imports, by the names that it has there."""
    found = {}
    for node in ast.walk(tree(block)):
        if isinstance(node, ast.ImportFrom):
            module = importlib.import_module(node.module or "")
            found |= {alias.asname or alias.name: getattr(module, alias.name) for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.asname or alias.name: importlib.import_module(alias.name) for alias in node.names}
    return found


def free(block: str) -> set[str]:
    """Names that it uses and nowhere binds."""
    nodes = list(ast.walk(tree(block)))
    used = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
    bound |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    bound |= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    return used - bound - set(imports(block)) - set(dir(builtins))


def members(kind: type) -> Iterator[str]:
    """All that its objects have: also what only `__init__` sets."""
    for base in kind.__mro__:
        yield from vars(base)
        yield from getattr(base, "__annotations__", ())
        if base.__module__.startswith("offhook"):
            yield from re.findall(r"\bself\.(\w+)(?:: .+)? = ", inspect.getsource(base))


@pytest.mark.parametrize("block", BLOCKS)
def test_names_exist(block: str) -> None:
    unknown = free(block) - OURS.keys() - READERS
    public = {name for module in (offhook, offhook.bots, offhook.speech) for name in dir(module)}
    assert unknown - public == set()


@pytest.mark.parametrize("block", BLOCKS)
def test_what_is_asked_of_our_objects_exists(block: str) -> None:
    for node in ast.walk(tree(block)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in OURS:
            known = {member for kind in OURS[node.value.id] for member in members(kind)}
            assert node.attr in known, f"{node.value.id}.{node.attr}"


@pytest.mark.parametrize("block", BLOCKS)
def test_what_is_whole_runs(block: str) -> None:
    """Modules, that is: what waits at its top level, or stands in the middle of something, is compiled only."""
    code = compile(block, "page", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if free(block) or code.co_flags & inspect.CO_COROUTINE:
        return
    exec(code, {"__name__": "page"})


def test_members_knows_what_only_objects_have() -> None:
    assert {"input", "output", "language", "say"} <= set(members(Hearing)) | set(members(Line)) | set(
        members(offhook.Call)
    )
    assert "no_such_thing" not in set(members(offhook.Call))
