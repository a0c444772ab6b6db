"""Gaps are filled with what was likely to follow, fall silent, and never click."""

from __future__ import annotations

import numpy as np
import pytest
from tests.spoken import says

from offhook.audio import tones, ulaw
from offhook.audio.conceal import Concealer, joined

TONE = ulaw.encode(tones.tone(437, 1.0, -12))


def steps(audio: bytes) -> np.ndarray:
    return np.abs(np.diff(ulaw.decode(audio).astype(int)))


def through(audio: bytes, lost: set[int], *, fill: bool = True) -> bytes:
    """Audio of which some packets of 20 ms are lost."""
    concealer, out = Concealer(), b""
    for number in range(len(audio) // 160):
        piece = audio[number * 160 : number * 160 + 160]
        if number not in lost:
            out += concealer.heard(piece) if fill else piece
        else:
            out += concealer.missing(160) if fill else ulaw.silence(160)
    return out


def test_what_came_is_not_touched():
    assert through(TONE, set()) == TONE[: len(TONE) // 160 * 160]


def test_a_lost_packet_of_a_tone_is_heard_as_the_tone_and_does_not_click():
    heard = through(TONE, {10, 20, 33})
    assert steps(heard).max() <= steps(TONE).max() * 1.2
    assert steps(through(TONE, {10, 20, 33}, fill=False)).max() > steps(TONE).max() * 2
    for lost in (10, 20, 33):
        gap = ulaw.decode(heard[lost * 160 : lost * 160 + 160]).astype(int)
        assert np.abs(gap[:80]).max() > 0.9 * np.abs(ulaw.decode(TONE).astype(int)).max()


def test_a_long_gap_falls_silent_within_60_ms():
    heard = through(TONE, set(range(20, 40)))
    gap = ulaw.decode(heard[20 * 160 : 40 * 160])
    assert np.abs(gap[:160]).max() > 4_000
    assert not gap[480:].any()
    assert steps(heard).max() <= steps(TONE).max() * 1.2


@pytest.mark.parametrize("share", [0.03, 0.1])
def test_speech_that_has_lost_packets_is_nearer_to_what_was_said_than_with_silence(share):
    said = says("confbridge-lock-no-join")
    lost = set(np.flatnonzero(np.random.default_rng(5).random(len(said) // 160) < share).tolist())
    assert len(lost) > 3

    def error(heard: bytes) -> float:
        whole = ulaw.decode(said[: len(heard)]).astype(float)
        power = np.abs(np.fft.rfft(whole.reshape(-1, 160) * np.hanning(160)))
        other = np.abs(np.fft.rfft(ulaw.decode(heard).astype(float).reshape(-1, 160) * np.hanning(160)))
        return float(np.abs(power - other).sum())  # how far the spectra are apart: nobody hears phases

    concealed = through(said, lost)
    assert error(concealed) < 0.85 * error(through(said, lost, fill=False))
    assert steps(concealed).max() <= steps(said).max()


def test_nothing_stands_for_a_gap_before_there_was_anything():
    concealer = Concealer()
    assert concealer.missing(160) == ulaw.silence(160)
    assert concealer.heard(b"") == b""
    concealer.heard(TONE[:50])
    assert concealer.missing(160) == ulaw.silence(160)  # too little to find a period in


def test_a_cut_is_crossed_softly():
    concealer = Concealer()
    hard = TONE[:1_600] + TONE[1_609:3_200]
    soft = concealer.heard(TONE[:1_600])
    concealer.cut()
    soft += concealer.heard(TONE[1_609:3_200])
    assert steps(hard).max() > 1.3 * steps(TONE).max()
    assert steps(soft).max() <= 1.2 * steps(TONE).max()


def test_packets_on_both_sides_of_a_lost_one_are_joined_without_a_click():
    before, after = TONE[:1_600], TONE[1_609:1_769]
    bent = joined(before, after)
    assert steps(before + after).max() > 1.3 * steps(TONE).max()
    assert steps(before + bent).max() <= 1.2 * steps(TONE).max()
    assert bent[40:] == after[40:]


@pytest.mark.parametrize("sound", [TONE, ulaw.silence(3_200)])
def test_packets_that_follow_each_other_are_left_alone(sound):
    for at in range(160, len(sound) - 160, 160):
        assert joined(sound[:at], sound[at : at + 160]) == sound[at : at + 160]
    assert joined(b"", sound[:160]) == sound[:160]
