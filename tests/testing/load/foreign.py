"""Servers of another make, on the websockets library: good ones, and bad ones of many kinds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from threading import Event, Thread
from typing import Any

from websockets.asyncio.server import Request, Response, ServerConnection, serve
from websockets.exceptions import ConnectionClosed


@dataclass
class Manners:
    """How a server behaves; by default it echoes, faultlessly."""

    echo: bool = True
    opened_after: float = 0.0
    refuses: bool = False
    status: int = 101
    drops_every: int = 0
    """Frames of audio that it keeps for itself: each so many."""
    joins: int = 1
    """Frames that are sent back as one."""
    foreign: bool = False
    """Sends another sound back."""
    hangs_up_after: int = 0
    """Frames of audio behind which it drops the socket."""
    completes_after: int = 0
    """Frames behind which it ends the call in good order."""
    ignores_close: bool = False
    wrong_pong: bool = False
    answers: bool = True


class _Peer:
    def __init__(self, socket: ServerConnection, manners: Manners, seen: list[dict[str, Any]]) -> None:
        self.socket, self.manners, self.seen = socket, manners, seen
        self.seq = self.frames = 0
        self.id = ""
        self.held: list[bytes] = []

    async def say(self, type: str, clientseq: int, **parameters: object) -> None:
        self.seq += 1
        body = {"version": "2", "id": self.id, "type": type, "seq": self.seq, "clientseq": clientseq}
        await self.socket.send(json.dumps(body | {"parameters": parameters}))

    async def serve(self) -> None:
        async for message in self.socket:
            if isinstance(message, str):
                await self.text(json.loads(message))
            else:
                await self.audio(message)

    async def text(self, message: dict[str, Any]) -> None:
        self.seen.append(message)
        manners, seq = self.manners, message["seq"]
        self.id = message["id"]
        match message["type"]:
            case "open" if manners.refuses:
                await self.say("disconnect", seq, reason="unauthorized", info="go away")
            case "open":
                await asyncio.sleep(manners.opened_after)
                if manners.answers:
                    await self.say("opened", seq, startPaused=False, media=message["parameters"]["media"][:1])
            case "ping":
                await self.say("pong", seq + manners.wrong_pong)
            case "close" if not manners.ignores_close:
                await self.say("closed", seq)

    async def audio(self, data: bytes) -> None:
        manners = self.manners
        self.frames += 1
        if manners.hangs_up_after and self.frames >= manners.hangs_up_after:
            self.socket.transport.abort()
        elif manners.completes_after and self.frames == manners.completes_after:
            await self.say("disconnect", 1, reason="completed", outputVariables={})
        elif manners.echo and not (manners.drops_every and self.frames % manners.drops_every == 0):
            self.held.append(bytes([0x55]) * len(data) if manners.foreign else data)
            if len(self.held) == manners.joins:
                await self.socket.send(b"".join(self.held))
                self.held.clear()


@asynccontextmanager
async def foreign(manners: Manners | None = None, seen: list[dict[str, Any]] | None = None) -> AsyncIterator[str]:
    """Serve on this loop; gives the URI."""
    manners, seen = manners or Manners(), [] if seen is None else seen

    async def handle(socket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            await _Peer(socket, manners, seen).serve()

    def answer(socket: ServerConnection, request: Request) -> Response | None:
        return None if manners.status == 101 else socket.respond(HTTPStatus(manners.status), "no\n")

    async with serve(handle, "127.0.0.1", 0, process_request=answer, compression=None, ping_interval=None) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/bot"


@contextmanager
def beside(manners: Manners | None = None, seen: list[dict[str, Any]] | None = None) -> Iterator[str]:
    """Serve in a thread, for tests of commands; gives the URI."""
    found: list[str] = []
    ready, stop = Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def main() -> None:
        async with foreign(manners, seen) as uri:
            found.append(uri)
            ready.set()
            await stop.wait()

    thread = Thread(target=loop.run_until_complete, args=(main(),))
    thread.start()
    try:
        assert ready.wait(10)
        yield found[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
