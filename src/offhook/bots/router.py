"""Which handler takes a session: by the path that the platform calls."""

from __future__ import annotations

from typing import Generic, TypeVar

from ..errors import UsageError

H = TypeVar("H")


class Router(Generic[H]):
    """Handlers by path. The one without a path takes what no other takes.

    A path of `/support` takes `/support` and `/api/v1/audiohook/ws/support`: the platform appends the connector id to a
    base URI (P2.1), and the handler should not have to know it.
    """

    def __init__(self) -> None:
        self._by_path: dict[str, H] = {}
        self._default: H | None = None

    def add(self, path: str | None, handler: H) -> None:
        """Register a handler.

        Raises:
            UsageError: There is one for this path already, or the path does not begin with a slash.
        """
        if path is None:
            if self._default is not None:
                raise UsageError("two handlers without a path: give each a path of its own")
            self._default = handler
        elif not path.startswith("/"):
            raise UsageError(f"a path begins with a slash: {path!r}")
        elif (known := path.rstrip("/") or "/") in self._by_path:
            raise UsageError(f"two handlers for {known!r}")
        else:
            self._by_path[known] = handler

    def find(self, path: str) -> H | None:
        """The handler of the longest path that `path` ends with; None if nothing takes it."""
        if not self._by_path:
            return self._default
        path = path.rstrip("/") or "/"
        fitting = [known for known in self._by_path if path == known or path.endswith(known)]
        return self._by_path[max(fitting, key=len)] if fitting else self._default

    def __bool__(self) -> bool:
        return self._default is not None or bool(self._by_path)
