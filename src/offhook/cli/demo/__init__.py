"""`offhook demo`: platform, bot and caller on this machine, with real speech."""

from .verb import demo

__all__ = ["demo"]
