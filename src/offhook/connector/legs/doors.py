"""Kinds of legs by name: each table `[legs.NAME]` of the settings opens a door that calls come in by.

A name is one of the built-in kinds or an entry point of group `offhook.legs`. It stands for a module (or any object)
with `Table`, what the settings may say (any type that msgspec converts to), and `serve(table, board)`, an asynchronous
context manager: it takes calls while it is entered, and gives a line for the log. It knows no particular kind.
"""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Final, Protocol, cast

from ...errors import OffhookError, UsageError
from . import Switchboard
from .tables import convert

GROUP: Final = "offhook.legs"

# Also declared as entry points; listed here so that a source tree works without being installed.
_BUILT_IN: Final = {
    "talk": "offhook.connector.legs.browser",
    "twilio": "offhook.connector.legs.twilio",
    "asterisk": "offhook.connector.legs.asterisk",
    "sip": "offhook.connector.legs.trunks",
}


class Kind(Protocol):
    """What a name stands for."""

    Table: type

    def serve(self, table: Any, board: Switchboard) -> AbstractAsyncContextManager[str]:
        """Take calls until it is left.

        Args:
            table: What the settings say, as `Table`.
            board: Where calls are brought: `board.take(leg)`.

        Raises:
            UsageError: It cannot be had; the message says which setting is to blame.
        """


@dataclass(frozen=True, slots=True)
class Door:
    """A kind of leg with its settings, not open yet."""

    name: str
    kind: Kind
    table: object

    @asynccontextmanager
    async def opened(self, board: Switchboard) -> AsyncIterator[str]:
        """Take calls while it is entered.

        Raises:
            UsageError: It cannot be opened.
        """
        entered = self.kind.serve(self.table, board)
        try:
            where = await entered.__aenter__()
        except UsageError as error:
            raise UsageError(f"[legs.{self.name}] {error}") from None
        except OffhookError:
            raise
        except Exception as error:
            raise UsageError(f"[legs.{self.name}] cannot be opened: {error!r}") from error
        try:
            yield where
        finally:
            await entered.__aexit__(None, None, None)


def names() -> tuple[str, ...]:
    """Names of all kinds that a table can have."""
    return tuple(sorted({*_BUILT_IN, *_installed()}))


def door(name: str, table: Mapping[str, object], folder: Path) -> Door:
    """The door that a table describes.

    Args:
        name: Of the kind.
        table: `[legs.NAME]`.
        folder: What paths in it count from.

    Raises:
        UsageError: There is no such kind, it cannot be loaded, or the table says what it cannot use.
    """
    kind = _kind(name)
    return Door(name, kind, convert(table, kind.Table, folder, f"[legs.{name}]"))


def _installed() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _kind(name: str) -> Kind:
    if name in _BUILT_IN:
        return cast("Kind", importlib.import_module(_BUILT_IN[name]))
    entry = _installed().get(name)
    if entry is None:
        raise UsageError(f"[legs.{name}] there is no such kind of leg; there are: {', '.join(names())}")
    try:
        kind = entry.load()
        if callable(kind.serve) and isinstance(kind.Table, type):
            return cast("Kind", kind)
    except Exception as error:
        raise UsageError(f"[legs.{name}] {entry.value} cannot be loaded: {error!r}") from error
    raise UsageError(f"[legs.{name}] {entry.value} has no Table that is a type, or no serve that can be called")
