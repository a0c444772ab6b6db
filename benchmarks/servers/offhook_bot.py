"""Offhook as it is served, with a handler named on the command line: monitor, echo, talk or listen."""

from __future__ import annotations

import asyncio
import base64
import gc
import logging
import os
import sys

import uvloop

from offhook import Bot, Call, Monitor, MonitorCall
from offhook.bots.host import Host
from offhook.session.engines import EngineName
from offhook.session.keys import KeyStore
from offhook.session.reception import Reception, SignatureRules
from offhook.session.server import Server

KIND = sys.argv[2]
ENGINE: EngineName = "websockets" if "websockets" in sys.argv else "picows"
SECOND = bytes([0x70 + i * 7919 % 16 for i in range(8000)])


async def monitor(call: MonitorCall) -> None:
    frames = 0

    def count(audio: bytes, position: int) -> None:
        nonlocal frames
        frames += 1

    call.add_sink(count)
    await asyncio.Event().wait()


async def echo(call: Call) -> None:
    async for audio in call.audio():
        call.send(audio)


async def talk(call: Call) -> None:
    """Speaks all the time, in real time, and hears the caller meanwhile."""
    while True:
        await call.play(SECOND * 10)


async def listen(call: Call) -> None:
    async for _ in call.audio():
        pass


def host() -> Host:
    if KIND == "monitor":
        made: Host = Monitor()
        made.handler(monitor)
        return made
    bot = Bot(preload=False)
    bot.handler({"echo": echo, "talk": talk, "listen": listen}[KIND])
    return bot


async def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    keys = KeyStore({os.environ["OFFHOOK_BENCH_KEY"]: base64.b64decode(os.environ["OFFHOOK_BENCH_SECRET"])})
    served = host()
    reception = Reception(served, keys=keys, rules=SignatureRules(max_age=3600.0))
    server = Server(reception, port=int(sys.argv[1]), engine=ENGINE)
    await server.start()
    gc.collect()
    gc.freeze()
    print("listening", flush=True)
    await asyncio.Event().wait()


uvloop.run(main())
