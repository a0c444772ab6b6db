"""The playback queue: bot audio on its way to the caller's ear. Sans-IO: it knows samples, neither sessions nor clocks.

Whoever has the clock takes a tick's worth at a time. A run begins with the first queued sample that is heard and ends
where a tick finds the queue empty, or where the queue is flushed (P4.13, P6.4). No telephone line plays without a
cushion, or each frame that comes a moment late would be heard as a gap; how large it is depends on the bot (`Slack`).
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from ..audio import ulaw
from .slack import CUSHION, TICK, Slack

__all__ = ["CUSHION", "LIMIT", "TICK", "Played", "Player"]

#: Samples that may wait: ten minutes. P6.3: the platform's own figure is not known, but lies above 200 s.
LIMIT: Final = 600 * ulaw.RATE

_SILENT_TICK: Final = ulaw.silence(TICK)
#: Codes below -38 dBFS: nobody misses some ms of them.
_QUIET: Final = bytes(code for code in range(256) if code & 0x7F > 0x40)


class Played(NamedTuple):
    """What the caller hears in one tick, and what begins and ends in it.

    Attributes:
        audio: Mu-law, exactly as long as was asked for.
        started: Whether a run begins with its first sample.
        completed: Samples into the tick at which a run ended; None if none did.
    """

    audio: bytes
    started: bool = False
    completed: int | None = None


class Player:
    """Queues bot audio and gives it out in ticks; silence where the queue is empty.

    Args:
        cushion: Samples that audio waits before its run begins, until more is known of the bot.
        adapts: Whether the cushion follows the bot, and quiet that it turns out not to need is left out: calls wait
            less. Without it the caller hears each sample that came.
        limit: Samples that may wait.

    Attributes:
        queued: Samples that wait.
        heard: Samples given out so far, silence not counted.
        refused: Samples that found the queue full.
        left_out: Samples of quiet that were not played, to take back silence which was put in front of them.
        playing: Whether a run is on.
    """

    __slots__ = (
        "_chunks", "_head", "_limit", "_slack", "_waited", "heard", "left_out", "playing", "queued", "refused"
    )  # fmt: skip

    def __init__(self, *, cushion: int = CUSHION, adapts: bool = False, limit: int = LIMIT) -> None:
        self._chunks: deque[bytes] = deque()
        self._head = 0  # samples of the first chunk that are gone
        self._slack = Slack(cushion, adapts=adapts)
        self._limit = limit
        self._waited = 0
        self.queued = 0
        self.heard = 0
        self.refused = 0
        self.left_out = 0
        self.playing = False

    def push(self, data: bytes, since: int = 0) -> bool:
        """Queue mu-law audio.

        Args:
            data: The audio.
            since: Samples of time since the last tick, as far as that is known.

        Returns:
            False if it was refused because the queue is full.
        """
        if self.queued + len(data) > self._limit:
            self.refused += len(data)
            return False
        if data:
            self._slack.came(len(data), self.queued, since)
            self._chunks.append(data)
            self.queued += len(data)
        return True

    def take(self, samples: int = TICK) -> Played:
        """What is heard in the next so many samples of time."""
        if not self.queued:
            ended = 0 if self.playing else None
            self.playing = False
            self._slack.ran_dry(samples)
            return Played(_silence(samples), completed=ended)
        if not self.playing and self._waited < self._slack.cushion:
            self._waited += samples
            return Played(_silence(samples))
        started = not self.playing
        if started:
            self._slack.began(self._waited)
            self.playing, self._waited = True, 0
        audio = self._pop(samples)
        self.heard += len(audio)
        if len(audio) == samples:
            self._slack.played(samples)
            if self._slack.surplus and _is_quiet(audio):
                self._shorten(self._slack.surplus)
            return Played(audio, started)
        self.playing = False
        self._slack.ran_dry(samples - len(audio))
        return Played(audio + ulaw.silence(samples - len(audio)), started, len(audio))

    def flush(self) -> int:
        """Throw away what waits, and end the run that is on; returns the samples thrown away."""
        thrown, self.queued = self.queued, 0
        self._chunks.clear()
        self._head = self._waited = 0
        self.playing = False
        self._slack.flushed()
        return thrown

    def _shorten(self, surplus: int) -> None:
        """Leave out so many of the next samples, if they are as quiet as the last ones."""
        if self.queued < surplus:
            return
        audio = self._pop(surplus)
        if _is_quiet(audio):
            self.left_out += surplus
            self._slack.taken_back(surplus)
            return
        if self._head:
            self._chunks[0] = self._chunks[0][self._head :]
            self._head = 0
        self._chunks.appendleft(audio)
        self.queued += surplus

    def _pop(self, samples: int) -> bytes:
        """The oldest samples of the queue: so many, or as many as there are."""
        wanted = min(samples, self.queued)
        self.queued -= wanted
        parts: list[bytes] = []
        while wanted:
            chunk, head = self._chunks[0], self._head
            part = chunk[head : head + wanted]
            parts.append(part)
            wanted -= len(part)
            self._head += len(part)
            if self._head == len(chunk):
                self._chunks.popleft()
                self._head = 0
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _is_quiet(audio: bytes) -> bool:
    return not audio.translate(None, _QUIET)


def _silence(samples: int) -> bytes:
    return _SILENT_TICK if samples == TICK else ulaw.silence(samples)
