"""`offhook serve` as a process, and sessions with it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from offhook.connector import opening
from offhook.protocol import AudioReceived, ClientSession, Event, Finished, SessionOpened
from offhook.protocol.profiles import CONNECTOR
from offhook.session.client import Credentials, new_session_id, open_session
from offhook.session.keys import SAMPLE_KEY, SAMPLE_SECRET, decode_secret

ECHO = str(Path(__file__).parents[2] / "examples/echo.py")
SAMPLE = Credentials(SAMPLE_KEY, decode_secret(SAMPLE_SECRET))
TONE = bytes(range(128)) * 12 + bytes(64)
_SERVING = re.compile(r"serving (\S+) on (wss?)://(\S+):(\d+)(/\S*)")


class Serving:
    """A process that serves."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.host = ""
        self.port = 0
        self.path = ""

    async def until(self, words: str) -> str:
        """Its next log line with these words."""
        assert self.process.stderr is not None
        seen: list[str] = []
        async with asyncio.timeout(20):
            async for line in self.process.stderr:
                seen.append(line.decode())
                if words in seen[-1]:
                    return seen[-1]
        raise AssertionError(f"{words!r} is not in {seen}")

    @property
    def uri(self) -> str:
        return f"ws://127.0.0.1:{self.port}{self.path}"

    async def ended(self) -> int:
        """Its exit code."""
        async with asyncio.timeout(20):
            return await self.process.wait()

    async def get(self, path: str) -> tuple[int, bytes]:
        """Status and body of an HTTP request."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        return int(head.split()[1]), body

    async def health(self) -> tuple[int, dict]:
        """Status and body of the health check."""
        status, body = await self.get("/health")
        return status, json.loads(body)

    async def metrics(self) -> dict[str, float]:
        """All samples, by name and labels as they are written."""
        _, body = await self.get("/metrics")
        lines = [line for line in body.decode().splitlines() if line[:1] != "#"]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


@asynccontextmanager
async def serving(*options: str, target: str = ECHO, **environment: str) -> AsyncIterator[Serving]:
    """`offhook serve` on a free port, from its first log line on; killed at the end if it is still there."""
    given = () if "PORT" in environment else ("--port", "0")
    given += () if "--workers" in options else ("--workers", "1")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "offhook", "serve", target, *given, *options,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=os.environ | environment,
        limit=2**20,
    )  # fmt: skip
    server = Serving(process)
    try:
        found = _SERVING.search(await server.until("serving "))
        assert found
        server.host, server.port, server.path = found[3], int(found[4]), found[5]
        yield server
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        process._transport.close()  # type: ignore[attr-defined]


class Caller:
    """A session with it."""

    def __init__(self) -> None:
        self.session = ClientSession(new_session_id(), opening(CONNECTOR))
        self.heard = b""
        self.events: list[Event] = []
        self._changed = asyncio.Event()

    async def call(self, uri: str, credentials: Credentials | None = None) -> Caller:
        self.line = await open_session(uri, self.session, self._on_event, credentials=credentials)
        await self.until(lambda: self.has(SessionOpened))
        return self

    def has(self, kind: type[Event]) -> bool:
        return any(isinstance(event, kind) for event in self.events)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def echoes(self, audio: bytes = TONE) -> None:
        """Speak, and hear it come back."""
        wanted = len(self.heard) + len(audio)
        self.session.send_audio(audio)
        self.line.flush()
        await self.until(lambda: len(self.heard) >= wanted)
        assert self.heard.endswith(audio)

    async def hang_up(self) -> None:
        self.session.close()
        self.line.flush()
        await self.until(lambda: self.has(Finished))

    def _on_event(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, AudioReceived):
            self.heard += event.data
        self._changed.set()
