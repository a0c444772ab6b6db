"""A server of OpenAI's chat completions on loopback, streamed as the real one does, that answers as a test says."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route


class Model:
    """Answers with the next of `answers`: text, a list of (tool, arguments), a status, "hang", or (text, "cut").

    Attributes:
        asked: The requests.
        cancelled: Answers that the client did not want to the end.
    """

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []
        self.cancelled = 0
        self.url = ""

    async def complete(self, request: Request) -> Response:
        self.asked.append(await request.json())
        answer = self.answers.pop(0)
        if isinstance(answer, int):
            return JSONResponse({"error": {"message": "cannot: " + str(self.asked[-1]["messages"][-1])}}, answer)
        return StreamingResponse(self._stream(answer), media_type="text/event-stream")

    async def _stream(self, answer: Any) -> AsyncIterator[str]:
        try:
            if answer == "hang":
                await asyncio.sleep(3600)
            cut = isinstance(answer, tuple)
            for delta in self._deltas(answer[0] if cut else answer):
                chunk = {
                    "id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m",
                    "choices": [{"index": 0, "delta": delta, "finish_reason": None}],
                }  # fmt: skip
                yield f"data: {json.dumps(chunk)}\n\n"
                await asyncio.sleep(0)
            if cut:  # as the real one tells of a failure in mid-stream
                yield 'data: {"error": {"message": "overloaded", "type": "server_error"}}\n\n'
            yield "data: [DONE]\n\n"
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled += 1
            raise

    @staticmethod
    def _deltas(answer: Any) -> list[dict[str, Any]]:
        if isinstance(answer, str):
            return [{"content": answer[at : at + 5]} for at in range(0, len(answer), 5)]
        deltas: list[dict[str, Any]] = []
        for index, (name, arguments) in enumerate(answer):
            function = {"name": name, "arguments": ""}
            deltas.append(
                {"tool_calls": [{"index": index, "id": f"t{index}", "type": "function", "function": function}]}
            )
            deltas += [
                {"tool_calls": [{"index": index, "function": {"arguments": arguments[at : at + 4]}}]}
                for at in range(0, len(arguments), 4)
            ]
        return deltas


@asynccontextmanager
async def serving(model: Model) -> AsyncIterator[Model]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        model.url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        app = Starlette(routes=[Route("/v1/chat/completions", model.complete, methods=["POST"])])
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
        task = asyncio.create_task(server.serve([listening]))
        while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
            await asyncio.sleep(0.005)
        try:
            yield model
        finally:
            server.should_exit = server.force_exit = True
            await asyncio.wait_for(task, 10)
