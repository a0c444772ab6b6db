"""The settings of a connector: `[connector]`, `[integration.NAME]`, `[[flow]]` and `[legs]` of a TOML file.

Paths in it count from the file's own folder. What cannot be used is told in one line, with its place.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec

from ..errors import UsageError
from ..records.record import Keep
from ..records.store import CallStore
from ..session import tomlfile
from .exchange import MAX_CALLS, Connector
from .integrations import MAX_ACTIVE, Integrations, of_table
from .parameters import ORGANIZATION
from .sounds import load as load_sound
from .tomlflow import FallbackTable, FlowTable, flow_of

DATABASE = "offhook.db"
_TABLES = ("connector", "integration", "flow", "legs")
_UUID = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\Z"


class KeepTable(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """What is kept: `folder` for the sessions' traces, `recordings` for what flows record."""

    folder: str = ""
    recordings: str = ""
    trace: bool = True
    report: bool = False


class ConnectorTable(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """`[connector]`; see `exchange.Connector`."""

    organization: Annotated[str, msgspec.Meta(pattern=_UUID)] = ORGANIZATION
    language: str = "en-US"
    database: str = DATABASE
    flows: str = ""
    max_active: Annotated[int, msgspec.Meta(ge=0)] = MAX_ACTIVE
    max_calls: Annotated[int, msgspec.Meta(ge=1)] = MAX_CALLS
    transfer_targets: tuple[str, ...] = ()
    charge_server_pause: bool = True
    fallback: FallbackTable = FallbackTable()
    keep: KeepTable = KeepTable()


class Settings(msgspec.Struct, frozen=True):
    """A whole file. Tables of verbs are left to the command line, those of legs to their kinds: see `legs.doors`."""

    connector: ConnectorTable = ConnectorTable()
    integration: dict[str, dict[str, Any]] = {}
    flow: tuple[FlowTable, ...] = ()
    legs: dict[str, dict[str, Any]] = {}
    folder: Path = Path()

    def path(self, name: str) -> Path:
        """A path of the settings. Raises `UsageError` if there can be none."""
        return tomlfile.located(self.folder, name)


def read(path: Path, beside: Collection[str] = ()) -> Settings:
    """Read a TOML file.

    Args:
        beside: Names of tables that others read from it.

    Raises:
        UsageError: It cannot be read, or says something that is not known.
    """
    tables = tomlfile.read(path)
    if unknown := sorted(set(tables) - set(_TABLES) - set(beside)):
        raise UsageError(f"{path}: there is no such table: {', '.join(unknown)}")
    return of_tables(tables, path)


def of_tables(tables: Mapping[str, object], path: Path) -> Settings:
    """Settings of tables that were read from a file. Raises `UsageError`."""
    known = {name: tables[name] for name in _TABLES if name in tables}
    try:
        settings = msgspec.convert(known, Settings)
    except msgspec.ValidationError as error:
        raise UsageError(f"{path}: {error}") from None
    return msgspec.structs.replace(settings, folder=path.parent)


def apply(settings: Settings, connector: Connector) -> None:
    """Give a connector its settings: integrations are written to the database, flows are added.

    Raises:
        UsageError: Something cannot be used; the message says what.
    """
    table = settings.connector
    connector.integrations = Integrations(settings.path(table.database), max_active=table.max_active)
    # What the file says counts: an integration that it makes inactive must not stand in the way of another one.
    wanted = [of_table(name, given) for name, given in settings.integration.items()]
    for integration in sorted(wanted, key=lambda each: each.active):
        connector.integrations.put(integration)
    connector.organization = table.organization
    connector.language = table.language or None
    connector.max_calls = table.max_calls
    connector.transfer_targets += table.transfer_targets
    general = _resolved(table.fallback, settings)
    _check_fallback(general, connector)
    connector.fallback = general.policy()
    keep = table.keep
    if keep.folder:
        connector.store = CallStore(settings.path(keep.folder), Keep(audio=False, trace=keep.trace, report=keep.report))
        connector.store.prepare()
    if keep.recordings:
        connector.recordings = CallStore(settings.path(keep.recordings), Keep(audio=True, trace=False, report=False))
        connector.recordings.prepare()
    _check_numbers(settings.flow)
    for number, flow in enumerate(settings.flow, 1):
        fallback = None if flow.fallback is None else _resolved(flow.fallback, settings)
        welcome = str(settings.path(flow.welcome)) if flow.welcome else ""
        found = msgspec.structs.replace(flow, fallback=fallback, welcome=welcome)
        _check(found, connector)
        connector.add_flow(flow_of(found), *flow.numbers, name=flow.name or f"flow {number}")


def _check_numbers(flows: Sequence[FlowTable]) -> None:
    """Each number has one flow: of two, the second would never be run. Raises `UsageError`."""
    taken: set[str] = set()
    for place, flow in enumerate(flows, 1):
        for number in flow.numbers:
            if number in taken:
                raise UsageError(f"{flow.name or f'flow {place}'}: {number} has a flow already: see numbers")
            taken.add(number)


def _resolved(table: FallbackTable, settings: Settings) -> FallbackTable:
    sounds = {name: str(settings.path(path)) for name in ("prompt", "comfort") if (path := getattr(table, name))}
    return msgspec.structs.replace(table, **sounds)


def _check(flow: FlowTable, connector: Connector) -> None:
    """What would fail in each call is told before the first one. Raises `UsageError`."""
    _check_bots(connector, flow.integration)
    for name in flow.monitors:
        if connector.integrations.get(name).product.speaks:
            raise UsageError(f"{name} is a bot and cannot be among the monitors of a flow")
    _check_sounds(flow.welcome)
    if flow.fallback is not None:
        _check_fallback(flow.fallback, connector)
    if flow.route is not None:
        _check_targets(connector, *flow.route.targets.values(), flow.route.default)


def _check_fallback(fallback: FallbackTable, connector: Connector) -> None:
    _check_bots(connector, *fallback.integrations)
    _check_sounds(fallback.prompt, fallback.comfort)
    _check_targets(connector, fallback.transfer)


def _check_bots(connector: Connector, *names: str) -> None:
    for name in names:
        found = connector.integrations.get(name)
        if not found.product.speaks:
            raise UsageError(f"integration {name} is a {found.profile}: no bot that a caller can talk to")


def _check_sounds(*sounds: str | None) -> None:
    for sound in sounds:
        if sound:
            load_sound(sound)


def _check_targets(connector: Connector, *targets: str) -> None:
    for target in targets:
        if target and not connector.may_transfer(target):
            raise UsageError(f"nobody can be transferred to {target}: it is not among transfer-targets in [connector]")
