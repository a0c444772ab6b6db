"""Offhook, the open Audio Connector: joins any phone call to any voice bot over the AudioHook protocol.

The names below are imported when they are first used, so that a caller does not load what only a bot needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .bots import Bot, Call, Engines, Monitor, MonitorCall, Playback, Transcript, Turn
    from .connector import Connector, Failure, Fallback, PhoneCall, Success, connect
    from .errors import CallEnded, EngineError, EngineMissing, OffhookError, PeerError, SSMLError, UsageError
    from .speech.ssml import SSML

_HOMES = {
    "offhook.bots": ("Bot", "Call", "Engines", "Monitor", "MonitorCall", "Playback", "Transcript", "Turn"),
    "offhook.connector": ("Connector", "Failure", "Fallback", "PhoneCall", "Success", "connect"),
    "offhook.errors": (
        "CallEnded",
        "EngineError",
        "EngineMissing",
        "OffhookError",
        "PeerError",
        "SSMLError",
        "UsageError",
    ),
    "offhook.speech.ssml": ("SSML",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Bot",
    "Call",
    "CallEnded",
    "Connector",
    "EngineError",
    "EngineMissing",
    "Engines",
    "Failure",
    "Fallback",
    "Monitor",
    "MonitorCall",
    "OffhookError",
    "PeerError",
    "PhoneCall",
    "Playback",
    "SSML",
    "SSMLError",
    "Success",
    "Transcript",
    "Turn",
    "UsageError",
    "__version__",
    "connect",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'offhook' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
