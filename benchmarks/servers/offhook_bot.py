"""Offhook as it is served: offhook_bot.py PORT KIND [MODE ...].

KIND is what the handler does: monitor, echo (reads the audio and sends it back), reflex (the same in a sink), talk or
listen. Modes: websockets (the second engine), messages (keeps a trace without audio), trace (keeps all messages),
record (keeps the recording), slow (a handler that takes 10 s to start), unsigned (no keys), tls (with the certificate
that OFFHOOK_BENCH_TLS names: a folder).
"""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import uvloop

from offhook import Bot, Call, Monitor, MonitorCall
from offhook.bots.host import Host
from offhook.records.store import CallStore, Keep
from offhook.session.collector import settle
from offhook.session.engines import EngineName
from offhook.session.keys import KeyStore
from offhook.session.listen import ssl_context
from offhook.session.reception import Reception, SignatureRules
from offhook.session.server import Server

KIND, MODES = sys.argv[2], set(sys.argv[3:])
ENGINE: EngineName = "websockets" if "websockets" in MODES else "picows"
SECOND = bytes([0x70 + i * 7919 % 16 for i in range(8000)])


async def start() -> None:
    if "slow" in MODES:
        await asyncio.sleep(10.0)


async def monitor(call: MonitorCall) -> None:
    frames = 0

    def count(audio: bytes, position: int) -> None:
        nonlocal frames
        frames += 1

    await start()
    call.add_sink(count)
    await asyncio.Event().wait()


async def echo(call: Call) -> None:
    await start()
    async for audio in call.audio():
        call.send(audio)


async def reflex(call: Call) -> None:
    call.add_sink(lambda audio, position: call.send(audio))
    await asyncio.Event().wait()


async def talk(call: Call) -> None:
    """Speaks all the time and hears the caller meanwhile; what an ear for barge-in costs is asked by `duplex.py`."""
    await start()
    call.add_sink(lambda audio, position: None)
    await call.play(speech(), interruptible=False)


async def speech() -> AsyncIterator[bytes]:
    while True:
        yield SECOND


async def listen(call: Call) -> None:
    async for _ in call.audio():
        pass


def host() -> Host:
    if KIND == "monitor":
        made: Host = Monitor()
        made.handler(monitor)
        return made
    bot = Bot(preload=False)
    bot.handler({"echo": echo, "reflex": reflex, "talk": talk, "listen": listen}[KIND])
    return bot


async def main() -> None:
    logging.basicConfig(level=logging.WARNING)
    keys = (
        None
        if "unsigned" in MODES
        else KeyStore({os.environ["OFFHOOK_BENCH_KEY"]: base64.b64decode(os.environ["OFFHOOK_BENCH_SECRET"])})
    )
    served = host()
    if kept := MODES & {"messages", "trace", "record"}:
        what = ",".join("audio" if name == "record" else name for name in kept)
        served.store = CallStore(Path(tempfile.mkdtemp(prefix="offhook-bench-")), Keep.of(what))
    reception = Reception(served, keys=keys, rules=SignatureRules(max_age=3600.0))
    tls = None
    if "tls" in MODES:
        folder = Path(os.environ["OFFHOOK_BENCH_TLS"])
        tls = ssl_context(folder / "cert.pem", folder / "key.pem")
    server = Server(reception, port=int(sys.argv[1]), engine=ENGINE, ssl=tls)
    await server.start()
    settle()
    print("listening", flush=True)
    await asyncio.Event().wait()


uvloop.run(main())
