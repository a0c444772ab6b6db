"""One AudioHook session on a raw socket, of either side: keeps the rules of numbering, and breaks any when told."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from ...protocol import position
from .case import Failure
from .socket import Closed, RawSocket

Message = dict[str, Any]

#: Messages that may come at any time and that a case which waits for another one passes over.
_BY_THE_WAY: Final = {
    "server": ("event", "pong"),
    "client": ("ping", "playback_started", "playback_completed", "dtmf", "update"),
}
#: Seconds in which an answer is due that needs no work: local code has microseconds to do, networks some more.
SOON: Final = 3.0


class Line:
    """A session as one end sees it; `role` is ours.

    Attributes:
        seq: Of our last message.
        peer_seq: Of the peer's last message.
        position: Samples of the stream, as a client counts them.
        received: All messages of the peer so far.
        audio: All audio of the peer so far, message by message.
    """

    def __init__(self, socket: RawSocket, role: Literal["client", "server"], session_id: str) -> None:
        self.socket = socket
        self.role = role
        self.id = session_id
        self.seq = 0
        self.peer_seq = 0
        self.position = 0
        self.received: list[Message] = []
        self.audio: list[bytes] = []
        self.closed: Closed | None = None
        self._kept: deque[Message | Closed] = deque()

    # Sending.

    def message(self, type: str, parameters: Any = None, *, omit: Sequence[str] = (), **fields: Any) -> str:
        """The next message as text. `fields` replace those of the envelope, `omit` leaves some out."""
        self.seq += 1
        envelope: Message = {"version": "2", "type": type, "id": self.id, "seq": self.seq}
        if self.role == "client":
            envelope |= {"serverseq": self.peer_seq, "position": position.format(self.position)}
        else:
            envelope |= {"clientseq": self.peer_seq}
        envelope |= {"parameters": {} if parameters is None else parameters} | fields
        return json.dumps({name: value for name, value in envelope.items() if name not in omit})

    async def send(self, type: str, parameters: Any = None, **options: Any) -> None:
        """Send a message; options as in `message`."""
        self.socket.send(self.message(type, parameters, **options))
        await self.socket.drain()

    async def trickle(self, data: bytes) -> None:
        """Write bytes to the socket one by one; after a second, as on a busy machine, the rest at once: the peer's own
        time must not run out over it."""
        clock = asyncio.get_running_loop().time
        end = clock() + 1.0
        for at in range(len(data)):
            if clock() > end:
                self.socket.write(data[at:])
                break
            self.socket.write(data[at : at + 1])
            await asyncio.sleep(0.0005)  # or the kernel would join them
        await self.socket.drain()

    async def send_audio(self, data: bytes, width: int = 1) -> None:
        """Send audio; as a client the position goes on."""
        self.socket.send(data)
        self.position += len(data) // width
        await self.socket.drain()

    # Receiving.

    async def next(self, within: float = SOON) -> Message | bytes | Closed | None:
        """Whatever comes next; None if nothing does in time.

        Raises:
            Failure: Text that is no JSON object.
        """
        return self._kept.popleft() if self._kept else await self._read(within)

    async def tend(self) -> None:
        """Answer pings for as long as this runs; what else comes is kept for `next`, but for audio."""
        while self.closed is None:
            got = await self._read(60.0)
            if isinstance(got, dict) and got.get("type") == "ping":
                await self.send("pong")
            elif isinstance(got, dict | Closed):
                self._kept.append(got)

    async def _read(self, within: float) -> Message | bytes | Closed | None:
        incoming = await self.socket.receive(within)
        if isinstance(incoming, str):
            try:
                message = json.loads(incoming)
            except ValueError:
                raise Failure("sent text that is not JSON") from None
            if not isinstance(message, dict):
                raise Failure("sent JSON that is no object")
            if isinstance(seq := message.get("seq"), int):
                self.peer_seq = seq
            self.received.append(message)
            return message
        if isinstance(incoming, bytes):
            self.audio.append(incoming)
        elif isinstance(incoming, Closed):
            self.closed = incoming
        return incoming

    async def expect(self, *types: str, within: float = SOON, passing: Sequence[str] | None = None) -> Message:
        """Wait for a message of one of these types; audio, and what may come at any time, is passed over.

        Raises:
            Failure: Something else comes, the peer closes, or nothing comes in time.
        """
        by_the_way = _BY_THE_WAY["server" if self.role == "client" else "client"] if passing is None else passing
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        wanted = " or ".join(f"`{type}`" for type in types)
        while True:
            got = await self.next(max(0.0, end - loop.time()))
            if got is None:
                raise Failure(f"no {wanted} within {within:g} s")
            if isinstance(got, Closed):
                raise Failure(f"closed the socket ({got.code}) in place of {wanted}")
            if isinstance(got, bytes):
                continue
            if got.get("type") in types:
                return got
            if got.get("type") not in by_the_way:
                raise Failure(f"sent {describe(got)} in place of {wanted}")

    async def quiet(self, seconds: float, *, allow: Sequence[str] = (), audio: bool = True) -> None:
        """Expect that nothing but these types comes for a time.

        Raises:
            Failure: Something else came, or audio where it is not allowed.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while (left := end - loop.time()) > 0:
            got = await self.next(left)
            if got is None:
                return
            if isinstance(got, Closed):
                raise Failure(f"closed the socket ({got.code})")
            if isinstance(got, bytes):
                if not audio:
                    raise Failure(f"sent {len(got)} bytes of audio")
            elif got.get("type") not in allow:
                raise Failure(f"sent {describe(got)}")

    async def gone(self, within: float = SOON) -> int:
        """Wait until the peer closes; returns the code. What comes before is passed over.

        Raises:
            Failure: It stays.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        while self.closed is None:
            if await self.next(max(0.0, end - loop.time())) is None:
                raise Failure(f"the socket is still open after {within:g} s")
        return self.closed.code


def describe(message: Mapping[str, Any]) -> str:
    """A message in a few words, for a failure's text."""
    parameters = message.get("parameters")
    facts = parameters if isinstance(parameters, dict) else {}
    about = [str(facts[name]) for name in ("reason", "code", "info", "message") if facts.get(name)]
    return f"`{message.get('type')}`" + (f" ({', '.join(about)})" if about else "")
