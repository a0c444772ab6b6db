"""What does a call of the connector cost, and what does each monitor beside it? CPU of the connector's process alone.

Callers are made of sound and speak without pause; bot (echo) and monitors run in a process of their own over loopback
sockets, with 200 ms frames. The bot's audio comes back in real time, so the playback queue is at work as well.

Run: python benchmarks/fanout.py [--seconds 10] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import resource
import time
from multiprocessing.connection import Connection as Pipe

import uvloop

from offhook import Bot, Call, Connector, Fallback, Monitor, MonitorCall, PhoneCall
from offhook.audio import tones, ulaw
from offhook.connector import Integration
from offhook.connector.legs.wav import WavLeg
from offhook.session.reception import Reception
from offhook.session.server import Server

CASES = ((1, 0), (20, 0), (40, 0), (10, 1), (10, 5), (5, 20))
"""Calls, and monitors of each."""


def serve(pipe: Pipe) -> None:
    """Bot and monitors, until the pipe is closed."""
    bot, monitor = Bot(preload=False), Monitor(preload=False)

    @bot.handler
    async def echo(call: Call) -> None:
        async for audio in call.audio():
            call.send(audio)

    @monitor.handler
    async def listen(call: MonitorCall) -> None:
        async for _ in call.audio():
            pass

    async def run() -> None:
        async with Server(Reception(bot)) as bots, Server(Reception(monitor)) as monitors:
            pipe.send((bots.port, monitors.port))
            await asyncio.to_thread(pipe.recv)

    uvloop.run(run())


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def measure(calls: int, monitors: int, seconds: float, ports: tuple[int, int]) -> dict[str, float]:
    """Percent of one core for all calls, and for one."""
    connector = Connector(fallback=Fallback(dead_air=None))
    for name, port, profile in (("bot", ports[0], "connector"), ("watch", ports[1], "monitor")):
        uri = f"ws://127.0.0.1:{port}/"
        connector.integrations.put(Integration(name=name, uri=uri, profile=profile, active=True))

    @connector.flow()
    async def flow(call: PhoneCall) -> None:
        for _ in range(monitors):
            call.monitor("watch")
        await call.audio_connector("bot")

    said = ulaw.encode(tones.tone(300, seconds + 10))
    legs = [WavLeg(said) for _ in range(calls)]
    async with connector:
        for leg in legs:
            connector.take(leg)
            await asyncio.sleep(0.01)
        await asyncio.sleep(2)
        used, began = cpu(), time.monotonic()
        await asyncio.sleep(seconds)
        percent = (cpu() - used) / (time.monotonic() - began) * 100
        for leg in legs:
            leg.leave()
    return {"calls": calls, "monitors": monitors, "percent": round(percent, 2), "a_call": round(percent / calls, 3)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,))
    process.start()
    ports = ours.recv()
    rows = [uvloop.run(measure(calls, monitors, options.seconds, ports)) for calls, monitors in CASES]
    ours.send(None)
    process.join()
    if options.json:
        print(json.dumps(rows))
        return
    print("calls  monitors of each  % of a core  % a call")
    for row in rows:
        print(f"{row['calls']:5}  {row['monitors']:16}  {row['percent']:11.2f}  {row['a_call']:8.3f}")


if __name__ == "__main__":
    main()
