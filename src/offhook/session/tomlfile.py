"""TOML files as people write them: whatever is wrong with one is wrong use, in one line. It knows no setting."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from ..errors import UsageError


def read(path: Path) -> dict[str, Any]:
    """The tables of a file, UTF-8 with or without a byte order mark.

    Raises:
        UsageError: It cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except RecursionError:
        raise UsageError(f"{path}: it is nested too deeply") from None
    except ValueError as error:  # no TOML, no UTF-8, or a number of thousands of digits
        raise UsageError(f"{path}: {error}") from None


def located(folder: Path, name: str) -> Path:
    """A path that a file names: it counts from the file's folder, and may begin with `~`.

    Raises:
        UsageError: There can be no such path.
    """
    if "\0" in name:
        raise UsageError(f"{name!r} is no path")
    try:
        return folder / Path(name).expanduser()
    except RuntimeError:
        raise UsageError(f"{name}: there is no such user") from None
