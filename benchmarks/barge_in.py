"""How fast a bot falls silent when the caller cuts in, how often it does so for nothing, and how often it does not.

    python benchmarks/barge_in.py [--prompts 40] [--only ROW] [--part test|dev]
    python benchmarks/barge_in.py --cost

Real sessions in memory on a virtual clock: the connector's player plays the bot to the caller, tick by tick, and what
the caller's line brings back is the caller's voice, the echo of what was played (a speakerphone: delay and room of its
own for each call, 15 dB below the bot) and pink noise 10 dB below a caller's voice. Frames of 200 ms. Engines really
run; their CPU time passes on the virtual clock. The stop time runs from the caller's first sound to the last sample of
the bot that the caller hears. `--cost` tells instead what the echo guard and the voice detector cost the event loop.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
import rig
from corpus.timed import TimedPool
from corpus.turns import RATE, half

from offhook.audio import ulaw
from offhook.audio.echo import AHEAD, EchoGuard
from offhook.bots import Bot, Call, Engines, Playback
from offhook.connector import Call as Caller
from offhook.connector import new_session, opening
from offhook.protocol import CONNECTOR
from offhook.records.events import BargeIn, SayHeld, SayResumed
from offhook.session.connection import Connection
from offhook.session.memory import join
from offhook.session.reception import Reception
from offhook.session.wire import UpgradeRequest
from offhook.speech import pool as pools
from offhook.speech import registry
from offhook.speech.engines import Float32
from offhook.speech.speaking import telephone
from offhook.testing import clock, noise
from offhook.testing.recordings import Recordings

PROMPTS = [
    "Thank you for calling. Your parcel was handed over to the carrier this morning and will reach you on Friday.",
    "You can hear your balance, pay a bill, or speak to somebody in our service centre. What would you like to do?",
    "The next appointment that I can offer you is on Tuesday the third of March at half past nine in the morning.",
]
#: Name, decibels of the echo against the bot, what the caller does.
ROWS: tuple[tuple[str, float | None, str], ...] = (
    ("nobody speaks, no echo", None, "none"),
    ("nobody speaks, echo -15 dB", -15.0, "none"),
    ("nobody speaks, echo -9 dB", -9.0, "none"),
    ("caller cuts in, no echo", None, "speech"),
    ("caller cuts in, echo -15 dB", -15.0, "speech"),
    ("caller says mhm, echo -15 dB", -15.0, "sign"),
    ("caller coughs, echo -15 dB", -15.0, "cough"),
)
#: Of a caller's voice, as the recordings have it.
LEVEL = 0.05
#: Milliseconds of voice that the detector needs: `TurnPolicy.onset` in whole frames of Silero.
NEED = 128
BACKCHANNELS = ["Mm-hmm.", "Okay.", "Mhm.", "Right.", "Uh-huh."]


@dataclass
class Line:
    """What the caller's line does in one call: it echoes, hisses, and carries a voice from some sample on."""

    rng: np.random.Generator
    echo: float | None
    voice: Float32
    at: int
    level: float
    position: int = 0
    sounded: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        room = np.zeros(int(0.15 * RATE))
        ring = np.arange(len(room))
        room += self.rng.standard_normal(len(room)) * np.exp(-ring * 6.9 / (0.2 * RATE)) * 0.1
        room[0] = 1.0
        self._room = room / np.sqrt(np.square(room).sum())
        self._delay = int(self.rng.uniform(0.02, 0.3) * RATE)
        self._past = np.zeros(self._delay + len(room) + RATE)
        self._noise = noise.telephone(noise.pink(60 * RATE, self.rng)) * np.float32(self.level * 10 ** (-10 / 20))

    def exchange(self, heard: bytes) -> tuple[bytes, bytes]:
        """What a leg of the connector does."""
        count = len(heard)
        pcm = ulaw.to_float(heard)
        if np.abs(pcm).max() > 0.002:
            self.sounded.append((self.position, self.position + count))
        self._past = np.concatenate((self._past[count:], pcm))
        line = self._noise[self.position : self.position + count].astype(np.float64)
        if self.echo is not None:
            window = self._past[len(self._past) - self._delay - count - len(self._room) + 1 :][
                : count + len(self._room) - 1
            ]
            line = line + np.convolve(window, self._room, "valid") * 10 ** (self.echo / 20)
        first = max(0, self.at - self.position)
        part = self.voice[max(0, self.position - self.at) : max(0, self.position + count - self.at)]
        line[first : first + len(part)] += part
        self.position += count
        return ulaw.from_float(line.astype(np.float32)), heard


