"""What does one frame of audio cost? Microseconds of CPU for each function of `offhook.audio` on the path of a call.

Run: python benchmarks/codecs.py
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from offhook.audio import (
    DtmfDetector,
    Framer,
    Resampler,
    UlawWriter,
    alaw,
    interleave,
    l16,
    mix_ulaw,
    split,
    tones,
    ulaw,
)

SIZES = (160, 800, 1600, 3200)  # bytes of mu-law: 20, 100, 200 and 400 ms of one channel
ROUNDS = 7
SECONDS_A_ROUND = 0.02


def microseconds(work: Callable[[], object]) -> float:
    """Median over some rounds, each long enough for the clock."""
    work()
    started, calls = time.process_time(), 0
    while time.process_time() - started < SECONDS_A_ROUND:
        work()
        calls += 1
    rounds = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(calls):
            work()
        rounds.append((time.process_time() - started) / calls * 1e6)
    return statistics.median(rounds)


def jobs(size: int, folder: Path) -> dict[str, Callable[[], object]]:
    """Each line of the table: work on one frame of so many samples."""
    pcm = np.random.default_rng(1).normal(0, 3000, size).astype(np.int16)
    keys = np.resize(tones.dtmf("1", on=0.1, off=0.1), size)
    data = ulaw.encode(pcm)
    samples = ulaw.to_float(data)
    samples24 = np.random.default_rng(1).normal(0, 0.1, size * 3).astype(np.float32)
    wide = l16.encode(pcm)
    framer, detector = Framer(1600), DtmfDetector()
    up, down, up_file = Resampler(8000, 16000), Resampler(24000, 8000), Resampler(8000, 16000, "file")
    writer = UlawWriter(folder / f"{size}.wav", 1)
    return {
        "ulaw.decode": lambda: ulaw.decode(data),
        "ulaw.to_float": lambda: ulaw.to_float(data),
        "ulaw.encode": lambda: ulaw.encode(pcm),
        "ulaw.from_float": lambda: ulaw.from_float(samples),
        "ulaw.level_dbfs": lambda: ulaw.level_dbfs(data),
        "alaw.decode": lambda: alaw.decode(data),
        "l16.decode, little-endian": lambda: l16.decode(wide),
        "l16.decode, big-endian": lambda: l16.decode(wide, "big"),
        "split, 2 channels": lambda: split(data, 2),
        "interleave, 2 lanes": lambda: interleave([data, data]),
        "mix_ulaw": lambda: mix_ulaw(data, data),
        "Framer.push, frames of 1600": lambda: framer.push(data),
        "Resampler 8 -> 16 kHz, live": lambda: up.push(samples),
        "Resampler 24 -> 8 kHz, live": lambda: down.push(samples24),
        "Resampler 8 -> 16 kHz, file": lambda: up_file.push(samples),
        "DtmfDetector.push": lambda: detector.push(keys),
        "UlawWriter.write": lambda: writer.write(data),
    }


def main() -> None:
    print(f"{'CPU us a frame of':<30}" + "".join(f"{size:>8} B" for size in SIZES))
    with tempfile.TemporaryDirectory() as folder:
        table = [jobs(size, Path(folder)) for size in SIZES]
        for name in table[0]:
            print(f"{name:<30}" + "".join(f"{microseconds(column[name]):>10.2f}" for column in table))


if __name__ == "__main__":
    main()
