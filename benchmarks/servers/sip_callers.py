"""Callers by SIP and the bot that echoes them, in one process and so with one clock, for `mouth_to_ear.py`.

python sip_callers.py CALLS SECONDS: prints the bot's port, reads that of SIP, prints "start" when all calls are up and
"stop" when the measured time is over, then hangs up, and prints what it has seen as JSON.

A caller sends a packet each 20 ms: a second of packets that are told apart by a number within them, loud, then a second
of silence, as people do. Delay is from a numbered packet's departure to its first sample's return.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import struct
import sys
import time
from contextlib import suppress
from typing import Any

import uvloop

from offhook.protocol import CONNECTOR, AudioReceived, CloseRequested, Event, Open, choose
from offhook.session.reception import Answer, Reception, ServerLink
from offhook.session.server import Server
from offhook.session.wire import UpgradeRequest

CALLS, SECONDS = int(sys.argv[1]), float(sys.argv[2])
PACKET, PERIOD = 160, 0.02
#: Begins a numbered packet. Codes below 0x70 go through mu-law decoders and encoders unchanged.
MARK = b"\x01\x41\x02\x42"
SILENCE = b"\xff" * PACKET
#: Seconds for which a bot listens first: what was said before it was there comes faster than real time, and would wait
#: in front of all that follows if it came back as fast.
HISTORY = 0.1
#: Seconds after the last call is up in which nothing is measured.
SETTLE = 6.0
#: Seconds between two packets that a telephone with a jitter buffer of 40 ms would be heard to stumble over.
GAP = 0.06
#: Calls that are placed in a second.
RAMP = 10.0


def now() -> float:
    return time.monotonic()


def numbered(number: int) -> bytes:
    """A loud packet from which its number can be read."""
    digits = bytes(0x10 + (number >> shift & 0xF) for shift in (12, 8, 4, 0))
    noise = random.Random(number)
    return MARK + digits + bytes(0x20 + noise.randrange(16) + 0x80 * noise.randrange(2) for _ in range(PACKET - 8))


NUMBERED = [numbered(number) for number in range(512)]


class Echo:
    """A bot that sends every frame back at once, whatever the rates say: only the connector is to be measured."""

    profile = CONNECTOR

    def __init__(self) -> None:
        self.reception = Reception(self)
        self.links: dict[str, ServerLink] = {}
        self.closed: dict[str, float] = {}

    def answer(self, request: UpgradeRequest, open: Open) -> Answer:
        return Answer(choose(open.media, ()))

    def begin(self, link: ServerLink) -> Any:
        assert link.open is not None
        ani = link.open.participant.ani.removeprefix("tel:")
        self.links[ani] = link
        began = now()

        def take(event: Event) -> None:
            wire = link.connection._wire
            if isinstance(event, AudioReceived):
                if wire is not None and now() - began > HISTORY:
                    wire.send(event.data)
            elif isinstance(event, CloseRequested):
                self.closed[ani] = now()
                link.session.close()
                link.connection.flush()

        return take


class Caller(asyncio.DatagramProtocol):
    """One call: its RTP, and what it has heard of itself."""

    def __init__(self, number: int) -> None:
        self.ani = f"+1555{number:07}"
        self.call_id = f"{random.getrandbits(64):x}"
        self.answered = asyncio.Event()
        self.over_at: float | None = None
        self.to = ""
        self.target = ""
        self.peer: tuple[str, int] | None = None
        self.delays: list[float] = []
        self.passages: list[tuple[str, int, float, float]] = []
        self.gaps = 0
        self.sent = 0
        self.measuring = False
        self._departures: dict[int, float] = {}
        self._count = 0
        self._tail = b""
        self._heard_at = float("inf")
        self._ssrc = random.getrandbits(32)
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.port = transport.get_extra_info("sockname")[1]

    def start(self, at: float) -> None:
        self._timer = asyncio.get_running_loop().call_at(at, self._send, at)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.transport.close()

    def _send(self, at: float) -> None:
        self._timer = asyncio.get_running_loop().call_at(at + PERIOD, self._send, at + PERIOD)
        number, payload = self._count % 512, SILENCE
        if self._count // 50 % 2 == 0:
            payload = NUMBERED[number]
            self._departures.pop(number, None)  # one that never came back has had its time
            if self.measuring:
                self._departures[number] = now()
                self.sent += 1
        header = struct.pack("!BBHII", 0x80, 0, self._count & 0xFFFF, self._count * PACKET, self._ssrc)
        self._count += 1
        self.transport.sendto(header + payload, self.peer)

    def datagram_received(self, data: bytes, address: object) -> None:
        at, payload = now(), data[12:]
        self.gaps += self.measuring and at - self._heard_at > GAP
        self._heard_at = at
        heard, self._tail = self._tail + payload, payload[-7:]
        place = heard.find(MARK)
        while place >= 0 and place + 8 <= len(heard):
            number = sum((heard[place + 4 + index] - 0x10) << shift for index, shift in enumerate((12, 8, 4, 0)))
            left = self._departures.pop(number, None)
            if left is not None:
                began = at + (place - len(heard) + len(payload)) / 8000
                self.delays.append(began - left)
                self.passages.append((self.ani, number, left, at))
            place = heard.find(MARK, place + 8)


class Phone(asyncio.DatagramProtocol):
    """As much of SIP as it takes to place calls and to end them, over UDP on loopback."""

    def __init__(self, port: int) -> None:
        self.server = ("127.0.0.1", port)
        self.calls: dict[str, Caller] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport
        self.port = transport.get_extra_info("sockname")[1]

    def invite(self, call: Caller) -> None:
        self.calls[call.call_id] = call
        sdp = (
            f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {call.port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n"
        )
        self._request("INVITE", call, 1, sdp)

    def bye(self, call: Caller) -> None:
        self._request("BYE", call, 2)

    def _request(self, method: str, call: Caller, number: int, body: str = "") -> None:
        here = f"127.0.0.1:{self.port}"
        lines = [
            f"{method} {call.target or f'sip:+15550002222@{self.server[0]}:{self.server[1]}'} SIP/2.0",
            f"Via: SIP/2.0/UDP {here};branch=z9hG4bK{call.call_id}{method}{number};rport",
            f"From: <sip:{call.ani}@{here}>;tag=1",
            call.to or "To: <sip:+15550002222@127.0.0.1>",
            f"Call-ID: {call.call_id}",
            f"CSeq: {number} {method}",
            f"Contact: <sip:{call.ani}@{here}>",
            "Max-Forwards: 70",
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
            "",
            body,
        ]
        self.transport.sendto("\r\n".join(lines).encode(), self.server)

    def datagram_received(self, data: bytes, address: Any) -> None:
        head, _, body = data.decode().partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        fields = {line.partition(":")[0].lower(): line for line in lines}
        call = self.calls.get(fields.get("call-id", "").partition(":")[2].strip())
        if call is None:
            return
        if first.startswith("SIP/2.0 200") and fields["cseq"].endswith("INVITE"):
            call.to, call.target = fields["to"], fields["contact"].partition("<")[2].partition(">")[0]
            self._request("ACK", call, 1)
            port = next(line.split()[1] for line in body.split("\r\n") if line.startswith("m=audio"))
            call.peer = "127.0.0.1", int(port)
            call.answered.set()
        elif first.startswith("SIP/2.0") and first.split()[1] >= "400":
            raise SystemExit(f"a call was refused: {first}")
        elif not first.startswith("SIP/2.0"):
            if first.startswith("BYE") and call.over_at is None:
                call.over_at = now()
            kept = [line for line in lines if line.lower().startswith(("via:", "from:", "to:", "call-id:", "cseq:"))]
            self.transport.sendto("\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""]).encode(), address)


async def until(condition: Any, seconds: float) -> None:
    """Wait until it holds, but no longer."""
    end = now() + seconds
    while not condition() and now() < end:  # noqa: ASYNC110 (it comes by a socket)
        await asyncio.sleep(0.01)


async def hang_up(phone: Phone, bot: Echo, callers: list[Caller]) -> dict[str, list[float]]:
    """Half of the calls end by the caller, half by the bot: seconds until the other side has seen it."""
    by_caller, by_bot = [], []
    for index, call in enumerate(callers):
        began = now()
        if index % 2:
            phone.bye(call)
            await until(lambda call=call: call.ani in bot.closed, 3.0)
            by_caller.append(bot.closed.get(call.ani, began + 9.0) - began)
        else:
            link = bot.links[call.ani]
            link.session.disconnect("completed")
            link.connection.flush()
            await until(lambda call=call: call.over_at is not None, 3.0)
            by_bot.append((call.over_at or began + 9.0) - began)
    return {"by_caller": by_caller, "by_bot": by_bot}


async def main() -> None:
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(5))
    gc.disable()  # what it stops for would be taken for the connector's doing
    bot, loop = Echo(), asyncio.get_running_loop()
    async with Server(bot.reception) as server:
        print(server.port, flush=True)
        port = int(await asyncio.to_thread(sys.stdin.readline))
        _, phone = await loop.create_datagram_endpoint(lambda: Phone(port), local_addr=("127.0.0.1", 0))
        callers = []
        for number in range(CALLS):
            _, call = await loop.create_datagram_endpoint(lambda n=number: Caller(n), local_addr=("127.0.0.1", 0))
            callers.append(call)
            phone.invite(call)
            await asyncio.wait_for(call.answered.wait(), 10)
            call.start(now() + random.random() * PERIOD)
            await asyncio.sleep(1 / RAMP)
        await until(lambda: len(bot.links) == CALLS, 10)
        if len(bot.links) != CALLS:
            raise SystemExit(f"{len(bot.links)} of {CALLS} calls reached the bot")
        await asyncio.sleep(SETTLE)
        print("start", flush=True)
        for call in callers:
            call.measuring = True
        used = os.times()
        await asyncio.sleep(SECONDS)
        spent = sum(os.times()[:2]) - sum(used[:2])
        for call in callers:
            call.measuring = False
        print("stop", flush=True)
        await asyncio.sleep(1.0)  # what is still on its way
        ends = await hang_up(phone, bot, callers)
        delays = sorted(delay for call in callers for delay in call.delays)
        for call in callers:
            call.stop()
        sent = sum(call.sent for call in callers)
        passages = [each for call in callers for each in call.passages]
        gaps = sum(call.gaps for call in callers)
        told = {"delays": delays, "sent": sent, "gaps": gaps, "passages": passages, "cpu": spent / SECONDS, **ends}
        print(json.dumps(told), flush=True)


uvloop.run(main())
