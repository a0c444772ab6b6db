"""What the tables of legs have in common: kinds of values, secrets of the environment, TLS, how mistakes are told.

Values are checked here, so that what is wrong is told with its key before anything listens.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from ssl import SSLContext
from typing import Annotated, Any, Final

import msgspec

from ...errors import UsageError
from ...session.listen import ssl_context
from ...session.tomlfile import located

_PATH: Final = r"^/[^?#\s]*\Z"
_URL: Final = r"^(wss?://\S+)?\Z"
_LOGIN: Final = r"^[^:\s]+\Z"
_NAME: Final = r"^[0-9A-Za-z_-]+(\.[0-9A-Za-z_-]+)*\Z"
_SITE: Final = r"^https?://[^\s/?#@]+\Z"

Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
Count = Annotated[int, msgspec.Meta(ge=1)]
NotEmpty = Annotated[str, msgspec.Meta(min_length=1)]
UrlPath = Annotated[str, msgspec.Meta(pattern=_PATH)]
SocketUrl = Annotated[str, msgspec.Meta(pattern=_URL)]
Login = Annotated[str, msgspec.Meta(pattern=_LOGIN)]
HostName = Annotated[str, msgspec.Meta(pattern=_NAME)]
Site = Annotated[str, msgspec.Meta(pattern=_SITE)]

#: What the patterns mean, said in place of them.
_MEANT: Final = {
    repr(_PATH): "a path such as /calls",
    repr(_URL): "a URL such as wss://you.example/calls",
    repr(_LOGIN): "a name without colons and blanks",
    repr(_NAME): "a host's name such as talk.you.example",
    repr(_SITE): "a site such as https://you.example",
}
_PATTERN: Final = re.compile(r"`str` matching regex (.*)")


class LegTable(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """`[legs.NAME]` of one kind. What is not declared is told as a mistake."""


class SocketTable(LegTable, frozen=True, kw_only=True):
    """A leg that listens for WebSockets. With `tls-cert` and `tls-key`, PEM files, by TLS only."""

    port: Port
    host: str = "127.0.0.1"
    max_calls: Count = 20
    tls_cert: Path | None = None
    tls_key: Path | None = None

    def ssl(self) -> SSLContext | None:
        """The context of TLS, if there is to be any.

        Raises:
            UsageError: A file is missing, or cannot be used.
        """
        if self.tls_cert is None and self.tls_key is None:
            return None
        if self.tls_cert is None or self.tls_key is None:
            raise UsageError("tls-cert and tls-key go together")
        return ssl_context(self.tls_cert, self.tls_key)


def secret(key: str, variable: str) -> str:
    """A secret out of the environment; empty if no variable is named.

    Raises:
        UsageError: The variable is not there.
    """
    if variable and not os.environ.get(variable):
        raise UsageError(f"{key}: the environment has no {variable}")
    return os.environ.get(variable, "") if variable else ""


def convert(given: object, kind: type, folder: Path, place: str) -> Any:
    """A table as its kind has it.

    Args:
        given: As TOML has it.
        kind: What `msgspec.convert` can make of it.
        folder: What paths in it count from.
        place: Its name in the file.

    Raises:
        UsageError: It cannot be used; the message names the key.
    """

    def hook(wanted: type, value: Any) -> object:
        if wanted is Path and isinstance(value, str):
            try:
                return located(folder, value)
            except UsageError as error:
                raise ValueError(str(error)) from None
        raise ValueError(f"Expected `str`, got `{type(value).__name__}`")

    try:
        return msgspec.convert(given, kind, dec_hook=hook)
    except msgspec.ValidationError as error:
        raise UsageError(complaint(error, place)) from None


def complaint(error: msgspec.ValidationError, place: str) -> str:
    """A mistake in one line, its key first: `[legs.talk] port: expected int, got str`."""
    what, _, where = str(error).partition(" - at `$")
    what = _PATTERN.sub(lambda found: _MEANT.get(found[1], f"what fits {found[1]}"), what).replace("`", "")
    key = where.rstrip("`").lstrip(".")
    return f"{place} {key}: {what[:1].lower()}{what[1:]}" if key else f"{place} {what[:1].lower()}{what[1:]}"


def in_url(host: str) -> str:
    """A host as URLs have it."""
    return f"[{host}]" if ":" in host else host
