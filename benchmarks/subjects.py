"""What the benchmarks set beside each other: Offhook in its modes, and the baselines that can be had here."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import rig

Command = Callable[[int], list[str]]
HERE = Path(__file__).parent


def offhook(kind: str, *modes: str) -> Command:
    """Our own server: kind is monitor, echo, talk or listen; for the modes see `servers/offhook_bot.py`."""
    return lambda port: rig.python("offhook_bot", port, kind, *modes)


def baselines(*, echo: bool) -> dict[str, Command]:
    """Those that can be had here, the cheapest first. All of them answer open, ping and close and judge nothing."""
    word = ("echo",) if echo else ()
    found: dict[str, Command] = {
        "C epoll": lambda port: rig.native(port, echo=echo),
        "bare picows": lambda port: rig.python("bare_picows", port, *word),
    }
    if node := _node():
        found["Node ws"] = lambda port: [*node, str(HERE / "servers" / "node_ws.js"), str(port), *word]
    if importlib.util.find_spec("websockets"):
        found["websockets"] = lambda port: rig.python("bare_websockets", port, *word)
    return found


def pipecat() -> Command | None:
    """Pipecat's own serializer, echoing, if the environment named by OFFHOOK_BENCH_PIPECAT has it."""
    python = os.environ.get("OFFHOOK_BENCH_PIPECAT")
    if not python:
        return None
    folder = str(HERE.parent / "docs" / "foreign")
    start = (
        f"import sys; sys.path.insert(0, {folder!r}); import uvicorn; from loguru import logger; logger.remove(); "
        "print('listening', flush=True); "
        "uvicorn.run('pipecat_server:app', port=int(sys.argv[1]), log_level='error')"
    )
    return lambda port: [python, "-c", start, str(port)]


@cache
def _node() -> list[str]:
    """Node with `ws`, which npm fetches into a folder of its own; empty if one of them is missing."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm):
        return []
    folder = Path(tempfile.gettempdir()) / f"offhook-bench-{os.getuid()}"
    if not (folder / "node_modules" / "ws").exists():
        folder.mkdir(mode=0o700, exist_ok=True)
        got = subprocess.run([npm, "install", "--silent", "--prefix", str(folder), "ws@8"], check=False)
        if got.returncode:
            return []
    return ["env", f"NODE_PATH={folder}/node_modules", "NODE_ENV=production", node]
