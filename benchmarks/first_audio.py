"""How long until the first audio of what a bot says? Milliseconds from `say()` to the first piece that can leave.

The text is as long as a caller would bear it; the first sentence decides, short or long. "cached" finds it on disk,
"streamed" is the same text from a language model that writes 40 words a second: the model's own time for the first
sentence is told beside it, for no engine can be faster. Speech and silence of a sentence count from its first sample:
the silence that the engine puts before it is cut, and shown as what it would cost.

Run: python benchmarks/first_audio.py [--rounds 30] [--engine hibari] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable

import numpy as np

from offhook import Engines
from offhook.bots.actors import Actors
from offhook.bots.speaker import Speaker
from offhook.speech import registry
from offhook.speech.cache import PromptCache
from offhook.speech.rendering import Piece
from offhook.speech.ssml import SSML

SHORT = "Thank you for calling. "
LONG = (
    "Thank you very much for calling the customer service of the northern railway company, where all of our agents are "
    "busy helping other travellers at the moment, so please stay on the line and we will be with you very shortly. "
)
REST = "Your call is important to us. Trains to the coast leave every half hour from platform nine. " * 12
MARKUP = "<prosody rate='fast' pitch='+5%'>Thank you for <emphasis>calling</emphasis>.</prosody><break/>"


async def first(pieces: AsyncGenerator[Piece, None]) -> float:
    """Seconds to the first audio."""
    began = time.perf_counter()
    try:
        async for piece in pieces:
            if piece.audio:
                return time.perf_counter() - began
    finally:
        await pieces.aclose()
    raise SystemExit("the engine said nothing")


async def written(text: str) -> AsyncIterator[str]:
    for word in text.split(" "):
        await asyncio.sleep(1 / 40)
        yield word + " "


async def measure(make: Callable[[], AsyncGenerator[Piece, None]], rounds: int) -> dict[str, float]:
    await first(make())
    times = sorted([await first(make()) * 1000 for _ in range(rounds)])
    return {"p50": statistics.median(times), "p95": times[int(0.95 * (len(times) - 1))], "max": times[-1]}


def lead(engine: str, text: str) -> float:
    """Milliseconds of silence that the engine puts before its first sentence."""
    synthesiser = registry.synthesiser(engine)
    sound = next(iter(synthesiser.synthesise(text)))
    loud = np.flatnonzero(np.abs(sound) > 0.01 * np.abs(sound).max())
    return 1000 * int(loud[0]) / synthesiser.rate


async def run(engine: str, rounds: int) -> dict[str, dict[str, float]]:
    fresh = Speaker(Actors(Engines(synthesiser=engine)))
    with tempfile.TemporaryDirectory() as folder:
        cached = Speaker(Actors(Engines(synthesiser=engine)), PromptCache(folder))
        markup = SSML(MARKUP + REST).document
        cases: dict[str, Callable[[], AsyncGenerator[Piece, None]]] = {
            "short first sentence": lambda: fresh.text(SHORT + REST, "en-US", None),
            "long first sentence": lambda: fresh.text(LONG + REST, "en-US", None),
            "SSML": lambda: fresh.markup(markup, "en-US", None),
            "streamed": lambda: fresh.stream(written(SHORT + REST), "en-US", None),
            "cached": lambda: cached.text(LONG + REST, "en-US", None),
        }
        async for _ in cached.text(LONG + REST, "en-US", None):
            pass  # what is cut short is not kept
        return {
            name: await measure(make, rounds if name != "streamed" else min(rounds, 10)) for name, make in cases.items()
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--engine", default="hibari")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = asyncio.run(run(arguments.engine, arguments.rounds))
    silence = lead(arguments.engine, SHORT)
    if arguments.json:
        print(json.dumps({"engine": arguments.engine, "first_audio_ms": rows, "lead_cut_ms": silence}))
        return
    print(f"{'first audio, ms':24}{'p50':>8}{'p95':>8}{'max':>8}")
    for name, row in rows.items():
        print(f"{name:24}{row['p50']:8.0f}{row['p95']:8.0f}{row['max']:8.0f}")
    print(f"the text has {len(SHORT + REST)} characters; the model needs 100 ms to write its first sentence")
    print(f"silence that the engine puts before its first word, and that is cut: {silence:.0f} ms")


if __name__ == "__main__":
    main()
