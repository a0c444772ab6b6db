"""What the calls of one process have seen in one second; seconds and processes are merged by addition."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

from .histogram import Histogram

#: Different texts of one kind that are kept: a server must not be able to fill a report.
_DISTINCT: Final = 50
OTHER: Final = "others"


class Tally(msgspec.Struct):
    """Counts and durations. All of them add up, whatever they are taken over.

    Attributes:
        placed: Calls begun.
        opened: Sessions opened.
        over: Calls, opened or not, that are over.
        closed: Sessions, once opened, that are over.
        failed: Calls that failed.
        completed: Calls ended by the server in good order.
        upgrade: From the first packet to the WebSocket.
        opening: From `open` to `opened`.
        ping: Round trips.
        echo: From a message's departure to the arrival of its last byte.
        jitter: Arrivals: how far apart two messages came, less what the first one played.
        gap: Silences that the caller heard because audio came too late.
        lag: By which messages of ours left late: the generator's own fault.
        frames_out: Audio messages sent.
        frames_in: Audio messages received.
        samples_in: Audio received, a channel.
        late_out: Messages that left more than 20 ms late.
        dropped: Samples not sent because the server read too slowly.
        echoed: Messages that came back whole, or at least to their last byte.
        missing: Samples that had not come back half a second after the last one was sent.
        repeated: Samples that came back again.
        foreign: Samples that were not of this call: another sound, or no longer to be recognised.
        keys: Keys pressed.
        events: Entities received.
        cpu: Seconds of processor that the generator took.
        violations: How often each rule was broken.
        tolerated: The same, of rules that do no harm.
        failures: How many calls failed for which reason.
    """

    placed: int = 0
    opened: int = 0
    over: int = 0
    closed: int = 0
    failed: int = 0
    completed: int = 0
    upgrade: Histogram = msgspec.field(default_factory=Histogram)
    opening: Histogram = msgspec.field(default_factory=Histogram)
    ping: Histogram = msgspec.field(default_factory=Histogram)
    echo: Histogram = msgspec.field(default_factory=Histogram)
    jitter: Histogram = msgspec.field(default_factory=Histogram)
    gap: Histogram = msgspec.field(default_factory=Histogram)
    lag: Histogram = msgspec.field(default_factory=Histogram)
    frames_out: int = 0
    frames_in: int = 0
    samples_in: int = 0
    late_out: int = 0
    dropped: int = 0
    echoed: int = 0
    missing: int = 0
    repeated: int = 0
    foreign: int = 0
    keys: int = 0
    events: int = 0
    cpu: float = 0.0
    violations: dict[str, int] = {}
    tolerated: dict[str, int] = {}
    failures: dict[str, int] = {}

    def merge(self, other: Tally) -> None:
        """Add another one."""
        for name in self.__struct_fields__:
            mine, its = getattr(self, name), getattr(other, name)
            if isinstance(mine, Histogram):
                mine.merge(its)
            elif isinstance(mine, dict):
                for text, count in its.items():
                    note(mine, text, count)
            else:
                setattr(self, name, mine + its)


def merged(tallies: Iterable[Tally]) -> Tally:
    """A new one with all of these."""
    whole = Tally()
    for tally in tallies:
        whole.merge(tally)
    return whole


def note(counts: dict[str, int], text: str, count: int = 1) -> None:
    """Count a text; those beyond a number of different ones share a place."""
    if text not in counts and len(counts) >= _DISTINCT:
        text = OTHER
    counts[text] = counts.get(text, 0) + count


class Spread(msgspec.Struct):
    """Durations of one call, milliseconds: fixed memory for thousands of calls."""

    count: int = 0
    mean: float = 0.0
    max: float = 0.0

    def record(self, seconds: float) -> None:
        self.count += 1
        ms = 1000 * seconds
        self.mean += (ms - self.mean) / self.count
        if ms > self.max:
            self.max = ms

    def rounded(self) -> Spread | None:
        """To microseconds; None if nothing was recorded."""
        return Spread(self.count, round(self.mean, 3), round(self.max, 3)) if self.count else None


class CallRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One call.

    Attributes:
        number: From 0, in the order in which they were to begin.
        session: UUID.
        outcome: `hangup` by us, `completed` by the server, `failed`.
        reason: Why it failed, or of the server's `disconnect`.
        at: Seconds from the start of the run to its beginning.
        seconds: How long it lasted.
        upgrade_ms: Until the WebSocket was there.
        opened_ms: From `open` to `opened`.
        ping: Round trips.
        echo: Latency of its audio.
        frames_out: Audio messages sent.
        frames_in: Audio messages received.
        missing: Samples sent that never came back; only where an echo is expected.
        gaps: Silences heard because audio came too late.
        gap_ms: The longest of them.
        violations: Rules that the server broke.
    """

    number: int
    session: str
    outcome: Literal["hangup", "completed", "failed"]
    reason: str
    at: float
    seconds: float
    upgrade_ms: float | None = None
    opened_ms: float | None = None
    ping: Spread | None = None
    echo: Spread | None = None
    frames_out: int = 0
    frames_in: int = 0
    missing: int = 0
    gaps: int = 0
    gap_ms: float = 0.0
    violations: tuple[str, ...] = ()