@asynccontextmanager
async def calling(bot: Bot, line: Line) -> AsyncIterator[Caller]:
    session = new_session(opening(CONNECTOR), CONNECTOR)
    reception = Reception(bot)
    request = UpgradeRequest("/bot", {"upgrade": "websocket", "audiohook-session-id": session.id}, "bench")

    async def dial(connection: Connection) -> None:
        receiver = reception.accept(request)
        connection.session.open()
        join(connection, receiver)  # type: ignore[arg-type]

    caller = Caller(session, dial)
    caller._leg = line  # type: ignore[assignment]
    async with caller:
        yield caller


@dataclass
class Outcome:
    """One prompt: what the bot made of it, and when it was last heard before the caller had been silent for a while."""

    interrupted: bool
    held: int
    resumed: int
    stop: float | None


async def one(bot: Bot, line: Line, prompt: str) -> Outcome:
    said: list[Playback] = []
    events: list[object] = []
    bot.watchers.clear()
    bot.prompt, bot.said = prompt, said
    bot.watch(lambda _, event: events.append(event))
    async with calling(bot, line) as caller:
        await caller.result()
    stop = None
    after = [end for start, end in line.sounded if line.at <= start]
    if said[0].interrupted and after:
        stop = (max(after) - line.at) / RATE
    held = sum(isinstance(event, SayHeld) for event in events)
    assert said[0].interrupted == any(isinstance(event, BargeIn) for event in events)
    return Outcome(said[0].interrupted, held, sum(isinstance(e, SayResumed) for e in events), stop)


class Bench(Bot):
    """Says one prompt, and gives the caller time to finish."""

    prompt = ""
    said: list[Playback]

    @property
    def watchers(self) -> list:
        return self._watchers


def make_bot() -> Bench:
    engines = Engines(lambda: registry.vad("silero"), registry.recogniser("moonshine"), registry.synthesiser("hibari"))
    bot = Bench("bench", engines=engines)

    @bot.handler
    async def handler(call: Call) -> None:
        bot.said.append(await call.say(bot.prompt))
        await asyncio.sleep(1.5)

    return bot


def print_costs() -> None:
    """CPU time of this thread, median of 300 pieces: of an echo that is there all the time, and of none."""
    rng = np.random.default_rng(7)
    piece = RATE // 5
    played = (rng.standard_normal(310 * piece) * 0.05).astype(np.float32)
    heard = np.roll(played, 1200) * np.float32(10 ** (-15 / 20))
    heard += rng.standard_normal(len(heard)).astype(np.float32) * np.float32(0.01)
    silence = np.zeros(piece + AHEAD, np.float32)
    speaking, silent, silero = EchoGuard(), EchoGuard(), registry.vad("silero")

    def cost(name: str, run: Callable[[int], object]) -> None:
        times = []
        for index in range(300):
            began = time.thread_time_ns()
            run(index)
            times.append((time.thread_time_ns() - began) / 1000)
        print(f"{name:50}{np.median(times):8.0f} us")

    def hear(index: int) -> object:
        at = index * piece
        return speaking.clean(heard[at : at + piece], played[at : at + piece + AHEAD])

    cost("echo guard, 200 ms, echo at -15 dB", hear)
    cost("echo guard, 200 ms, bot is silent", lambda i: silent.clean(heard[i * piece : (i + 1) * piece], silence))
    cost("Silero, 32 ms", lambda index: silero.score(heard[index * silero.frame : (index + 1) * silero.frame]))


