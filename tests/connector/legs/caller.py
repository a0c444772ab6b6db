"""A caller by SIP whose packets go through a bad network, which delays, drops and reorders them by a plan.

The plan is made from a seed beforehand, so that each run does the same to the same packets; the caller sends them when
they would arrive. It speaks as much SIP as one call needs: INVITE, ACK, BYE.
"""

from __future__ import annotations

import asyncio
import random
import re
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from offhook.audio import ulaw

_SDP = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio {port} RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=ptime:{ptime}
a=sendrecv
"""
_REQUEST = """{method} sip:+15550002222@127.0.0.1:{to} SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{branch}
From: <sip:+15550001111@127.0.0.1:{port}>;tag=ada
To: <sip:+15550002222@127.0.0.1:{to}>{tag}
Call-ID: {call}
CSeq: {number} {method}
Contact: <sip:ada@127.0.0.1:{port}>
Max-Forwards: 70
{more}Content-Length: {length}

{body}"""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet of RTP, and when it is sent: seconds since the first one."""

    at: float
    sequence: int
    timestamp: int
    source: int
    payload: bytes

    @property
    def data(self) -> bytes:
        return struct.pack("!BBHII", 0x80, 0, self.sequence & 0xFFFF, self.timestamp, self.source) + self.payload


def packets(
    said: bytes, *, milliseconds: int = 20, source: int = 7, clock: float = 1.0, first: int = 65_500
) -> list[Packet]:
    """Mu-law as packets. `clock` 1.001 is a caller who counts 1001 samples where we count 1000.

    Sequence numbers wrap on the way, unless `first` is low.
    """
    size = ulaw.RATE * milliseconds // 1000
    return [
        Packet(number * milliseconds / 1000 / clock, first + number, at, source, said[at : at + size])
        for number, at in enumerate(range(0, len(said) - size + 1, size))
    ]


@dataclass(frozen=True, slots=True)
class Network:
    """What happens to packets.

    Attributes:
        delay: Seconds that each is late, at most; evenly spread, so that they overtake each other.
        loss: Share of packets that are lost.
        burst: How many are lost in a row.
        stall: Seconds from and until which nothing arrives: then all of it does at once.
        seed: Of the plan.
    """

    delay: float = 0.0
    loss: float = 0.0
    burst: int = 1
    stall: tuple[float, float] = (0.0, 0.0)
    seed: int = 1

    def plan(self, sent: Sequence[Packet]) -> list[tuple[float, bytes]]:
        """When each packet that is not lost arrives."""
        dice, arrivals, losing = random.Random(self.seed), [], 0
        for packet in sent:
            late = dice.uniform(0, self.delay)
            if not losing and dice.random() < self.loss / self.burst:
                losing = self.burst
            if losing:
                losing -= 1
            else:
                at = packet.at + late
                arrivals.append((self.stall[1] if self.stall[0] <= at < self.stall[1] else at, packet.data))
        return sorted(arrivals, key=lambda arrival: arrival[0])


class _Socket(asyncio.DatagramProtocol):
    def __init__(self, take: Callable[[bytes, tuple[str, int]], None]) -> None:
        self.datagram_received = take  # type: ignore[method-assign]
        self.port = 0

    async def open(self) -> _Socket:
        loop = asyncio.get_running_loop()
        self.transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self.port = self.transport.get_extra_info("sockname")[1]
        return self

    def send(self, data: bytes, port: int) -> None:
        self.transport.sendto(data, ("127.0.0.1", port))

    def close(self) -> None:
        self.transport.close()


class Caller:
    """One call that is up.

    Attributes:
        heard: Mu-law that has come back, as it came.
        over: Set when the other side has hung up.
    """

    def __init__(self, to: int, milliseconds: int) -> None:
        self.heard = bytearray()
        self.over = asyncio.Event()
        self._to = to
        self._milliseconds = milliseconds
        self._sip = _Socket(self._signal)
        self._rtp = _Socket(self._audio)
        self._answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._tag = ""
        self._media = 0

    async def open(self) -> None:
        await self._sip.open()
        await self._rtp.open()
        self._request("INVITE", 1, _SDP.format(port=self._rtp.port, ptime=self._milliseconds))
        async with asyncio.timeout(20):
            answer = await self._answer
        self._tag = re.search(r"^To:.*(;tag=[^\s;]+)", answer, re.MULTILINE)[1]  # type: ignore[index]
        self._media = int(re.search(r"m=audio (\d+)", answer)[1])  # type: ignore[index]
        self._request("ACK", 1)

    async def send(self, arrivals: Sequence[tuple[float, bytes]]) -> None:
        """Let packets arrive in their time. A machine that is busy sends late ones at once."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        for at, data in arrivals:
            wait = start + at - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
            self._rtp.send(data, self._media)

    async def close(self) -> None:
        if not self.over.is_set():
            self._request("BYE", 2)
            async with asyncio.timeout(20):
                await self.over.wait()
        self._sip.close()
        self._rtp.close()

    def _request(self, method: str, number: int, body: str = "") -> None:
        more = "Content-Type: application/sdp\n" if body else ""
        body = body.replace("\n", "\r\n")
        text = _REQUEST.format(
            method=method, to=self._to, port=self._sip.port, branch=f"{method}{self._sip.port}", tag=self._tag,
            call=f"call-{self._sip.port}", number=number, more=more, length=len(body), body="",
        )  # fmt: skip
        self._sip.send(text.replace("\n", "\r\n").encode() + body.encode(), self._to)

    def _signal(self, data: bytes, address: tuple[str, int]) -> None:
        text = data.decode()
        if text.startswith("SIP/2.0 200") and "INVITE" in text:
            if not self._answer.done():
                self._answer.set_result(text)
        elif text.startswith("SIP/2.0 200") and "BYE" in text:
            self.over.set()
        elif text.startswith("BYE"):
            kept = [
                line for line in text.split("\r\n") if line.split(":")[0] in ("Via", "From", "To", "Call-ID", "CSeq")
            ]
            self._sip.send("\r\n".join(["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""]).encode(), address[1])
            self.over.set()

    def _audio(self, data: bytes, address: tuple[str, int]) -> None:
        if data[1] & 0x7F == 0:
            self.heard += data[12:]


@asynccontextmanager
async def calling(port: int, *, milliseconds: int = 20) -> AsyncIterator[Caller]:
    """A call to a SIP port, which is hung up at the end."""
    caller = Caller(port, milliseconds)
    await caller.open()
    yield caller
    await caller.close()
