"""Services on loopback that speak the real wire of OpenAI, Deepgram and ElevenLabs, and fail as they are told.

What they "understand" is the one phrase, if what they get sounds like speech; what they "say" is tones.
"""

from __future__ import annotations

import asyncio
import io
import json
import socket
import threading
import time
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from offhook.audio import ulaw

Mode = Literal[
    "well", "slow", "wrong", "cut", "limited", "refused", "page", "empty", "wav", "mp3", "other rate", "nothing known"
]  # fmt: skip
HEARD = "It was the best of times, it was the worst of times."


class Service:
    """How it behaves, and what it was asked."""

    def __init__(self) -> None:
        self.mode: Mode = "well"
        self.asked: list[dict[str, Any]] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def trouble(self) -> Response | None:
        if self.mode == "limited":
            return JSONResponse({"error": {"message": f"no more: {HEARD}"}}, 429, {"Retry-After": "7"})
        if self.mode == "wrong":
            return JSONResponse({"error": {"message": f"cannot do: {HEARD}"}}, 500)
        if self.mode == "refused":
            return JSONResponse({"error": {"message": "who are you"}}, 401)
        if self.mode == "page":
            return Response("<html>sign in first</html>", 200, media_type="text/html")
        if self.mode == "nothing known":
            return JSONResponse({"message": f"cannot do: {HEARD}"})
        if self.mode == "empty":
            return Response(b"", 200, media_type="audio/pcm")
        if self.mode == "wav":
            return Response(b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(60), 200, media_type="audio/pcm")
        if self.mode == "mp3":  # 128 kbit/s at 44.1 kHz, without a tag
            return Response((b"\xff\xfb\x90\x00" + bytes(413)) * 3, 200, media_type="audio/mpeg")
        if self.mode == "other rate":
            return Response(bytes(480), 200, media_type="audio/pcm; rate=16000")
        if self.mode == "slow":
            await asyncio.sleep(1.0)
        return None

    def json(self, body: dict[str, Any]) -> Response:
        if self.mode != "cut":
            return JSONResponse(body)
        data = json.dumps(body).encode()

        async def half() -> AsyncIterator[bytes]:
            yield data[: len(data) // 2]
            raise ConnectionError("cut")

        return StreamingResponse(half(), headers={"content-length": str(len(data)), "content-type": "application/json"})

    def sound(self, text: str, rate: int) -> Response:
        data = tone(text, rate)

        async def pieces() -> AsyncIterator[bytes]:
            step = 4801  # odd: samples are cut
            for at in range(0, len(data), step):
                if self.mode == "cut" and at > 0:
                    raise ConnectionError("cut")
                yield data[at : at + step]
                await asyncio.sleep(0)

        return StreamingResponse(pieces(), headers={"content-length": str(len(data))}, media_type="audio/pcm")


def tone(text: str, rate: int) -> bytes:
    time_ = np.arange(round(0.07 * len(text) * rate)) / rate
    return (0.3 * np.sin(2 * np.pi * 300 * time_) * 32767).astype("<i2").tobytes()


def understood(pcm: np.ndarray) -> str:
    """Speech changes its loudness; noise does not."""
    if len(pcm) < 4000:
        return ""
    levels = np.sqrt(np.square(pcm[: len(pcm) // 400 * 400].reshape(-1, 400)).mean(axis=1))
    return HEARD if levels.max() > 3 * (np.median(levels) + 1e-6) or levels.std() > 0.3 * levels.mean() else ""


def from_wav(data: bytes) -> np.ndarray:
    with wave.open(io.BytesIO(data)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768


def words(text: str) -> list[dict[str, Any]]:
    return [
        {"word": word.strip(".,").lower(), "punctuated_word": word, "start": n * 0.25, "end": n * 0.25 + 0.2,
         "confidence": 0.95}
        for n, word in enumerate(text.split())
    ]  # fmt: skip


def openai(service: Service) -> Starlette:
    async def transcriptions(request: Request) -> Response:
        async with request.form() as form:
            service.asked.append({"auth": request.headers["authorization"], **dict(form.multi_items())})
            sound = await form["file"].read()  # type: ignore[union-attr]
        if trouble := await service.trouble():
            return trouble
        text = understood(from_wav(sound))
        return service.json({"text": text, "logprobs": [{"token": "x", "logprob": -0.1, "bytes": []}]})

    async def speech(request: Request) -> Response:
        service.asked.append(asked := await request.json())
        return await service.trouble() or service.sound(asked["input"], 24000)

    return Starlette(
        routes=[
            Route("/v1/audio/transcriptions", transcriptions, methods=["POST"]),
            Route("/v1/audio/speech", speech, methods=["POST"]),
        ]
    )


def elevenlabs(service: Service) -> Starlette:
    async def speak(request: Request) -> Response:
        asked = await request.json() | dict(request.query_params) | dict(request.path_params)
        service.asked.append(asked)
        return await service.trouble() or service.sound(asked["text"], 16000)

    async def listen(request: Request) -> Response:
        async with request.form() as form:
            service.asked.append(dict(form.multi_items()))
            sound = await form["file"].read()  # type: ignore[union-attr]
        if trouble := await service.trouble():
            return trouble
        text = understood(from_wav(sound))
        found = [
            {"text": w["punctuated_word"], "start": w["start"], "end": w["end"], "type": "word", "logprob": -0.05}
            for w in words(text)
        ]
        return service.json({"language_code": "en", "language_probability": 1.0, "text": text, "words": found})

    return Starlette(
        routes=[
            Route("/v1/text-to-speech/{voice}/stream", speak, methods=["POST"]),
            Route("/v1/speech-to-text", listen, methods=["POST"]),
        ]
    )


async def _live(service: Service, line: WebSocket) -> None:
    service.asked.append(dict(line.query_params))
    if service.mode in ("limited", "wrong", "refused"):
        await line.send_denial_response((await service.trouble()) or Response())
        return
    await line.accept()
    heard = b""
    told = 0
    try:
        while True:
            message = await line.receive()
            if message.get("bytes"):
                heard += message["bytes"]
                if service.mode == "cut":
                    await line.close(1011)
                    return
                if len(heard) // 4000 > told:
                    told = len(heard) // 4000
                    await line.send_json(results(HEARD.split()[:told], final=False))
            elif message["type"] == "websocket.disconnect":
                return
            else:
                kind = json.loads(message["text"])["type"]
                if kind == "Finalize":
                    if service.mode == "slow":
                        await asyncio.sleep(1.0)
                    text = understood(ulaw.to_float(heard))
                    await line.send_json(results(text.split(), final=True))
                elif kind == "CloseStream":
                    await line.close()
                    return
    except (WebSocketDisconnect, RuntimeError):
        return


def deepgram(service: Service) -> Starlette:
    async def listen(request: Request) -> Response:
        service.asked.append({"auth": request.headers["authorization"], **dict(request.query_params)})
        if trouble := await service.trouble():
            return trouble
        text = understood(from_wav(await request.body()))
        best = {"transcript": text, "confidence": 0.9, "words": words(text)}
        meta = {
            "request_id": "r",
            "sha256": "",
            "created": "",
            "duration": 1.0,
            "channels": 1,
            "models": [],
            "model_info": {},
        }
        return service.json({"metadata": meta, "results": {"channels": [{"alternatives": [best]}]}})

    async def speak(request: Request) -> Response:
        asked = await request.json() | dict(request.query_params)
        service.asked.append(asked)
        return await service.trouble() or service.sound(asked["text"], int(asked["sample_rate"]))

    async def live(line: WebSocket) -> None:
        await _live(service, line)

    return Starlette(
        routes=[
            Route("/v1/listen", listen, methods=["POST"]),
            WebSocketRoute("/v1/listen", live),
            Route("/v1/speak", speak, methods=["POST"]),
        ]
    )


def results(said: list[str], *, final: bool) -> dict[str, Any]:
    text = " ".join(said)
    return {
        "type": "Results", "channel_index": [0, 1], "duration": 1.0, "start": 0.0, "is_final": final,
        "speech_final": final, "from_finalize": final,
        "channel": {"alternatives": [{"transcript": text, "confidence": 0.9, "words": words(text)}]},
        "metadata": {"request_id": "r", "model_info": {"name": "n", "version": "v", "arch": "a"}, "model_uuid": "u"},
    }  # fmt: skip


@contextmanager
def serving(make: Any) -> Iterator[Service]:
    """A service in a thread of its own, on a free port of loopback."""
    service = Service()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        service.port = listening.getsockname()[1]
        config = uvicorn.Config(make(service), log_level="critical", lifespan="off", ws="websockets-sansio")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        try:
            yield service
        finally:
            server.should_exit = True
            server.force_exit = True
            thread.join(10)
