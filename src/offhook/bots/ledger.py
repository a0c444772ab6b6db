"""What became of each sample that a bot sent: heard, thrown away, or still waiting at the platform.

The platform says when the caller begins to hear our audio and when its queue is empty, each with the position of the
caller's stream (P4.13). Between the two, one sample is heard for each sample of the stream, so positions count what was
heard. A platform that states positions only to its frame grid leaves an error of up to one frame in a cut-off saying,
and none in one that was played to its end. Where no playback messages come at all, the clock stands in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from ..audio import ulaw
from ..audio.ulaw import RATE

OnPlayed = Callable[[int, bytes], None]
"""Takes a position on the caller's stream and the audio that was heard from there on."""

#: Samples that are written on while a long run is still being played.
_PIECE: Final = RATE
#: Runs of playback and gaps in it that are remembered: a saying is seldom starved more often.
_RUNS: Final = 64
#: Seconds within which a platform that tells of playback at all tells that ours has begun.
_BEGINS: Final = 1.0
#: Seconds after which audio of which the platform has told nothing is taken to have been heard when it came.
_FORGOTTEN: Final = 30.0
#: Seconds for which audio of ours and a `playback_completed` may have crossed on the line.
_CROSSING: Final = 0.5


class _Chunk(NamedTuple):
    """Audio that has left, where the caller's stream stood, and when that was. `data` is empty if nobody wants it."""

    size: int
    data: bytes
    position: int
    at: float


class _Flush(NamedTuple):
    """A barge-in that has left: what had been sent by then, and when that was."""

    sent: int
    at: float


