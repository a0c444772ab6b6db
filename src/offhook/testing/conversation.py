"""Two bots that talk to each other: each has a call of its own, and what one says is what the other one hears.

Then it is held against each other what the bot, its ledger and its recording, and the platform's side say of the same
samples. Recordings of the platform's side go to disk as they come, so that the memory of a long talk tells something.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..audio import ulaw, wav
from ..bots import Bot
from ..bots import Call as BotCall
from ..bots.line import Line
from ..connector.call import Call
from ..connector.recorder import Recorder
from ..connector.stream import FRAME_MS, frame_samples
from ..protocol import Role
from ..records import events as happenings

#: Samples of a frame of the platform's side.
FRAME: Final = frame_samples(FRAME_MS)
#: Seconds after which a bot speaks although nobody has said anything.
PATIENCE: Final = 6.0


@dataclass(slots=True)
class Talker:
    """A bot of the talk, and what became of its call.

    Attributes:
        bot: Says one of its sentences whenever the other one has finished.
        over: Set it, and the bot ends the call when it has been heard.
        turns: How many it understood.
        understood: The last of them, as it understood them.
        answered: Set once it has understood one.
        position: Of the caller's stream at the end, as the bot counted it, in samples.
        sent: Samples of its own that left.
        played: Of these, those that were heard, as its ledger has it.
        outcome: How its call ended.
        wired: Samples of the caller that were on the wire: `tap` counts them, and is the `trace` of the call.
    """

    bot: Bot
    over: bool = False
    turns: int = 0
    understood: deque[str] = field(default_factory=lambda: deque(maxlen=8))
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    position: int = -1
    sent: int = 0
    played: int = 0
    outcome: str = ""
    wired: int = 0

    def tap(self, sender: Role, data: str | bytes, now: float) -> None:
        if sender is Role.CLIENT and isinstance(data, bytes):
            self.wired += len(data)

    def watch(self, line: Line, event: happenings.AnyEvent) -> None:
        match event:
            case happenings.SayEnded():
                self.sent += event.sent
                self.played += event.played
            case happenings.CallEnded():
                self.position, self.outcome = line.position, event.outcome


def talker(bot: Bot, sentences: Sequence[str], *, begins: bool) -> Talker:
    """Give a bot what it says, and whether it begins. It is not to be cut off, and does not wait for ever."""
    talk = Talker(bot)

    @bot.handler
    async def converse(call: BotCall) -> None:
        said = 0
        if begins:
            await call.say(sentences[0], interruptible=False)
        while not talk.over:
            turn = await call.listen(timeout=PATIENCE)
            if turn is not None:
                talk.turns += 1
                talk.understood.append(turn.text)
                talk.answered.set()
            said += 1
            await call.say(sentences[said % len(sentences)], interruptible=False)

    bot.watch(talk.watch)
    return talk


class End:
    """A leg of the bridge: says what the other end hears. Both are on one ticker, and lose nothing to each other."""

    def __init__(self) -> None:
        self.other: End
        self._inbox: deque[bytes] = deque()
        self._there = False

    def exchange(self, heard: bytes) -> tuple[bytes, bytes]:
        """See `Leg`."""
        self._there = True
        if self.other._there:
            self.other._inbox.append(heard)
        said = self._inbox.popleft() if self._inbox else ulaw.silence(len(heard))
        return said, heard


def bridge() -> tuple[End, End]:
    """Two legs that are joined."""
    one, two = End(), End()
    one.other, two.other = two, one
    return one, two


class OnDisk(Recorder):
    """A recorder whose lanes are two files of mu-law."""

    __slots__ = ("_count", "_files", "_paths")

    def __init__(self, so_far: Recorder, folder: Path) -> None:
        super().__init__()
        folder.mkdir(parents=True)
        self._paths = folder / "said.ulaw", folder / "heard.ulaw"
        self._files = self._paths[0].open("wb"), self._paths[1].open("wb")
        self._count = 0
        self.add(*so_far.lanes())

    @property
    def samples(self) -> int:
        return self._count

    def add(self, external: bytes, internal: bytes) -> None:
        for file, lane in zip(self._files, (external, internal), strict=True):
            file.write(lane)
        self._count += len(external)

    def lanes(self) -> tuple[bytes, bytes]:
        for file in self._files:
            file.flush()
        return self._paths[0].read_bytes(), self._paths[1].read_bytes()

    def heard(self, start: int, end: int) -> bytes:
        return self.lanes()[1][start:end]

    def close(self) -> None:
        for file in self._files:
            file.close()


@dataclass(slots=True)
class Drift:
    """What does not agree at the end of one call, in samples: all of it is 0 if nothing drifts.

    Attributes:
        position: Between the caller's samples that were on the wire and the bot's position.
        ledger: Between what the bot holds for heard and what the platform's side played.
        lost: Of what the bot sent, samples that were not heard: nobody cuts in here.
        said: Samples of the caller's lane that differ in the two recordings, up to the bot's position.
        heard: Samples of the bot's lane that differ.
        unsent: Samples that the platform recorded of the caller and never sent. The session ends with the bot's
            `disconnect`, between two frames: what was captured for the frame that is not full yet stays there. It is no
            drift as long as it is less than that frame.
        seconds: How long the call was.
    """

    position: int
    ledger: int
    lost: int
    said: int
    heard: int
    unsent: int
    seconds: float
    problems: list[str] = field(default_factory=list)

    @property
    def none(self) -> bool:
        apart = self.position or self.ledger or self.lost or self.said or self.heard or self.problems
        return not apart and 0 <= self.unsent < FRAME


async def until_over(calls: Sequence[Call], talkers: Sequence[Talker]) -> None:
    """Let both bots come to an end of what they say, and their calls end well."""
    for talk in talkers:
        talk.over = True
    async with asyncio.timeout(120):
        await asyncio.gather(*(call.result() for call in calls))


def drift(call: Call, talk: Talker, folder: Path) -> Drift:
    """Hold both sides of a call that is over against each other.

    Args:
        call: The platform's side.
        talk: The bot's.
        folder: Where the bot has kept this call.
    """
    kept = wav.read_ulaw(folder / "audio.wav", 2)
    lanes = call.recording()
    played = sum(run.heard for run in call.link.playbacks)
    problems = [violation.rule for violation in call.snapshot().violations]
    if talk.outcome != "completed":
        problems.append(f"the call ended with {talk.outcome or 'nothing'}")
    return Drift(
        position=talk.wired - talk.position,
        ledger=played - talk.played,
        lost=talk.sent - talk.played,
        said=differing(kept[0], lanes[0][: talk.position]),
        heard=differing(kept[1], lanes[1]),
        unsent=len(lanes[0]) - talk.wired,
        seconds=call.session.position / ulaw.RATE,
        problems=problems,
    )


def differing(one: bytes, other: bytes) -> int:
    """Samples that differ; beyond the end of the shorter one, those that are not silence."""
    size = min(len(one), len(other))
    tail = one[size:] + other[size:]
    rest = len(tail) - tail.count(ulaw.SILENCE)
    if one[:size] == other[:size]:
        return rest
    return rest + sum(a != b for a, b in zip(one[:size], other[:size], strict=True))
