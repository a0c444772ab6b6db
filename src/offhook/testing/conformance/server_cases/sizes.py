"""Chapter 4: sizes of messages (P3.3)."""

from __future__ import annotations

from collections.abc import Callable

from ..caller import Caller
from ..case import Failure, Source
from ..line import SOON, Line
from ..socket import Closed
from ..suites import SERVER

#: The documented limit of text and binary messages, bytes.
_LIMIT = 64_000


def padded(line: Line, size: int) -> str:
    """A ping of exactly so many bytes."""
    bare = len(line.message("ping", {"x": ""}).encode())
    line.seq -= 1
    return line.message("ping", {"x": "y" * (size - bare)})


async def ponged(caller: Caller, line: Line) -> None:
    """Expect the pong to the ping just sent, and a session that goes on.

    Raises:
        Failure: It does not come.
    """
    pong = await line.expect("pong")
    if pong.get("clientseq") != line.seq:
        raise Failure(f"`pong` has clientseq {pong.get('clientseq')}, the ping was {line.seq}")
    await caller.alive(line)
    await caller.finish(line)


def _text(number: str, size: int) -> None:
    @SERVER.case(number, f"A text message of {size:,} bytes is read", does=f"Sends a ping of {size:,} bytes.",
                 expects="A `pong`.", rule="P3.3: up to 64,000 bytes", source=Source.VENDOR,
                 advice="Let your WebSocket library take messages of 64,000 bytes; its default may be less.")  # fmt: skip
    async def run(caller: Caller) -> None:
        line = await caller.open()
        line.socket.send(padded(line, size))
        await ponged(caller, line)


_text("4.1", 63_999)
_text("4.2", _LIMIT)


def _between(number: str, size: int) -> None:
    @SERVER.case(number, f"A text message of {size:,} bytes is read or refused",
                 does=f"Sends a ping of {size:,} bytes: above the documented limit, below the reference's.",
                 expects="A `pong`, or `disconnect` reason error.", rule="P3.3, P15 row 1", source=Source.REFERENCE,
                 advice="Answer what is too long with `disconnect`, not with a closed socket.")  # fmt: skip
    async def run(caller: Caller) -> None:
        line = await caller.open()
        line.socket.send(padded(line, size))
        got = await line.expect("pong", "disconnect")
        await caller.finish(line, "end" if got["type"] == "pong" else "disconnect")


_between("4.3", 64_001)
_between("4.4", 65_535)


def _over(number: str, title: str, does: str, make: Callable[[Line], str | bytes],
          source: Source = Source.REFERENCE) -> None:  # fmt: skip
    @SERVER.case(number, title, does=does, expects="`disconnect` reason error, or a WebSocket close with code 1009.",
                 rule="P3.3", source=source, advice="Limit what your WebSocket library takes to 65,535 bytes.")  # fmt: skip
    async def run(caller: Caller) -> None:
        line = await caller.open()
        line.socket.send(data := make(line))
        if isinstance(data, bytes):
            line.socket.send(line.message("ping"))  # or one that took the audio would say nothing
        while True:
            got = await line.next(SOON)
            if got is None:
                raise Failure("nothing happened")
            if isinstance(got, Closed):
                if got.code not in (1009, 1006):
                    caller.notes.non_strict.append(f"closed with code {got.code}, not 1009")
                return None
            if isinstance(got, dict) and got.get("type") == "disconnect":
                if isinstance(data, bytes):  # the ping behind it may be answered yet
                    return await caller.finish_politely(line, "disconnect")
                await caller.finish(line, "disconnect")
                return None
            if isinstance(got, dict) and got.get("type") == "pong":
                raise Failure("took it")


for _place, _size in enumerate((65_536, 200_000, 2_000_000), 5):
    _over(f"4.{_place}", f"A text message of {_size:,} bytes is refused", f"Sends a ping of {_size:,} bytes.",
          lambda line, size=_size: padded(line, size))  # type: ignore[misc]  # fmt: skip


def _binary(number: str, samples: Callable[[Caller], int], title: str) -> None:
    @SERVER.case(number, title, does="Sends one audio message of that size.", expects="A session that goes on.",
                 rule="P3.3, P6.2: any size up to 64,000 bytes", source=Source.VENDOR,
                 advice="Accept audio of any whole number of samples.")  # fmt: skip
    async def run(caller: Caller) -> None:
        line = await caller.open()
        await line.send_audio(b"\xff" * (samples(caller) * caller.width), caller.width)
        await caller.alive(line)
        await caller.finish(line)


_binary("4.8", lambda _: 1, "An audio message of one sample is taken")
_binary("4.9", lambda caller: _LIMIT // caller.width, "An audio message of 64,000 bytes is taken")
_binary("4.10", lambda caller: 1601 // caller.width, "An audio message of an odd length is taken")


def worded(line: Line, letters: int, rest: int = 0) -> str:
    """A ping with so many letters of two bytes each, and so many of one, in UTF-8 as it is."""
    return line.message("ping", {"x": "@"}).replace("@", "ü" * letters + "y" * rest)


@SERVER.case(
    "4.29", "A text message of 64,000 bytes of UTF-8 is read",
    does="Sends a ping of 64,000 bytes, most of them in letters of two.", expects="A `pong`.",
    rule="P3.3: bytes are counted", source=Source.VENDOR, advice="Take text messages of 64,000 bytes, in any script.",
)  # fmt: skip
async def many_bytes(caller: Caller) -> None:
    line = await caller.open()
    bare = len(worded(line, 0).encode())
    line.seq -= 1
    letters, rest = divmod(_LIMIT - bare, 2)
    line.socket.send(worded(line, letters, rest))
    await ponged(caller, line)


_over("4.30", "A text of few characters and too many bytes is refused", "Sends a ping of 60,000 letters of two bytes.",
      lambda line: worded(line, 60_000))  # fmt: skip
_binary("4.31", lambda caller: 63_999 // caller.width, "An audio message of just below 64,000 bytes is taken")


def _audio_between(number: str, size: int) -> None:
    @SERVER.case(number, f"An audio message of {size:,} bytes is taken or refused",
                 does=f"Sends an audio message of {size:,} bytes, above the documented limit.",
                 expects="A session that goes on, `disconnect` reason error, or a WebSocket close with code 1009.",
                 rule="P3.3", source=Source.INFERRED, advice="Answer what is too long; do not drop the connection.")  # fmt: skip
    async def run(caller: Caller) -> None:
        line = await caller.open()
        await line.send_audio(b"\xff" * size, caller.width)
        line.socket.send(line.message("ping"))
        while not isinstance(got := await line.next(SOON), Closed):
            if got is None:
                raise Failure("nothing happened")
            if isinstance(got, dict) and got.get("type") in ("pong", "disconnect"):
                return await caller.finish_politely(line, "end" if got["type"] == "pong" else "disconnect")
        if got.code != 1009:
            raise Failure(f"closed with code {got.code}")


_audio_between("4.32", 65_532)
_audio_between("4.33", 65_536)
_over("4.34", "An audio message of 200,000 bytes is refused", "Sends one audio message of 25 s.",
      lambda _: b"\xff" * 200_000, Source.INFERRED)  # fmt: skip
