"""Our own server in memory: for calls of a load in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from offhook.protocol import (
    AudioReceived,
    CloseRequested,
    DtmfReceived,
    Event,
    OpenRequested,
    PlaybackCompleted,
    PlaybackStarted,
    ServerSession,
)
from offhook.session.connection import Connection
from offhook.session.memory import join
from offhook.testing.load.call import Line
from offhook.testing.load.generator import Generator
from offhook.testing.load.plan import Plan
from offhook.testing.load.tally import CallRow, Tally, merged


class Partner:
    """Opens, echoes if told to, closes; keeps what it heard of."""

    def __init__(self, line: Line, *, echo: bool, delay: float) -> None:
        self.events: list[Event] = []
        self.times: list[float] = []
        self.echo = echo
        self.session = ServerSession(line.session.id, line.session.profile)
        self.connection = Connection(self.session, self.on_event)
        join(line, self.connection, delay=delay)

    def on_event(self, event: Event) -> None:
        if isinstance(event, OpenRequested):
            self.session.accept(event.offers[0])
        elif isinstance(event, CloseRequested):
            self.session.close()
        elif isinstance(event, AudioReceived):
            self.times.append(asyncio.get_running_loop().time())
            if self.echo:
                self.connection.send_audio(event.data)
        elif isinstance(event, DtmfReceived | PlaybackStarted | PlaybackCompleted):
            self.events.append(event)
        self.connection.flush()


class Ran:
    """A run of one process in virtual time."""

    def __init__(self, plan: Plan, *, delay: float = 0.01, on_open: Callable[[Partner], None] | None = None) -> None:
        plan.check()
        self.plan = plan
        self.delay = delay
        self.on_open = on_open
        self.partners: list[Partner] = []
        self.seconds: list[tuple[int, Tally]] = []
        self.rows: list[CallRow] = []
        loop = asyncio.get_running_loop()
        self.generator = Generator(plan, 0, loop.time(), self.told, dial=self.dial, clock=loop.time)

    async def dial(self, line: Line) -> None:
        line.session.open()
        partner = Partner(line, echo=self.plan.echoes, delay=self.delay)
        self.partners.append(partner)
        if self.on_open is not None:
            self.on_open(partner)

    def told(self, second: int, tally: Tally, rows: list[CallRow]) -> None:
        self.seconds.append((second, tally))
        self.rows += rows

    @property
    def whole(self) -> Tally:
        return merged(tally for _, tally in self.seconds)


async def ran(on_open: Callable[[Partner], None] | None = None, delay: float = 0.01, **plan: Any) -> Ran:
    """Carry out a plan."""
    run = Ran(Plan(**{"uri": "ws://127.0.0.1:1/x"} | plan), delay=delay, on_open=on_open)
    await run.generator.run()
    return run
