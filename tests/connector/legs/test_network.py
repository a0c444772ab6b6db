"""Calls over bad networks through the real stack: what is said stays audible, in its place, and does not click.

Media must not wait for other work of the machine: where that may be, these tests run with real-time priority.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress

import numpy as np
import pytest
from tests.spoken import says

from offhook.audio import tones, ulaw

from ..lines import Bot, echo
from .caller import Network, Packet, calling, packets
from .test_baresip import answering, until

TONE = ulaw.encode(tones.tone(437, 5.0, -12))
#: The largest step between two samples of it.
STEP = int(np.abs(np.diff(ulaw.decode(TONE).astype(int))).max())
#: Samples that the stack's jitter buffer and our queue may hold together, by their settings: 400 ms and 200 ms.
BOUND = (400 + 200) * 8


@pytest.fixture(autouse=True)
def priority() -> Iterator[None]:
    """Threads that are started meanwhile, the stack's, have it too."""
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(5))
    yield
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def speech() -> bytes:
    return b"".join(says(key) for key in ("confbridge-lock-no-join", "confbridge-begin-glorious-a"))[: 5 * ulaw.RATE]


async def through(network: Network, sent: Sequence[Packet], milliseconds: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """What the bot hears of packets, and what of its echo comes back to the caller: linear samples."""
    bot = Bot(echo)
    async with answering(bot) as world, calling(world.port, milliseconds=milliseconds) as caller:
        await until(lambda: bot.heard)
        before = len(bot.heard)
        await caller.send(network.plan(sent))
        whole = before + sum(len(packet.payload) for packet in sent) + BOUND
        await until(lambda: len(bot.heard) >= whole and len(caller.heard) >= whole - before)
    return ulaw.decode(bot.heard), ulaw.decode(bytes(caller.heard))


def found(said: bytes, heard: np.ndarray) -> list[tuple[float, int]]:
    """Where each 300 ms of what was said are heard: how like they are (1: the same), and how many samples later."""
    whole, heard = ulaw.decode(said).astype(float), heard.astype(float)
    places = []
    for at in range(0, len(whole) - 2_400, 2_400):
        piece = whole[at : at + 2_400]
        if piece.std() < 500:
            continue  # a pause is found anywhere
        power = np.sqrt(np.convolve(heard**2, np.ones(2_400), "valid") * (piece**2).sum() + 1)
        alike = np.correlate(heard, piece, "valid") / power
        best = int(alike.argmax())
        places.append((float(alike[best]), best - at))
    return places


def clicks(heard: np.ndarray) -> int:
    """Steps of a tone that are larger than its own."""
    loud = np.flatnonzero(np.abs(heard) > 2_000)
    body = heard[loud[0] : loud[-1]].astype(int)  # before the first and behind the last is none of the network's doing
    return int((np.abs(np.diff(body)) > 1.4 * STEP).sum())


def longest_silence(heard: np.ndarray) -> float:
    """Seconds within a tone in which nothing is heard."""
    loud = np.flatnonzero(np.abs(heard) > 500)
    return float(np.diff(loud).max()) / ulaw.RATE


@pytest.mark.parametrize(
    ("network", "alike", "spread"),
    [
        (Network(), 0.98, 320),
        (Network(delay=0.06), 0.95, 800),
        (Network(delay=0.06, loss=0.02), 0.85, 960),
        (Network(loss=0.06, burst=3), 0.75, 800),
    ],
)
async def test_speech_stays_audible_and_in_its_place(network, alike, spread):
    said = speech()
    heard, back = await through(network, packets(said))
    places = found(said, heard)
    assert len(places) >= 8
    assert np.median([likeness for likeness, _ in places]) > alike
    lags = [lag for likeness, lag in places if likeness > 0.7]
    assert len(lags) >= 0.7 * len(places)
    assert max(lags) - min(lags) <= spread
    assert np.median([likeness for likeness, _ in found(said, back)]) > alike - 0.1  # what we send is clean


@pytest.mark.parametrize("network", [Network(loss=0.03), Network(loss=0.06, burst=3), Network(delay=0.06, loss=0.02)])
async def test_what_is_lost_is_concealed_without_a_click(network):
    heard, _ = await through(network, packets(TONE))
    assert clicks(heard) == 0
    assert longest_silence(heard) < 0.06


async def test_packets_of_30_ms_and_another_source_in_mid_call():
    said = speech()
    first = packets(said, milliseconds=30)
    half = len(first) // 2
    other = [
        Packet(packet.at, packet.sequence + 30_000, packet.timestamp + 1_000_000, 99, packet.payload)
        for packet in first[half:]
    ]
    heard, _ = await through(Network(), [*first[:half], *other], 30)
    places = found(said, heard)
    assert np.median([likeness for likeness, _ in places]) > 0.95
    assert max(lag for _, lag in places) - min(lag for _, lag in places) <= 1_600


async def test_after_a_stall_the_delay_stays_within_its_bound():
    """Nothing comes for 700 ms, then all of it at once: what cannot be held is dropped."""
    said = speech()
    heard, _ = await through(Network(stall=(1.5, 2.2)), packets(said))
    early = [lag for likeness, lag in found(said[: int(1.2 * ulaw.RATE)], heard) if likeness > 0.8]
    late = [lag for likeness, lag in found(said, heard)[-5:] if likeness > 0.8]
    assert early
    assert len(late) >= 3
    assert max(late) - min(early) <= BOUND


def test_a_plan_is_the_same_each_time_and_does_what_it_says():
    sent = packets(TONE)
    bad = Network(delay=0.06, loss=0.1, burst=2, seed=3)
    assert bad.plan(sent) == bad.plan(sent)
    assert bad.plan(sent) != Network(delay=0.06, loss=0.1, burst=2, seed=4).plan(sent)
    assert 0.04 < 1 - len(bad.plan(sent)) / len(sent) < 0.2
    order = [data[2:4] for _, data in bad.plan(sent)]
    assert order != [packet.data[2:4] for packet in sent if packet.data[2:4] in order]
    assert Network().plan(sent) == [(packet.at, packet.data) for packet in sent]
    assert packets(TONE, clock=1.001)[-1].at < sent[-1].at
