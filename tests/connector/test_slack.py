"""The cushion of a bot: as large as it needs, given back when it is not needed, and no more stumbling for that."""

from __future__ import annotations

import random

import pytest

from offhook.audio import ulaw
from offhook.connector.player import Player
from offhook.connector.slack import CUSHION, TICK, Slack

LOUD, QUIET = b"\x10" * TICK, ulaw.silence(TICK)


class Fixed(Player):
    """A playback queue that learns nothing: each run begins after 40 ms, and what waits goes on waiting."""

    def take(self, samples: int = TICK):
        self._slack.cushion, self._slack.surplus = CUSHION, 0
        return super().take(samples)


def stream(player: Player, jitter: float, seed: int, seconds: int = 60) -> tuple[int, int]:
    """A bot that speaks and is silent in real time, each frame late by up to so many ms: gaps, and what waits."""
    chance = random.Random(seed)
    phase, at, arrivals = chance.random() * 20, 0.0, []
    for number in range(seconds * 50):
        at = max(at, number * 20 + phase + chance.random() * jitter)
        arrivals.append(at)
    gaps = came = 0
    for now in range(0, seconds * 1000 - 200, 20):
        while came < len(arrivals) and arrivals[came] <= now:
            player.push(LOUD if came // 50 % 2 == 0 else QUIET, min(TICK, round((arrivals[came] - now + 20) * 8)))
            came += 1
        gaps += player.take().completed is not None
    return gaps, player.queued


@pytest.mark.parametrize("jitter", [0, 20, 60])
def test_a_bot_that_is_late_at_times_does_not_stumble_more_often_than_with_a_fixed_cushion(jitter):
    ours = [stream(Player(adapts=True), jitter, seed)[0] for seed in range(20)]
    fixed = [stream(Fixed(), jitter, seed)[0] for seed in range(20)]
    assert sum(ours) <= sum(fixed)


def test_a_steady_bot_is_heard_without_the_cushion_it_does_not_need():
    player = Player(adapts=True)
    gaps, waiting = stream(player, 0, 1)
    assert gaps == 0
    assert waiting < TICK
    assert player.left_out >= CUSHION - TICK


def test_nothing_of_what_it_says_is_left_out():
    player, heard = Player(adapts=True), b""
    for _ in range(400):
        player.push(LOUD, 8)
        heard += player.take().audio
    assert player.left_out == 0
    assert heard.strip(b"\xff") == LOUD * (len(heard.strip(b"\xff")) // TICK)


def test_what_a_bot_sends_ahead_is_its_own():
    player = Player(adapts=True)
    player.push(QUIET * 50)
    for _ in range(500):
        player.push(QUIET, 8)
        player.take()
    assert player.left_out <= CUSHION
    assert player.queued >= 50 * TICK


def test_what_comes_late_makes_the_next_cushion_larger_and_what_is_new_does_not():
    slack = Slack()
    slack.came(TICK, 0, 0)
    slack.began(CUSHION)
    slack.played(TICK)
    slack.ran_dry(TICK)
    slack.came(TICK, 0, 0)
    assert slack.cushion == CUSHION + TICK
    slack.began(CUSHION)
    slack.played(TICK)
    slack.ran_dry(8_000)
    slack.came(TICK, 0, 0)
    assert slack.cushion == CUSHION + TICK


def test_a_queue_that_does_not_adapt_plays_every_sample() -> None:
    """As for who measures a bot: what it heard has to be what was sent, to the sample."""
    player, sent, heard = Player(), 0, b""
    for _ in range(400):
        player.push(ulaw.silence(TICK))
        sent += TICK
        heard += player.take().audio
    while player.queued:
        heard += player.take().audio
    assert (player.heard, player.left_out, len(heard)) == (sent, 0, sent + CUSHION)
