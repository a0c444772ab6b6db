"""Felt latency: from the end of the caller's speech to the first sound of the bot that the caller hears, and its parts.

    python benchmarks/felt.py [--turns 12] [--calls 10] [--json]

A bot with the default engines behind the real server, on a real socket on loopback, in real time; callers are recorded
people, played by the real connector. Speech ends, and the answer begins, where the *sound* does in what the connector
recorded of both directions: nobody's word is taken for it. One call, then several at once on the same cores; callers
and bot share one process, so that what the callers cost is in it, too. The parts are medians:

    turn    end of speech until the bot decides that the turn is over and has its words
    hear    within that: the recogniser, from when it is asked (at the first pause) until it has answered, the wait for
            a thread included; the silence that ends a turn is waited out meanwhile
    code    until the bot's own code has asked for the answer to be said
    speech  until its first audio leaves the bot: synthesis, level, mu-law
    line    the rest: frames both ways, socket, the caller's player, silence before the first sound
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import uvloop
from corpus.turns import half
from rig import judge

from offhook import Bot, Call, CallEnded, connect
from offhook.audio import ulaw
from offhook.audio.ulaw import RATE
from offhook.bots.line import Line
from offhook.records import events as happenings
from offhook.session.reception import Reception
from offhook.session.server import Server
from offhook.speech import pool as pools
from offhook.speech.utterance import finish, transcribe
from offhook.testing.recordings import Recordings

TARGETS = {"p50": 900.0, "p95": 1500.0}
PATH = "/api/v1/audiohook/ws"
#: Of full scale: what is louder is sound, not the hiss of a recording.
LOUD = 0.01


@dataclass
class Figures:
    """Milliseconds of each answer, whole and in parts; answers that came too early or never are only counted."""

    felt: list[float] = field(default_factory=list)
    turn: list[float] = field(default_factory=list)
    hear: list[float] = field(default_factory=list)
    code: list[float] = field(default_factory=list)
    speech: list[float] = field(default_factory=list)
    early: int = 0
    missing: int = 0


class WatchedPool(pools.Pool):
    """The pool of the engines; tells how long it is from when the recogniser is asked until it has answered."""

    def __init__(self) -> None:
        super().__init__()
        self.took: list[float] = []

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> asyncio.Future[Any]:
        future = super().submit(function, *args, **kwargs)
        if function in (transcribe, finish):
            began = time.perf_counter()
            future.add_done_callback(lambda done: self._done(done, began))
        return future

    def _done(self, future: asyncio.Future[Any], began: float) -> None:
        if not future.cancelled():
            self.took.append((time.perf_counter() - began) * 1000)


def sounds(audio: bytes) -> np.ndarray:
    """Indices of samples that are loud."""
    return np.flatnonzero(np.abs(ulaw.to_float(audio)) > LOUD)


def make_bot(figures: Figures) -> Bot:
    bot = Bot("felt")

    @bot.handler
    async def answer(call: Call) -> None:
        await call.say("Hello, how can I help?")
        async for turn in call.turns():
            await call.say(f"You said: {turn.text}")

    decided: dict[str, float] = {}

    def on_event(line: Line, event: happenings.AnyEvent) -> None:
        match event:
            case happenings.TurnEnded(latency=latency) if latency is not None:
                decided[line.session_id] = time.perf_counter()
                figures.turn.append(latency * 1000)
            case happenings.SayStarted() if line.session_id in decided:
                figures.code.append((time.perf_counter() - decided.pop(line.session_id)) * 1000)
            case happenings.SayEnded(latency=latency) if latency is not None:
                figures.speech.append(latency * 1000)

    bot.watch(on_event)
    return bot


async def caller(uri: str, clips: list[bytes], figures: Figures) -> None:
    """One call: says all of it, each when the bot has answered, and measures what was recorded."""
    said: list[tuple[int, int]] = []
    async with connect(uri) as call:
        await call.listen(20)
        for clip in clips:
            try:
                await call.wait(0.4)
                began = call.link.position
                await call.play(clip)
                await call.listen(20)
            except CallEnded:
                break
            said.append((began, call.link.position))
        ours, theirs = call.recording()
    figures.missing += len(clips) - len(said)
    for begin, end in said:
        speech, answer = sounds(ours[begin:end]), sounds(theirs[begin:end])
        if not len(speech) or not len(answer):
            figures.missing += 1
            continue
        felt = (int(answer[0]) - int(speech[-1])) / RATE * 1000
        if felt <= 0:
            figures.early += 1
        else:
            figures.felt.append(felt)


async def measure(calls: int, clips: list[bytes], pool: WatchedPool) -> Figures:
    figures = Figures()
    pool.took = figures.hear
    bot = make_bot(figures)
    await bot.load()
    async with Server(Reception(bot)) as server:
        uri = f"ws://127.0.0.1:{server.port}{PATH}"

        async def one(number: int) -> None:
            await asyncio.sleep(number * 0.37)  # nobody's calls come in step
            await caller(uri, clips[number:] + clips[:number], figures)

        await asyncio.gather(*map(one, range(calls)))
        await bot.quiet()
    return figures


def summary(figures: Figures) -> dict[str, float]:
    """A row of the table; what could not be had is NaN, and the counts tell why."""
    felt = sorted(figures.felt) or [math.nan]
    row = {"p50": statistics.median(felt), "p95": felt[min(len(felt) - 1, int(0.95 * len(felt)))], "max": felt[-1]}
    turn, hear, code, first = (
        statistics.median(part or [math.nan]) for part in (figures.turn, figures.hear, figures.code, figures.speech)
    )
    parts = {"turn": turn, "hear": hear, "code": code, "speech": first - code, "line": row["p50"] - turn - first}
    counts = {"answers": len(figures.felt), "early": figures.early, "missing": figures.missing}
    return row | parts | counts


def phrases(count: int) -> tuple[list[bytes], str]:
    """So many things that a caller says, and where they come from."""
    recordings = Recordings.find()
    keys = [
        key for key, clip in sorted(recordings.clips.items())
        if half(key) == "test" and 3 <= len(clip.text.split()) <= 10
        and clip.text[-1] in ".!?" and "..." not in clip.text
    ] or sorted(recordings.clips)  # fmt: skip
    chosen = np.random.default_rng(7).permutation(len(keys))[:count]
    return [recordings.phrase(keys[number])[0] for number in chosen], recordings.origin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--turns", type=int, default=12, help="of each call")
    parser.add_argument("--calls", type=int, default=10, help="at once, in the second row")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    clips, origin = phrases(given.turns)
    pool = WatchedPool()
    pools.shared = lambda: pool
    rows = {str(calls): summary(uvloop.run(measure(calls, clips, pool))) for calls in sorted({1, given.calls})}
    if given.json:
        print(json.dumps({"felt_ms": rows, "targets_ms": TARGETS, "recordings": origin}))
        return
    names = ("answers", "early", "missing", "p50", "p95", "max", "turn", "hear", "code", "speech", "line")
    print("felt latency, ms" + " " * 4 + "".join(f"{name:>9}" for name in names))
    for calls, row in rows.items():
        print(f"{calls + ' at once':20}" + "".join(f"{row[name]:9.0f}" for name in names))
    for calls, row in rows.items():
        for name, most in TARGETS.items():
            judge(f"felt latency, {calls} at once, {name}", row[name], most, form=".0f", unit=" ms")


if __name__ == "__main__":
    main()
