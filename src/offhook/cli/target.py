"""Finds what a user wrote: the bot or monitor of `FILE` or `FILE:NAME`, the connector of a file of flows."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from pathlib import Path

from ..bots.host import Host
from ..connector.exchange import Connector
from ..errors import UsageError


def load_host(target: str) -> Host:
    """Import a Python file and take the bot or monitor out of it.

    Raises:
        UsageError: The file cannot be imported, or holds no such thing, or several and no name says which.
    """
    file, _, name = target.rpartition(":") if ":" in target and not target.endswith(".py") else (target, "", "")
    path = Path(file)
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no such file"
        raise UsageError(f"{path}: {what}; give the Python file of a bot, as in 'offhook serve bot.py'")
    hosts = {key: value for key, value in _run(path).items() if isinstance(value, Host)}
    if name:
        if name not in hosts:
            raise UsageError(f"{path} has no bot or monitor named {name!r}; it has {', '.join(hosts) or 'none'}")
        host = hosts[name]
    elif not hosts:
        raise UsageError(f"{path} makes no Bot() or Monitor()")
    elif len({id(host) for host in hosts.values()}) > 1:
        raise UsageError(f"{path} has several: say which, as in {path}:{next(iter(hosts))}")
    else:
        host = next(iter(hosts.values()))
    if not host.has_handler:
        raise UsageError(f"{path}: the {type(host).__name__.lower()} has no handler: put @{host.name}.handler on one")
    return host


def load_connector(path: Path) -> Connector:
    """Import a Python file and take the connector out of it.

    Raises:
        UsageError: The file cannot be imported, or holds none, or several.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such file; give the Python file of flows")
    found = {id(value): value for value in _run(path).values() if isinstance(value, Connector)}
    if len(found) != 1:
        raise UsageError(f"{path} makes {'several connectors' if found else 'no Connector()'}: one is wanted")
    return next(iter(found.values()))


def _run(path: Path) -> dict[str, object]:
    # What a file imports from beside itself is found, as if it was run by Python.
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except UsageError:
        raise
    except SyntaxError as error:
        raise UsageError(f"{path}, line {error.lineno}: {error.msg}") from None
    except Exception as error:
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if Path(frame.filename).resolve() == path.resolve()
        ]
        line = f", line {frames[-1].lineno}" if frames else ""
        raise UsageError(f"{path}{line}: {type(error).__name__}: {error}") from error
    return vars(module)
