"""A server of OpenAI's realtime WebSocket on loopback: it hears voice, answers as a test says, and holds both sides to
the events that the official library knows.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
from pydantic import TypeAdapter
from websockets.asyncio.server import Request, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Response

from offhook.audio import ulaw

SERVER_EVENTS: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
CLIENT_EVENTS: TypeAdapter[Any] = TypeAdapter(RealtimeClientEvent)
WORD = ulaw.RATE // 10
"""Samples that a word takes."""


@dataclass
class Says:
    """An answer: text, uses of tools with their arguments, and what goes wrong.

    `trouble`: "stays" is not done until it is cancelled, "cut" breaks the connection off, "cut later" does it once all
    is told, "failed" is a response that fails.
    """

    text: str = ""
    uses: Sequence[tuple[str, str]] = ()
    trouble: str = ""


class Realtime:
    """Answers each turn with the next of `answers`.

    An answer is text, or `Says`; "hang" never begins; "garbage" is no JSON. `refusals` are HTTP statuses for the first
    connections.

    Attributes:
        odd: Messages, not checked, that each connection sends behind `session.updated`.
        session: What it makes of the session in place of what it was told.
        events: What clients sent, without their audio.
        audio: What clients sent of that.
        items: The conversation of the last connection.
        truncated: Item, its milliseconds, and those that are left.
    """

    def __init__(self, *answers: Any, refusals: tuple[int, ...] = (), heard: str = "Hello there.") -> None:
        self.answers = list(answers)
        self.refusals = list(refusals)
        self.heard = heard
        self.session_error = ""
        self.odd: list[str | bytes] = []
        self.session: dict[str, Any] | None = None
        self.events: list[dict[str, Any]] = []
        self.audio = b""
        self.items: list[dict[str, Any]] = []
        self.truncated: list[tuple[str, int, int]] = []
        self.errors: list[str] = []
        self.asked: list[tuple[dict[str, list[str]], str]] = []
        self.connections = 0
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    def refuse(self, connection: ServerConnection, request: Request) -> Response | None:
        query = parse_qs(urlsplit(request.path).query)
        self.asked.append((query, request.headers.get("Authorization", "")))
        if not self.refusals:
            return None
        return Response(self.refusals.pop(0), "No", Headers({"Retry-After": "7"}), b"no")

    async def serve(self, connection: ServerConnection) -> None:
        self.connections += 1
        await _Conversation(self, connection).run()


class _Conversation:
    def __init__(self, server: Realtime, connection: ServerConnection) -> None:
        self._server = server
        self._connection = connection
        self._numbers = itertools.count(1)
        self._written = self._quiet = 0
        self._speaking = ""
        self._session: dict[str, Any] = {}
        self._lengths: dict[str, int] = {}
        self._response = ""
        self._cancelled = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        server.items = []

    async def run(self) -> None:
        session = {"type": "realtime", "id": "sess_1"}
        await self._send("session.created", session=session)
        try:
            async for data in self._connection:
                event = json.loads(data)
                CLIENT_EVENTS.validate_python(event)
                if event["type"] != "input_audio_buffer.append":
                    self._server.events.append(event)
                await self._take(event)
        except ConnectionClosed:
            pass
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _send(self, type: str, **fields: Any) -> None:
        event = {"type": type, "event_id": f"event_{next(self._numbers)}", **fields}
        SERVER_EVENTS.validate_python(event)
        try:
            await self._connection.send(json.dumps(event))
        except ConnectionClosed:
            pass

    async def _error(self, code: str) -> None:
        self._server.errors.append(code)
        await self._send("error", error={"type": "invalid_request_error", "code": code, "message": self._server.heard})

    async def _take(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "session.update" if self._server.session_error:
                await self._error(self._server.session_error)
            case "session.update":
                self._session = event["session"]
                await self._send("session.updated", session=self._server.session or self._session)
                for message in self._server.odd:
                    await self._connection.send(message)
            case "input_audio_buffer.append":
                await self._hear(base64.b64decode(event["audio"], validate=True))
            case "response.create" if self._response:
                await self._error("conversation_already_has_active_response")
            case "response.create":
                self._respond()
            case "response.cancel" if not self._response:
                await self._error("response_cancel_not_active")
            case "response.cancel":
                self._cancelled.set()
            case "conversation.item.create":
                item = {"id": f"item_{next(self._numbers)}", **event["item"]}
                self._server.items.append(item)
                await self._send("conversation.item.added", item=item)
            case "conversation.item.truncate":
                await self._truncate(event["item_id"], event["audio_end_ms"])

    async def _truncate(self, id: str, end: int) -> None:
        whole = self._lengths[id] * 1000 // ulaw.RATE
        if end > whole:
            await self._error("invalid_value")
            return
        self._server.truncated.append((id, whole, end))
        await self._send("conversation.item.truncated", item_id=id, content_index=0, audio_end_ms=end)

    # What it hears.

    async def _hear(self, audio: bytes) -> None:
        self._server.audio += audio
        start, self._written = self._written, self._written + len(audio)
        if float(np.abs(ulaw.to_float(audio)).mean()) > 0.01:
            self._quiet = 0
            if not self._speaking:
                self._speaking = f"item_{next(self._numbers)}"
                before = max(0, start // 8 - self._detection["prefix_padding_ms"])
                if self._response and self._detection["interrupt_response"]:
                    self._cancelled.set()
                await self._send("input_audio_buffer.speech_started", item_id=self._speaking, audio_start_ms=before)
        elif self._speaking:
            self._quiet += len(audio)
            if self._quiet * 1000 // ulaw.RATE >= self._detection["silence_duration_ms"]:
                await self._turn(self._speaking)
                self._speaking = ""

    @property
    def _detection(self) -> dict[str, Any]:
        detection: dict[str, Any] = self._session["audio"]["input"]["turn_detection"]
        return detection

    async def _turn(self, id: str) -> None:
        end = (self._written - self._quiet) // 8 + self._detection["silence_duration_ms"]
        await self._send("input_audio_buffer.speech_stopped", item_id=id, audio_end_ms=end)
        await self._send("input_audio_buffer.committed", item_id=id, previous_item_id=None)
        self._server.items.append({"id": id, "role": "user"})
        if not self._response:
            self._respond()
        if self._session["audio"]["input"]["transcription"]:
            await self._send(
                "conversation.item.input_audio_transcription.completed",
                item_id=id, content_index=0, transcript=self._server.heard, usage={"type": "duration", "seconds": 1.0},
            )  # fmt: skip

    # What it says.

    def _respond(self) -> None:
        answer = self._server.answers.pop(0)
        if answer == "hang":
            return
        self._response = f"resp_{next(self._numbers)}"
        self._cancelled = asyncio.Event()
        task = asyncio.create_task(self._answer(answer, self._response))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, answer: Any, response: str) -> None:
        await self._send("response.created", response={"id": response, "status": "in_progress"})
        if answer == "garbage":
            await self._connection.send("{nothing")
            return
        answer = answer if isinstance(answer, Says) else Says(answer)
        if answer.text:
            await self._speak(answer, response)
        if answer.trouble == "cut":
            self._connection.transport.abort()
            return
        for tool, arguments in answer.uses:
            id, call = f"item_{next(self._numbers)}", f"call_{next(self._numbers)}"
            where = {"item_id": id, "response_id": response, "output_index": 1, "call_id": call}
            self._server.items.append({"id": id, "type": "function_call", "call_id": call, "name": tool})
            await self._send("response.function_call_arguments.delta", delta=arguments, **where)
            await self._send("response.function_call_arguments.done", arguments=arguments, name=tool, **where)
        done: dict[str, Any] = {"id": response, "status": "completed"}
        if answer.trouble == "failed":
            details = {"type": "failed", "error": {"type": "server_error", "code": "server_error"}}
            done |= {"status": "failed", "status_details": details}
        elif self._cancelled.is_set():
            done |= {"status": "cancelled", "status_details": {"type": "cancelled", "reason": "turn_detected"}}
        self._response = ""
        await self._send("response.done", response=done)
        if answer.trouble == "cut later":
            self._connection.transport.abort()

    async def _speak(self, answer: Says, response: str) -> None:
        id = f"item_{next(self._numbers)}"
        self._lengths[id] = 0
        self._server.items.append({"id": id, "role": "assistant"})
        where = {"item_id": id, "response_id": response, "output_index": 0, "content_index": 0}
        for number, word in enumerate(answer.text.split()):
            if self._cancelled.is_set():
                break
            await self._send("response.output_audio_transcript.delta", delta=f" {word}" if number else word, **where)
            self._lengths[id] += WORD
            sound = base64.b64encode(tone(number)).decode()
            await self._send("response.output_audio.delta", delta=sound, **where)
        if answer.trouble == "stays":
            await self._cancelled.wait()
        if answer.trouble != "cut":
            await self._send("response.output_audio.done", **where)


def tone(number: int) -> bytes:
    """The sound of a word."""
    time = np.arange(WORD) / ulaw.RATE
    return ulaw.from_float((0.2 * np.sin(2 * np.pi * (300 + 40 * (number % 20)) * time)).astype(np.float32))


@asynccontextmanager
async def serving(server: Realtime) -> AsyncIterator[Realtime]:
    async with serve(server.serve, "127.0.0.1", 0, process_request=server.refuse, ping_interval=None) as listening:
        server.port = next(iter(listening.sockets)).getsockname()[1]
        yield server