class Voices:
    """Makes callers: recordings of one half of the corpus, signs of listening, coughs."""

    def __init__(self, part: str) -> None:
        self._recordings = Recordings.find()
        self._seed = 7 if part == "test" else 8
        self._replies = [
            key for key, clip in sorted(self._recordings.clips.items())
            if half(key) == part and 3 <= len(clip.text.split()) <= 10
            and "..." not in clip.text and clip.text[-1] in ".!?"
        ]  # fmt: skip
        synthesiser = registry.synthesiser("hibari")
        self._signs = [
            ulaw.to_float(b"".join(telephone(synthesiser, text, voice=None, language=None))) for text in BACKCHANNELS
        ]

    def line(self, kind: str, number: int, echo: float | None) -> Line:
        rng = np.random.default_rng([self._seed, number])
        voice = np.zeros(0, np.float32)
        if kind == "speech":
            voice = ulaw.to_float(self._recordings.phrase(self._replies[rng.integers(len(self._replies))])[0])
        elif kind == "sign":
            voice = self._signs[rng.integers(len(self._signs))]
        elif kind == "cough":
            voice = noise.cough(rng) * np.float32(0.3)
        if kind == "speech" or kind == "sign":
            voice = voice * np.float32(LEVEL / noise.speech_level(voice))
        at = int(rng.uniform(1.0, 3.5) * RATE)
        return Line(rng, echo, noise.telephone(voice) if len(voice) else voice, at, LEVEL)


def print_row(name: str, kind: str, outcomes: list[Outcome]) -> None:
    count, stopped = len(outcomes), sum(o.interrupted for o in outcomes)
    held, resumed = sum(o.held > 0 for o in outcomes), sum(o.resumed > 0 for o in outcomes)
    stops = [o.stop * 1000 for o in outcomes if o.stop is not None]
    p50, p95 = np.percentile(stops, (50, 95)) if stops else (math.nan, math.nan)
    times = f"{p50:10.0f}{p95:7.0f}" if kind == "speech" else ""
    print(f"{name:34}{count:8}{stopped:9}{held:7}{resumed:9}{times}", flush=True)
    if kind == "speech":
        rig.judge(f"{name}: last sound of the bot, p95", p95, 300.0 + NEED, form=".0f", unit=" ms")
        rig.judge(f"{name}: not stopped", 100 * (count - stopped) / count, 2.0, form=".1f", unit="%")
    else:
        rig.judge(f"{name}: stopped for nothing", 100 * stopped / count, 1.0, form=".1f", unit="%")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=40, help="of each kind")
    parser.add_argument("--only", default="", help="rows whose name holds this")
    parser.add_argument("--part", choices=("dev", "test"), default="test", help="half of the recordings")
    parser.add_argument("--cost", action="store_true", help="only the CPU time of the echo guard and of the detector")
    given = parser.parse_args()
    if given.cost:
        return print_costs()
    pool = TimedPool()
    pools.shared = lambda: pool  # type: ignore[assignment]
    voices, bot = Voices(given.part), make_bot()
    print(f"{'':34}{'prompts':>8}{'stopped':>9}{'held':>7}{'went on':>9}{'stop p50':>10}{'p95':>7}")
    for name, echo, kind in ROWS:
        if given.only not in name:
            continue
        outcomes = []
        for number in range(given.prompts):
            line = voices.line(kind, number, echo)
            pool.free_at = 0.0
            outcomes.append(clock.run(one(bot, line, PROMPTS[number % len(PROMPTS)])))
        print_row(name, kind, outcomes)


if __name__ == "__main__":
    main()
