"""A first look at a server: whether it is worth running hundreds of cases against it, or one sentence says it all."""

from __future__ import annotations

import asyncio
import uuid
from typing import Final

from ...errors import PeerError, SessionFailed, SessionRejected, UpgradeRejected
from ...session.dial import dial
from ...session.wire import Wire
from .caller import Caller, Target
from .line import Line

#: Seconds for each of upgrade and `opened` (P8.1).
_PATIENCE: Final = 5.0
_PARTING: Final = 1.0


class _Listener:
    """A receiver that keeps what comes; the empty text is the end."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[str] = asyncio.Queue()

    def connected(self, wire: Wire) -> None: ...

    def received(self, data: str | bytes) -> None:
        self.messages.put_nowait(data if isinstance(data, str) else "audio")

    def lost(self, code: int, reason: str) -> None:
        self.messages.put_nowait("")


async def look(target: Target) -> None:
    """Open one session, and leave it.

    Raises:
        UsageError: The URI.
        PeerError: Nobody is there, no WebSocket is opened, or `open` is answered by what is no AudioHook.
    """
    caller, listener = Caller(target), _Listener()
    session_id = str(uuid.uuid4())
    line = Line(None, "client", session_id)  # type: ignore[arg-type]  # it only numbers the messages
    try:
        wire = await dial(target.uri, listener, headers=caller.headers(session_id), ssl=target.ssl, timeout=_PATIENCE)
    except UpgradeRejected as error:
        raise PeerError(f"{target.uri}: {error}: {_hint(error.status, target)}") from None
    try:
        wire.send(line.message("open", caller.opening()))
        async with asyncio.timeout(_PATIENCE):
            answer = await listener.messages.get()
        line.peer_seq = 1
        wire.send(line.message("close", {"reason": "end"}))
        await _left(listener)
    except TimeoutError:
        raise SessionFailed(
            f"{target.uri} speaks WebSocket, but did not answer `open` within {_PATIENCE:g} s: no AudioHook server?"
        ) from None
    finally:
        wire.abort()
    if '"opened"' in answer:
        return
    if '"disconnect"' in answer:
        raise SessionRejected("error", f"{target.uri} answered `open` with {answer[:200]}")
    said = f"with {answer[:80]!r}" if answer else "by closing the connection"
    raise SessionFailed(f"{target.uri} speaks WebSocket, but answered `open` {said}: no AudioHook server?")


async def _left(listener: _Listener) -> None:
    """Wait for `closed`, a moment only."""
    try:
        async with asyncio.timeout(_PARTING):
            while (message := await listener.messages.get()) and '"closed"' not in message:
                pass
    except TimeoutError:
        pass


def _hint(status: int, target: Target) -> str:
    if status in (401, 403):
        return "check --key and --secret" if target.key else "give --key and --secret"
    if status in (301, 302, 303, 307, 308):
        return "the platform follows no redirect; give the URI that it leads to"
    if status in (200, 404, 405):
        return "there is no WebSocket at this path"
    return "no session can be opened"
