"""Who may reach a server, and where: keys, address and what is said of them, from the options of `offhook serve`."""

from __future__ import annotations

import ipaddress
import logging
import os
from typing import Any, Final, NamedTuple

from ..errors import UsageError
from ..session.keys import KeyStore, decode_secret

logger = logging.getLogger("offhook")

#: Where the vendor's sample serves; every path is served unless --path narrows it.
SAMPLE_PATH: Final = "/api/v1/audiohook/ws"


class Access(NamedTuple):
    """`keys` is None if everybody may come in, `address` None for all addresses; `warning` is for the log."""

    keys: KeyStore | None
    address: str | None
    warning: str = ""


def access(options: dict[str, Any]) -> Access:
    """Read keys and address.

    Raises:
        UsageError: They do not go together, or a file or variable with keys cannot be used.
    """
    keys = _keys(options)
    given: str | None = options["host"]
    if keys is not None or options["no_auth"]:
        known = keys is not None and keys.uses_sample
        return Access(keys, given, "the sample key is known to everybody: not for production" if known else "")
    if given is None or _is_loopback(given):
        warning = "no API keys: whoever reaches this port may connect (this machine only)"
        return Access(None, given or "127.0.0.1", warning)
    raise UsageError("give --keys before you listen on other addresses than this machine's own, or --no-auth")


def _keys(options: dict[str, Any]) -> KeyStore | None:
    chosen = [name for name in ("keys_file", "key", "sample_keys", "no_auth") if options[name]]
    if len(chosen) > 1:
        raise UsageError("give one of --keys, --key, --sample-keys and --no-auth")
    if options["secret"] and not options["key"]:
        raise UsageError("--secret goes with --key")
    if options["keys_file"]:
        return KeyStore.from_file(options["keys_file"])
    if options["key"]:
        return KeyStore({options["key"]: decode_secret(options["secret"])})
    if options["sample_keys"]:
        return KeyStore.sample()
    if options["no_auth"]:
        return None
    from_environment = KeyStore.from_env(os.environ)
    return from_environment if len(from_environment) else None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def announce(name: str, access: Access, port: int, options: dict[str, Any], workers: str = "") -> None:
    """Say what is served, and where; and what is to be minded."""
    if access.warning:
        logger.warning("%s", access.warning)
    scheme = "wss" if options["tls_cert"] else "ws"
    shown = access.address or "0.0.0.0"
    shown = f"[{shown}]" if ":" in shown else shown
    also = "" if options["path"] else " (and any other path)"
    path = options["path"] or SAMPLE_PATH
    logger.info("serving %s on %s://%s:%d%s%s%s", name, scheme, shown, port, path, also, workers)
