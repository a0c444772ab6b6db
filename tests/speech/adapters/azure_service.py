"""Azure Speech on loopback: speaks the library's own WebSocket wire, and fails as it is told.

A message is a head of lines and a body; of a binary one the first two bytes tell the length of the head. A turn goes
from the first message of a request to `turn.end`; audio of no bytes is the end of the sound.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import numpy as np
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from tests.speech.adapters.services import HEARD, Service, understood

PATH = "/speech/recognition/conversation/cognitiveservices/v1"
_SECOND = 10_000_000
_WAV_HEAD = 44


def azure(service: Service) -> Starlette:
    async def live(line: WebSocket) -> None:
        asked: dict[str, Any] = dict(line.query_params) | {"key": line.headers["ocp-apim-subscription-key"]}
        service.asked.append(asked)
        if service.mode in ("limited", "wrong", "refused"):
            await line.send_denial_response((await service.trouble()) or Response())
            return
        await line.accept()
        try:
            await _Turns(service, line, asked).run()
        except (WebSocketDisconnect, RuntimeError):
            return

    return Starlette(routes=[WebSocketRoute(PATH, live)])


class _Turns:
    def __init__(self, service: Service, line: WebSocket, asked: dict[str, Any]) -> None:
        self._service = service
        self._line = line
        self._asked = asked
        self._heard = b""
        self._told = 0
        self._request = ""

    async def run(self) -> None:
        while True:
            message = await self._line.receive()
            if message["type"] == "websocket.disconnect":
                return
            if message.get("text") is not None:
                head, _, body = message["text"].partition("\r\n\r\n")
                if _field(head, "Path") == "speech.context":
                    self._asked.setdefault("context", json.loads(body))
                continue
            data = message["bytes"]
            size = int.from_bytes(data[:2], "big")
            if not await self._listen(data[2 : 2 + size].decode(), data[2 + size :]):
                return

    async def _listen(self, head: str, sound: bytes) -> bool:
        request = _field(head, "X-RequestId")
        if request != self._request:
            self._request = request
            await self._say("turn.start", {"context": {"serviceTag": "tag"}})
        if sound.startswith(b"RIFF"):
            sound = sound[_WAV_HEAD:]
        elif not sound:
            return await self._end()
        self._heard += sound
        if self._service.mode == "cut" and self._heard:
            await self._line.close(1011)
            return False
        if len(self._heard) // 8000 > self._told:
            self._told = len(self._heard) // 8000
            text = " ".join(HEARD.lower().split()[: self._told])
            await self._say("speech.hypothesis", {"Text": text, "Offset": 0, "Duration": self._told * _SECOND // 2})
        return True

    async def _end(self) -> bool:
        if self._service.mode == "slow":
            await asyncio.sleep(1.0)
        end = len(self._heard) // 2 * _SECOND // 8000
        text = understood(np.frombuffer(self._heard, "<i2").astype(np.float32) / 32768)
        if text:
            await self._say("speech.phrase", phrase(text, end))
        over = {"RecognitionStatus": "EndOfDictation", "Offset": end, "Duration": 0, "Channel": 0}
        await self._say("speech.phrase", over)
        await self._say("turn.end", {})
        return True

    async def _say(self, path: str, body: dict[str, Any]) -> None:
        head = f"X-RequestId:{self._request}\r\nPath:{path}\r\nContent-Type:application/json; charset=utf-8"
        await self._line.send_text(f"{head}\r\n\r\n{json.dumps(body)}")


def phrase(text: str, end: int) -> dict[str, Any]:
    """What is said of an utterance, as the service writes it with word times asked for."""
    spoken = [word.strip(".,").lower() for word in text.split()]
    step = end // (len(spoken) + 1)
    words = [
        {"Word": word, "Offset": n * step, "Duration": step // 2, "Confidence": 0.9} for n, word in enumerate(spoken)
    ]
    best = {"Confidence": 0.93, "Lexical": " ".join(spoken), "Display": text, "Words": words}
    return {"RecognitionStatus": "Success", "Offset": 0, "Duration": end, "DisplayText": text, "NBest": [best]}


def _field(head: str, name: str) -> str:
    return next(line.partition(":")[2] for line in head.split("\r\n") if line.lower().startswith(f"{name.lower()}:"))
