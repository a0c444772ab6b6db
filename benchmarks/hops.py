"""Where a caller's packet is, and when: notes of the numbered packets of `mouth_to_ear.py` as they pass the connector.

It looks into the parts of the connector from outside, so that they need know nothing of it, and costs some CPU.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from offhook import Connector
from offhook.connector.legs.baresip import BaresipCall
from offhook.connector.legs.sip import caller_of
from offhook.connector.player import Player
from offhook.connector.stream import Stream

#: Begins a numbered packet; its number comes behind it, four bits in each of four codes.
MARK = b"\x01\x41\x02\x42"
#: What lies between two notes, in the order in which a packet passes them.
HOPS = (
    "in, jitter buffer, until our tick reads it",
    "until it is sent to the bot",
    "sockets and bot, until it is back",
    "playback queue",
    "until it is given to RTP",
    "out",
)

Passage = tuple[str, int, float, float]
"""A caller's number, that of a packet, when it left and when it was back, by the clock of the machine."""


def numbers(ulaw_audio: bytes) -> Iterator[int]:
    """Those of the packets of which at least the beginning is in it."""
    place = ulaw_audio.find(MARK)
    while 0 <= place <= len(ulaw_audio) - 8:
        codes = ulaw_audio[place + 4 : place + 8]
        yield sum((code - 0x10) << shift for code, shift in zip(codes, (12, 8, 4, 0), strict=True))
        place = ulaw_audio.find(MARK, place + 8)


class Notes:
    """When which packet of which call was where: times by place, caller and number."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._times: dict[tuple[int, str, int], list[float]] = {}
        self._owners: dict[int, str] = {}

    def owner(self, part: object) -> str:
        """The caller that a playback queue or a stream belongs to; empty while it is not known."""
        if id(part) not in self._owners:
            for call in self._connector.calls:
                sitting = getattr(call._context.line.voice, "sitting", None)
                if sitting is not None:
                    for each in (sitting.stream, sitting.stream.player):
                        self._owners[id(each)] = call.caller.ani
        return self._owners.get(id(part), "")

    def note(self, place: int, caller: str, audio: bytes) -> None:
        """This audio of a caller is here now."""
        now = time.monotonic()
        for number in numbers(audio):
            self._times.setdefault((place, caller, number), []).append(now)

    def hops(self, passages: Sequence[Passage]) -> dict[str, list[float]]:
        """Milliseconds of each hop, of the packets that were seen everywhere."""
        found: dict[str, list[float]] = {hop: [] for hop in HOPS}
        for caller, number, left, back in passages:
            times = [left]
            for place in range(5):
                known = self._times.get((place, caller, number), ())
                times += [at for at in known if times[-1] <= at <= back][:1]
            times.append(back)
            if len(times) == 7:
                for hop, before, after in zip(HOPS, times[:-1], times[1:], strict=True):
                    found[hop].append(1000 * (after - before))
        return found


@contextmanager
def noting(connector: Connector) -> Iterator[Notes]:
    """Note everything that passes."""
    notes = Notes(connector)

    def given(place: int, whose: Callable[[Any], str], function: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Any, audio: bytes, *more: Any) -> Any:
            notes.note(place, whose(self), audio)
            return function(self, audio, *more)

        return call

    def read(self: BaresipCall) -> bytes:
        audio = reading(self)
        notes.note(0, caller_of(self.invitation).ani, audio)
        return audio

    def sent(self: Stream) -> None:
        notes.note(1, notes.owner(self), bytes(self._external))
        sending(self)

    def take(self: Player, samples: int = 160) -> Any:
        played = taking(self, samples)
        notes.note(3, notes.owner(self), played.audio)
        return played

    reading, sending, taking = BaresipCall.read, Stream._send_pending, Player.take
    write = given(4, lambda call: caller_of(call.invitation).ani, BaresipCall.write)
    push = given(2, notes.owner, Player.push)
    with (
        patch.object(BaresipCall, "read", read),
        patch.object(Stream, "_send_pending", sent),
        patch.object(Player, "push", push),
        patch.object(Player, "take", take),
        patch.object(BaresipCall, "write", write),
    ):
        yield notes


def rows(found: Mapping[str, Sequence[float]], at_part: Callable[[list[float], float], float]) -> list[tuple[str, str]]:
    """A hop, and its p50 and p95."""
    return [(hop, f"{at_part(list(each), 0.5):.1f}, {at_part(list(each), 0.95):.1f}") for hop, each in found.items()]
