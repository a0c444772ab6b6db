"""A bare server on the `websockets` library: answers open, ping and close, and with "echo" sends audio back."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import sys

import uvloop
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

ECHO = "echo" in sys.argv


async def talk(peer: ServerConnection) -> None:
    try:
        await answer_all(peer)
    except ConnectionClosed:
        pass  # the load ends calls by cutting those that are late


async def answer_all(peer: ServerConnection) -> None:
    seq = 0
    async for data in peer:
        if isinstance(data, bytes):
            if ECHO:
                await peer.send(data)
            continue
        message = json.loads(data)
        answer = {"open": "opened", "ping": "pong", "close": "closed"}.get(message["type"])
        if answer is None:
            continue
        seq += 1
        offers = message["parameters"].get("media", ())
        parameters = {"startPaused": False, "media": offers[:1]} if answer == "opened" else {}
        envelope = {"version": "2", "type": answer, "id": message["id"], "seq": seq, "clientseq": message["seq"]}
        # The load looks for the words of a message as the platform writes them: without blanks.
        await peer.send(json.dumps(envelope | {"parameters": parameters}, separators=(",", ":")))


async def main() -> None:
    logging.disable()
    async with serve(talk, "127.0.0.1", int(sys.argv[1]), compression=None, ping_interval=None, backlog=4096):
        gc.collect()
        gc.freeze()
        print("listening", flush=True)
        await asyncio.Event().wait()


uvloop.run(main())
