"""What is ready to be served, monitors but for one bot: `offhook serve transcribe`, `voiceprint`, `assist`.

Each is a module with a function `make`, which takes its settings by name and returns a host; it is imported when it is
wanted.
"""

from __future__ import annotations

import importlib
import inspect
from typing import Final

from ...errors import UsageError
from ..host import Host

NAMES: Final = ("transcribe", "voiceprint", "assist")


def make(name: str, **settings: object) -> Host:
    """Make one of the ready-made hosts. Settings that are None were not given.

    Raises:
        UsageError: It does not know a setting that was given, or lacks one that it needs.
        EngineMissing: What it needs is not installed.
    """
    factory = importlib.import_module(f"{__name__}.{name}").make
    given = {key: value for key, value in settings.items() if value is not None}
    known = inspect.signature(factory).parameters
    if unknown := sorted(set(given) - set(known)):
        raise UsageError(f"{name} has no setting --{unknown[0].replace('_', '-')}")
    missing = [key for key, value in known.items() if value.default is inspect.Parameter.empty and key not in given]
    if missing:
        raise UsageError(f"{name} needs --{missing[0].replace('_', '-')}")
    host: Host = factory(**given)
    return host
