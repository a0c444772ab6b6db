"""Settings from `offhook.toml`: one table for each verb, such as `[serve]` or `[keys.sign]`, with the names of its
options. Unknown names are errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from ..errors import UsageError
from ..session.tomlfile import read

DEFAULT: Final = Path("offhook.toml")


def defaults(given: str | None, verb: str, command: click.Command) -> dict[str, Any]:
    """Read what the settings say of one verb.

    Args:
        given: Path of the file; None for `offhook.toml` here, if it exists.
        verb: Name of the table.
        command: Whose options may stand in it.

    Raises:
        UsageError: The file cannot be read, or names an option that the verb does not have.
    """
    path = Path(given) if given else DEFAULT
    if given is None and not path.is_file():
        return {}
    return _options(read(path).get(verb, {}), command, f"{path}: [{verb}]")


def _options(table: object, command: click.Command, where: str) -> dict[str, Any]:
    """The values of a table by what click calls the options; the tables in a group's table are its commands'."""
    if not isinstance(table, dict):
        raise UsageError(f"{where} is a table of options")
    if isinstance(command, click.Group):
        # What else stands there is not looked at: `[keys]` may hold API keys, which no message must show.
        inner = {name: value for name, value in table.items() if name in command.commands}
        return {name: _options(value, command.commands[name], f"{where}.{name}") for name, value in inner.items()}
    known = {name: parameter.name for parameter in command.params for name in _names(parameter)}
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise UsageError(f"{where} has no option {', '.join(unknown)}")
    return {known[name]: value for name, value in table.items()}


def _names(parameter: click.Parameter) -> list[str]:
    return [option.removeprefix("--") for option in parameter.opts if option.startswith("--")]
