"""How often a bot answers too early, how late it answers, and how often it takes noise for speech.

    python benchmarks/turns.py [--part fresh|test|dev] [--sessions 36] [--policy default|eager|patient] [--harsh]

"early" are turns that were decided within, and "cut off" those of them in which the caller heard an answer before
going on. An answer's first sound comes `ANSWER` seconds after the decision, or once the turn has settled
(`TurnPolicy.settle`); a caller who goes on before that is not cut off: the answer is stopped as at any barge-in, and
the turn comes again as a whole (`offhook.bots.going_on`).

Frames of 200 ms, the default detector and recogniser on one core. Times run from the last sound of a turn to the moment
at which the handler would have the turn: silence, the rest of the frame, and the recogniser's CPU time are in it.
"""

from __future__ import annotations

import argparse
import asyncio
import math
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import rig
from corpus.timed import TimedPool
from corpus.turns import CONDITIONS, HARSH, RATE, Session, build

from offhook.speech import registry
from offhook.speech.engines import Recogniser
from offhook.speech.heard import ListenerEvent, SpeechStarted, TurnEnded
from offhook.speech.listening import Listener
from offhook.speech.turns import TurnPolicy
from offhook.testing import clock

FRAME = 1600
#: Seconds from a decision to the first sound that the caller hears: the default synthesiser's first piece of a short
#: sentence (`python benchmarks/first_audio.py`) and the platform's 20 ms frame.
ANSWER = 0.15
POLICIES = {"default": TurnPolicy(), "eager": TurnPolicy.eager(), "patient": TurnPolicy.patient()}


