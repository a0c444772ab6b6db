"""How long bot audio waits before it is heard, and how much of that a stream turns out not to need. It counts samples.

A bot that streams in real time needs a cushion against its own unsteadiness, and how large only shows while it speaks.
The cushion begins at what most need; what comes late makes it larger for the next time, and what never was late makes
it smaller. Of the silence that was put in front of a stream, what it does not need can be taken back where nobody hears
it. What a bot sends ahead on purpose is its own and stays.
"""

from __future__ import annotations

from typing import Final

from ..audio import ulaw

TICK: Final = 160
"""Samples of 20 ms, the packet time of telephony."""

CUSHION: Final = 2 * TICK
"""Samples that audio waits before its run begins, before anything is known of the bot."""

#: Least and most that it becomes.
_LEAST, _MOST = TICK, 6 * TICK
#: Samples since something came after which what comes is no longer late, but new.
_LATE: Final = 2 * ulaw.RATE // 5
#: Samples of playing after which a bot is judged, if it has sent so often meanwhile: who knows only few arrivals
#: does not know the worst.
_SPAN: Final = 2 * ulaw.RATE
_OFTEN: Final = 25
#: Samples by which what was least early may still be later next time, beside all by which arrivals differed so far.
_MARGIN: Final = TICK // 2


class Slack:
    """Watches one queue.

    Args:
        cushion: Samples that audio waits at first.
        adapts: Whether it becomes another one, and anything is taken back.

    Attributes:
        cushion: Samples that audio waits before its next run begins.
        surplus: Samples that wait and are not needed: they may be taken back.
    """

    __slots__ = (
        "_adapts", "_arrivals", "_came", "_dry", "_given", "_least", "_since", "_spare", "_spare_most", "_time",
        "cushion", "surplus",
    )  # fmt: skip

    def __init__(self, cushion: int = CUSHION, *, adapts: bool = True) -> None:
        self._adapts = adapts
        self.cushion = cushion
        self._since = _LATE + 1  # since something came
        self._dry = 0  # of that, without anything to play
        self._given = 0  # silence in front of the stream that has not been taken back
        self._watch()

    def _watch(self) -> None:
        self.surplus = self._time = self._came = self._arrivals = self._spare_most = 0
        self._spare = self._least = _SPAN

    def came(self, samples: int, waiting: int, since: int) -> None:
        """So much has come, while so much waited, so many samples of time after the last tick."""
        if self._dry:
            goes_on = self._since <= _LATE
            self._given = self._given + self._dry if goes_on else 0
            if goes_on and self._dry <= _MOST and self._adapts:
                self.cushion = min(_MOST, self.cushion + TICK)
            self._dry = 0
        self._since = 0
        self._came += samples
        self._arrivals += 1
        self._least = min(self._least, waiting)
        spare = waiting + TICK - since
        self._spare, self._spare_most = min(self._spare, spare), max(self._spare_most, spare)

    def began(self, waited: int) -> None:
        """A run begins after so many samples of cushion."""
        self._given += waited
        self._watch()

    def ran_dry(self, samples: int) -> None:
        """For so long there was nothing to play."""
        self._since += samples
        self._dry += samples

    def played(self, samples: int) -> None:
        """So much was played."""
        self._since += samples
        self._time += samples
        if self._adapts and self._time >= _SPAN and self._arrivals >= _OFTEN:
            self._judge()

    def _judge(self) -> None:
        least, steady = self._least, abs(self._came - self._time) <= self._time // 10
        early = 2 * self._spare - self._spare_most - _MARGIN
        self._watch()
        if early >= TICK:
            self.cushion = min(self.cushion, max(_LEAST, self.cushion - TICK))
        if steady:
            self.surplus = max(0, min(self._given, least, early))

    def taken_back(self, samples: int) -> None:
        """So much was left out."""
        self._given -= samples
        self._watch()

    def flushed(self) -> None:
        """What waited was thrown away: what comes is new."""
        self._since, self._given = _LATE + 1, 0
        self._watch()
