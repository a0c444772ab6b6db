"""What `offhook serve` serves: a user's file, or one of the ready-made monitors with its settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from ..bots.host import Host
from ..errors import UsageError
from .target import load_host

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: Final = (
    click.option("--languages", metavar="TAGS", help="transcribe, assist: languages to list, such as en-US,en-GB."),
    click.option("--knowledge", metavar="FOLDER",
                 help="assist: Markdown files to suggest from."),
    click.option("--knowledge-uri", metavar="URI", help="assist: what is put before a file's path in links."),
    click.option("--voiceprints", metavar="FOLDER", envvar="OFFHOOK_VOICEPRINTS",
                 help="voiceprint: where they are kept."),
    click.option("--voiceprint-key", metavar="FILE",
                 envvar="OFFHOOK_VOICEPRINT_KEY_FILE", help="voiceprint: their key."),
    click.option("--password", metavar="TEXT",
                 help="voiceprint: be a bot that asks for these words, and ends with the verdict as output."),
    click.option("--enrol", is_flag=True, default=None, help="voiceprint: enrol unknown callers (who agreed to it)."),
)  # fmt: skip
_NAMES: Final = ("languages", "knowledge", "knowledge_uri", "voiceprints", "voiceprint_key", "password", "enrol")
_FOLDERS: Final = ("knowledge", "voiceprints", "voiceprint_key")


def ready_options(command: F) -> F:
    """Give a command the settings of the ready-made monitors."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def served(target: str, options: dict[str, Any]) -> Host:
    """The host that a target names.

    Args:
        target: `FILE[:NAME]`, or the name of a ready-made monitor; a file of that name is given as `./NAME`.
        options: Of the command, as text: they go to workers as JSON.

    Raises:
        UsageError: There is no such thing, or a setting does not go with it.
        EngineMissing: What a ready-made monitor needs is not installed.
    """
    from ..bots import ready

    settings = {name: options[name] for name in _NAMES}
    settings |= {name: Path(settings[name]) for name in _FOLDERS if settings[name] is not None}
    if target in ready.NAMES:
        if target != "voiceprint":  # from the environment: not meant for this one
            settings |= {"voiceprints": None, "voiceprint_key": None}
        return ready.make(target, **settings)
    given = [
        name for name in ("languages", "knowledge", "knowledge_uri", "password", "enrol") if settings[name] is not None
    ]
    if given:
        raise UsageError(f"--{given[0].replace('_', '-')} goes with a ready-made monitor: {', '.join(ready.NAMES)}")
    return load_host(target)