@dataclass
class Score:
    """What came out, in numbers of turns and seconds."""

    turns: int = 0
    early: int = 0
    cut_off: int = 0
    missed: int = 0
    delays: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    false_starts: int = 0
    false_turns: int = 0
    seconds: float = 0.0

    def add(self, other: Score) -> None:
        for name in ("turns", "early", "cut_off", "missed", "false_starts", "false_turns", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.delays += other.delays
        self.answers += other.answers

    def row(self, name: str) -> str:
        p50, p95 = (np.percentile(self.delays, (50, 95)) * 1000) if self.delays else (0, 0)
        early, cut = (100 * count / max(1, self.turns) for count in (self.early, self.cut_off))
        row = f"{name:16}{self.turns:6}{early:7.1f}%{cut:9.1f}%{self.missed:8}{p50:9.0f}{p95:8.0f}"
        if self.seconds:
            row += f"{60 * self.false_starts / self.seconds:9.2f}{60 * self.false_turns / self.seconds:9.2f}"
        return row


async def listen(session: Session, recogniser: Recogniser, policy: TurnPolicy, pool: TimedPool) -> list:
    """The events of a session with the moments at which they came."""
    loop = asyncio.get_running_loop()
    events: list[tuple[float, ListenerEvent]] = []
    pool.free_at = 0.0
    listener = Listener(
        lambda event: events.append((loop.time(), event)),
        vad=registry.vad("silero"),
        recogniser=recogniser,
        policy=policy,
        pool=pool,
    )
    for at in range(0, len(session.audio), FRAME):
        piece = session.audio[at : at + FRAME]
        await asyncio.sleep((at + len(piece)) / RATE - loop.time())
        listener.feed(piece, at)
    listener.flush()
    await listener.drain()
    listener.close()
    return events


def voice_after(events: list, ended: TurnEnded) -> float:
    """When the caller's voice came back after a turn, in seconds; infinity if nothing noticed it."""
    starts = (event.position / RATE for _, event in events if isinstance(event, SpeechStarted))
    return min((at for at in starts if at >= ended.end / RATE), default=math.inf)


def answered(at: float, turn: TurnEnded) -> float:
    """When a turn that was decided then is heard to be answered, in seconds."""
    return max(at + ANSWER, turn.settled_at / RATE)


def judge(session: Session, events: list, kinds: dict[str, Score], verbose: bool) -> Score:
    """Compares what was decided with what was said."""
    total = Score(seconds=len(session.audio) / RATE)
    ends = [(at, event) for at, event in events if isinstance(event, TurnEnded)]
    for index, turn in enumerate(session.turns):
        following = session.turns[index + 1].start if index + 1 < len(session.turns) else len(session.audio)
        mine = [(at, e) for at, e in ends if e.start < turn.end and e.end > turn.start]
        score = Score(turns=1)
        early = [(at, e) for at, e in mine if at < turn.end / RATE and e.recognised]
        late = [(at, e) for at, e in mine if at >= turn.end / RATE and at < following / RATE]
        last = [at for at, _ in late]
        score.early = bool(early)
        score.cut_off = any(answered(at, e) < voice_after(events, e) for at, e in early)
        score.missed = not mine
        score.delays = [last[-1] - turn.end / RATE] if last else []
        score.answers = [answered(*late[-1]) - turn.end / RATE] if late else []
        if verbose and (early or not mine or (last and last[-1] - turn.end / RATE > 0.8)):
            said = " | ".join(f"{e.text} @{at - turn.end / RATE:+.2f}" for at, e in mine)
            print(f"  {session.condition:12} {turn.kind:9} {said}")
        kinds[turn.kind].add(score)
        total.add(score)

    def real(start: int, end: int) -> bool:
        return any(start < turn.end + RATE // 5 and end > turn.start - RATE // 5 for turn in session.turns)

    for _, event in events:
        if isinstance(event, SpeechStarted) and not real(event.position, event.position + 1):
            total.false_starts += 1
        if isinstance(event, TurnEnded) and event.recognised and not real(event.start, event.end):
            total.false_turns += 1
            if verbose:
                print(f"  {session.condition:12} false     {event.text} ({event.end - event.start} samples)")
    return total


def interval(count: int, of: int) -> tuple[float, float]:
    """Per cent between which a share lies with a probability of 95%, as Wilson has it."""
    z, share = 1.96, count / of
    middle, spread = share + z * z / (2 * of), z * math.sqrt(share * (1 - share) / of + (z / (2 * of)) ** 2)
    return tuple(100 * (middle + sign * spread) / (1 + z * z / of) for sign in (-1, 1))  # type: ignore[return-value]


def tell(total: Score) -> None:
    """What it comes to, beside the targets."""
    low, high = interval(total.cut_off, total.turns)
    p50, p95 = np.percentile(total.delays, (50, 95)) * 1000
    first, latest = np.percentile(total.answers, (50, 95)) * 1000
    print(f"first sound of an answer after the end of speech: p50 {first:.0f} ms, p95 {latest:.0f} ms")
    print(f"cut off: between {low:.1f} and {high:.1f}% with a certainty of 95%, by so many turns")
    rig.judge("turns cut off", 100 * total.cut_off / total.turns, 3.0, form=".1f", unit="%")
    rig.judge("end of speech to decision, p50", p50, 450.0, form=".0f", unit=" ms")
    rig.judge("end of speech to decision, p95", p95, 800.0, form=".0f", unit=" ms")
    rig.judge("false starts a minute", 60 * total.false_starts / total.seconds, 0.5)


def measure(sessions: list[Session], policy: TurnPolicy, pool: TimedPool, verbose: bool = False) -> None:
    recogniser = registry.recogniser("moonshine")
    kinds: dict[str, Score] = defaultdict(Score)
    conditions: dict[str, Score] = defaultdict(Score)
    total = Score()
    pool.seconds = 0.0
    for session in sessions:
        events = clock.run(listen(session, recogniser, policy, pool))
        score = judge(session, events, kinds, verbose)
        conditions[session.condition].add(score)
        total.add(score)
    print(
        f"{'':16}{'turns':>6}{'early':>8}{'cut off':>10}{'missed':>8}"
        f"{'p50 ms':>9}{'p95 ms':>8}{'starts/m':>9}{'turns/m':>9}"
    )
    for name, score in [*sorted(kinds.items()), *sorted(conditions.items()), ("all", total)]:
        print(score.row(name))
    minutes = total.seconds / 60
    print(
        f"{minutes:.0f} minutes of callers; recognition took {pool.seconds / total.seconds:.3f} of a core for each call"
    )
    tell(total)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=("dev", "test", "fresh"), default="fresh")
    parser.add_argument("--sessions", type=int, default=36)
    parser.add_argument("--policy", choices=POLICIES, default="default")
    parser.add_argument("--verbose", action="store_true", help="show turns that were cut off, missed or late")
    parser.add_argument("--harsh", action="store_true", help="louder noise than most lines have")
    given = parser.parse_args()
    print(f"{given.part} part of the corpus, {given.policy} policy; starts/m and turns/m: false ones a minute")
    sessions = build(given.part, given.sessions, HARSH if given.harsh else CONDITIONS)
    measure(sessions, POLICIES[given.policy], TimedPool(), given.verbose)


if __name__ == "__main__":
    main()
