"""Integrations as the vendor's product has them: which bot or monitor, where, with which key, and how it is fed.

They live in a small SQLite database, readable by its owner only, since it holds client secrets. It knows nothing of
calls or sockets.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from ..errors import UsageError
from ..protocol import Profile
from ..session.client import Credentials
from ..session.dial import parse_uri
from ..session.keys import KeyStore, decode_secret
from .parameters import Channels, opening, profile_of
from .stream import FRAME_MS, frame_samples

MAX_ACTIVE: Final = 5
"""Audio Connectors that may be active at once (P1: 5; older text: 2)."""
MAX_SECONDS: Final = 900.0
"""Longest session of an Audio Connector if not set otherwise (P8.7: 15 minutes)."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


class Endpoint(msgspec.Struct, frozen=True):
    """One place where an integration is served. `uri` is the Base Connection URI there."""

    uri: str
    region: str = ""


class Integration(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One integration.

    Attributes:
        name: Unique.
        uri: Base Connection URI. The connector id is appended to it as it is, no slash between (P2.1).
        endpoints: More places, by region; the nearest one is taken.
        key: API key.
        secret: Client secret, base64; empty: requests are not signed.
        profile: `connector`, `monitor`, `transcription` or `bot-transcription`.
        channels: `both`, `external` or `internal`; None: what the product usually has.
        config: Advanced JSON: `customConfig`, passed unaltered.
        active: Whether calls may use it.
        tenant: Whom its usage is charged to.
        max_seconds: Longest session; None: 15 minutes for an Audio Connector, no limit for the others.
        reconnect: Open a new session when one is lost (P8.6): the vendor's experimental switch. For Audio Connectors,
            where the vendor has none, this is an option of ours.
        frame_ms: Milliseconds of an audio message.
        enforce_rates: Answer too many messages with 429, and then with the end of the session, as the platform does.
        insecure: `ws://` to other machines is wanted.
    """

    name: str
    uri: str
    endpoints: tuple[Endpoint, ...] = ()
    key: str = ""
    secret: str = ""
    profile: str = "connector"
    channels: Channels | None = None
    config: Any = None
    active: bool = False
    tenant: str = ""
    max_seconds: float | None = None
    reconnect: bool = False
    frame_ms: int = FRAME_MS
    enforce_rates: bool = True
    insecure: bool = False

    def __repr__(self) -> str:
        return f"Integration({self.name!r}, {self.profile})"

    @property
    def places(self) -> tuple[Endpoint, ...]:
        """All endpoints, that of the base URI first."""
        return (Endpoint(self.uri), *self.endpoints)

    @property
    def product(self) -> Profile:
        """The profile, with the message `reconnect` where the integration wants it and the vendor has none."""
        profile = profile_of(self.profile)
        return _reconnecting(profile.name) if self.reconnect and not profile.reconnects else profile

    @property
    def credentials(self) -> Credentials:
        return Credentials(self.key, decode_secret(self.secret))

    @property
    def longest(self) -> float | None:
        """Seconds after which a session is ended; None: never."""
        if self.max_seconds is None:
            return MAX_SECONDS if self.product.speaks else None
        return self.max_seconds or None

    def check(self) -> Integration:
        """Itself, if calls could use it.

        Raises:
            UsageError: Says what to change.
        """
        if _NAME.fullmatch(self.name) is None:
            raise UsageError(
                f"an integration cannot be named {self.name!r}: letters, digits, dots, dashes and underscores"
            )
        try:
            for place in self.places:
                _check_uri(place.uri, insecure=self.insecure)
            KeyStore.from_pairs({self.key: self.secret} if self.key or self.secret else {})
            opening(self.product, channels=self.channels, custom_config=self.config)
            frame_samples(self.frame_ms)
            if self.max_seconds is not None and not self.max_seconds >= 0:
                raise UsageError(f"sessions cannot end after {self.max_seconds:g} seconds: 0 is for never")
        except UsageError as error:
            raise UsageError(f"integration {self.name}: {error}") from None
        return self


@cache
def _reconnecting(name: str) -> Profile:
    profile = profile_of(name)
    return dataclasses.replace(profile, types=profile.types | {"reconnect"}, reconnects=True)


def _check_uri(uri: str, *, insecure: bool) -> None:
    address = parse_uri(uri)
    if not address.secure and not insecure and not _is_here(address.host):
        raise UsageError(f"{uri} would send calls unencrypted: use wss://, or set insecure if the network is yours")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def of_table(name: str, table: Mapping[str, object]) -> Integration:
    """An integration from a TOML table; `secret-env` names an environment variable that holds the secret.

    Raises:
        UsageError: It cannot be used.
    """
    given = {key.replace("-", "_"): value for key, value in table.items()}
    if len(given) < len(table):
        raise UsageError(f"integration {name} has a setting twice, once with dashes and once with underscores")
    if variable := given.pop("secret_env", None):
        secret = os.environ.get(str(variable))
        if secret is None:
            raise UsageError(f"integration {name}: the environment has no {variable}")
        given["secret"] = secret
    if isinstance(places := given.get("endpoints"), Mapping):
        given["endpoints"] = [{"region": region, "uri": uri} for region, uri in places.items()]
    unknown = sorted(set(given) - set(Integration.__struct_fields__) | {"name"} & set(given))
    if unknown:
        raise UsageError(f"integration {name} has no setting {', '.join(unknown)}")
    try:
        return msgspec.convert({"active": True, **given, "name": name}, Integration).check()
    except msgspec.ValidationError as error:
        raise UsageError(f"integration {name}: {error}") from None


class Integrations:
    """The integrations of one connector, in a database.

    Args:
        path: File of the database; `:memory:` for tests.
        max_active: Audio Connectors that may be active at once.
        create: Whether to make a database where there is none; without, there are just no integrations.

    Raises:
        UsageError: The database cannot be opened; from the methods, that it cannot be read or written.
    """

    def __init__(self, path: Path | str = ":memory:", *, max_active: int = MAX_ACTIVE, create: bool = True) -> None:
        self.max_active = max_active
        self._path = path
        if not create and not Path(path).exists():
            path = ":memory:"
        try:
            if str(path) != ":memory:":
                Path(path).touch(mode=0o600)
            self._db = sqlite3.connect(path, check_same_thread=False)
            self._db.execute("PRAGMA busy_timeout = 5000")
            with self._db:
                self._db.execute("CREATE TABLE IF NOT EXISTS integration (name TEXT PRIMARY KEY, settings TEXT)")
        except (OSError, sqlite3.Error) as error:
            raise UsageError(f"the integrations in {path} cannot be opened: {error}") from None

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _using(self, how: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise UsageError(f"the integrations in {self._path} cannot be {how}: {error}") from None

    def list(self) -> list[Integration]:
        """All, by name."""
        with self._using("read"):
            rows = self._db.execute("SELECT settings FROM integration ORDER BY name").fetchall()
        return [msgspec.json.decode(row[0], type=Integration) for row in rows]

    def get(self, name: str) -> Integration:
        """The one of that name.

        Raises:
            UsageError: There is none.
        """
        with self._using("read"):
            row = self._db.execute("SELECT settings FROM integration WHERE name = ?", (name,)).fetchone()
        if row is None:
            there = ", ".join(each.name for each in self.list()) or "none at all"
            raise UsageError(f"there is no integration {name!r}; there is {there}")
        return msgspec.json.decode(row[0], type=Integration)

    def put(self, integration: Integration) -> None:
        """Add an integration, or change the one of its name.

        Raises:
            UsageError: It cannot be used, or would be one active Audio Connector too many.
        """
        integration.check()
        if integration.active:
            self.check_room(integration)
        if integration in self.list():
            return  # a connector starts on a full disk too
        settings = msgspec.json.encode(integration).decode()
        with self._using("written to"), self._db:
            self._db.execute("INSERT OR REPLACE INTO integration VALUES (?, ?)", (integration.name, settings))

    def check_room(self, integration: Integration) -> None:
        """Whether one more may be active.

        Raises:
            UsageError: It may not.
        """
        others = [each for each in self.list() if each.active and each.name != integration.name]
        same = [each for each in others if each.product.speaks]
        if integration.product.speaks and not self.max_active:
            raise UsageError("no Audio Connector integration may be active: max-active is 0")
        if integration.product.speaks and len(same) >= self.max_active:
            raise UsageError(
                f"{len(same)} Audio Connector integrations are active, and no more may be: deactivate one of "
                f"{', '.join(each.name for each in same)}, or raise max-active"
            )

    def activate(self, name: str, active: bool = True) -> Integration:
        """Let calls use it, or no longer.

        Raises:
            UsageError: There is none, or too many are active.
        """
        changed = msgspec.structs.replace(self.get(name), active=active)
        self.put(changed)
        return changed

    def remove(self, name: str) -> None:
        """Forget it. Raises `UsageError` if there is none."""
        self.get(name)
        with self._using("written to"), self._db:
            self._db.execute("DELETE FROM integration WHERE name = ?", (name,))