class Ledger:
    """Counts in samples of the bot's own audio, in the order in which it left.

    Attributes:
        sent: Samples that have left for the platform.
        settled: Of those, the ones whose fate is known: everything before this index was heard or thrown away.
        playing: Whether the caller is hearing us now.
        keeps: Whether audio that leaves is kept until it was heard; set it for `audible`.
    """

    def __init__(self, on_played: OnPlayed | None = None) -> None:
        self.sent = 0
        self.settled = 0
        self.playing = False
        self._on_played = on_played
        self.keeps = on_played is not None
        self._unsettled: deque[_Chunk] = deque()
        self._run_began = 0.0
        self._run_at = 0
        self._run_heard = 0
        self._flush: _Flush | None = None
        self._grid = 0
        self._runs: deque[tuple[int, int]] = deque(maxlen=_RUNS)
        self._lost: deque[tuple[int, int]] = deque(maxlen=_RUNS)

    @property
    def waiting(self) -> int:
        """Samples that may still be heard."""
        return self.sent - self.settled

    @property
    def flushing(self) -> bool:
        """Whether a barge-in is under way that the platform has not confirmed."""
        return self._flush is not None

    def left(self, data: bytes, position: int, now: float) -> None:
        """Audio has left for the platform, at this position of the caller's stream."""
        self.sent += len(data)
        unsettled = self._unsettled
        unsettled.append(_Chunk(len(data), data if self.keeps else b"", position, now))
        if not self.playing and now - unsettled[0].at > _FORGOTTEN:
            self.give_up(now)  # or all that is ever sent would be kept

    def started(self, position: int, now: float) -> None:
        """`playback_started`."""
        if self.playing:
            self._end_run(position - self._run_at)  # the end of the run before was never told
        self._begin_run(position, now)

    def passed(self, position: int, samples: int, wanted: int | None = None) -> None:
        """A frame of the caller's stream came that begins there: so far, while we are being heard, ours was heard.

        Args:
            position: Where the frame begins.
            samples: How long it is.
            wanted: Index of a sample of ours that somebody waits for: it is settled as soon as it was heard.
        """
        if samples < self._grid or not self._grid:
            self._grid = samples
        if self.playing and self._flush is None:
            ahead = position - self._run_at - self._run_heard
            if ahead >= _PIECE or (wanted is not None and 0 <= wanted - self.settled <= ahead):
                self._hear(position - self._run_at)

    def completed(self, position: int, now: float) -> None:
        """`playback_completed`: the queue ran empty, or was flushed on our word."""
        if not self.playing:
            return
        length = max(position - self._run_at, self._run_heard)
        rest = self._end - self.settled + self._run_heard - length
        if rest > 0 and self._crossed(rest, now):
            self._hear(length)  # the queue ran empty before the rest came, and before a barge-in did
            self.playing = False
        elif self._flush is None and 0 < rest < self._grid:
            # What was said to the end was heard to the end: the grid of a platform must not cut its last samples off.
            self._end_run(length + rest)
        else:
            self._end_run(length)

    def flush(self, now: float) -> None:
        """A barge-in leaves: what the platform holds will not be heard."""
        self._flush = _Flush(self.sent, now)
        if not self.waiting:
            self._flush = None

    def give_up(self, now: float) -> None:
        """The platform does not say what became of our audio: the clock tells."""
        until = self._flush.at if self._flush is not None else now
        if not self.playing and self._unsettled and until - self._unsettled[0].at >= _BEGINS:
            # This platform tells nothing of playback: it is taken to have played what it got when it got it.
            self._begin_run(self._unsettled[0].position, self._unsettled[0].at)
        if self.playing or self._flush is not None:
            self._end_run(int((until - self._run_began) * RATE) if self.playing else 0)

    def stop(self, position: int | None, now: float) -> None:
        """The session is over, and no more will be heard; `position` is None where none tells how far that is."""
        unconfirmed = self._flush is not None and now - self._flush.at > _CROSSING
        if self.playing and position is not None and not unconfirmed:
            self._end_run(position - self._run_at)
        else:
            self.give_up(now)
        self._drop(self.sent)

    def reached(self, now: float) -> int:
        """Index up to which samples were heard or thrown away by now, as far as the clock can tell."""
        if not self.playing:
            return self.settled
        ahead = int((now - self._run_began) * RATE) - self._run_heard
        return self.settled + max(0, min(self.waiting, ahead))

    def heard(self, start: int, end: int, now: float | None = None) -> int:
        """Samples of those from `start` to `end` that the caller has heard for certain; or, by the clock, by `now`."""
        end = min(end, self.settled if now is None else self.reached(now))
        lost = sum(max(0, min(last, end) - max(first, start)) for first, last in self._lost)
        return max(0, end - start - lost)

    def audible(self, position: int, samples: int) -> bytes:
        """What the caller hears of ours from a position of its stream on, as far as is known; silence beside that."""
        if not (self.playing and self.keeps):
            return ulaw.silence(samples)
        skip = position - self._run_at - self._run_heard
        parts = [ulaw.silence(min(samples, max(0, -skip)))]
        skip, wanted = max(0, skip), samples - len(parts[0])
        for chunk in self._unsettled:
            if wanted <= 0:
                break
            part = chunk.data[skip : skip + wanted]
            skip = max(0, skip - chunk.size)
            wanted -= len(part)
            parts.append(part)
        return b"".join((*parts, ulaw.silence(max(0, wanted))))

    def position_of(self, index: int) -> int | None:
        """Where on the caller's stream a sample of ours was heard; None if no run is known that holds it."""
        for first, position in reversed(self._runs):
            if first <= index:
                return position + index - first
        return None

    def _begin_run(self, position: int, now: float) -> None:
        self.playing = True
        self._run_at, self._run_began, self._run_heard = position, now, 0
        self._runs.append((self.settled, position))

    def _end_run(self, length: int) -> None:
        """The caller heard so much of this run; what a barge-in has reached is gone."""
        self._hear(length)
        self.playing = False
        if self._flush is not None:
            self._drop(self._flush.sent)
            self._flush = None

    @property
    def _end(self) -> int:
        """Index behind what the caller may still hear: a barge-in has thrown away the rest."""
        return self.sent if self._flush is None else self._flush.sent

    def _crossed(self, rest: int, now: float) -> bool:
        """Whether the last so many samples are whole messages that have just left: on the line, they crossed."""
        total = self._end - self.sent
        for chunk in reversed(self._unsettled):
            if total >= rest or now - chunk.at > _CROSSING:
                break
            total += chunk.size
        return total == rest

    def _hear(self, length: int) -> None:
        """The first `length` samples of this run were heard; none beyond a barge-in exists for the caller."""
        count = min(length - self._run_heard, self._end - self.settled)
        if count <= 0:
            return
        audio = self._take(count)
        if self._on_played is not None:
            self._on_played(self._run_at + self._run_heard, audio)
        self._run_heard += count

    def _drop(self, end: int) -> None:
        if end > self.settled:
            self._lost.append((self.settled, end))
            self._take(end - self.settled)

    def _take(self, count: int) -> bytes:
        self.settled += count
        parts = []
        while count > 0:
            chunk = self._unsettled.popleft()
            if chunk.size > count:
                self._unsettled.appendleft(chunk._replace(size=chunk.size - count, data=chunk.data[count:]))
                chunk = chunk._replace(size=count, data=chunk.data[:count])
            parts.append(chunk.data)
            count -= chunk.size
        return b"".join(parts)
