"""In-band keys under the conditions of ITU-T Q.24, through mu-law, after uneven pauses so that keys start anywhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from offhook.audio import tones, ulaw
from offhook.audio.dtmf import HIGH, KEYS, LOW, DtmfDetector

FULL_SCALE_DBM0 = 3.17


def key_tones(
    keys: str,
    *,
    on: float = 0.08,
    off: float = 0.08,
    dbm0: float = -10.0,
    twist: float = 0.0,
    snr: float | None = None,
    detuned: tuple[float, float] = (0.0, 0.0),
) -> tuple[NDArray[np.int16], list[int]]:
    """Keys as samples, and where each starts. Level and SNR are the low tone's; the high one has `twist` dB more."""
    noise = np.random.default_rng(1)
    amplitude = 32636 * 10 ** ((dbm0 - FULL_SCALE_DBM0) / 20)
    t = np.arange(round(on * 8000)) / 8000
    parts, starts, position = [], [], 0
    for key in keys:
        pause = np.zeros(round(off * 8000) + int(noise.integers(0, 80)))
        row, column = divmod(KEYS.index(key), 4)
        low = np.sin(2 * np.pi * LOW[row] * (1 + detuned[0]) * t)
        high = np.sin(2 * np.pi * HIGH[column] * (1 + detuned[1]) * t) * 10 ** (twist / 20)
        parts += [pause, amplitude * (low + high)]
        starts.append(position + len(pause))
        position += len(pause) + len(t)
    sound = np.concatenate([*parts, np.zeros(800)])
    if snr is not None:
        sound += noise.standard_normal(len(sound)) * amplitude / np.sqrt(2) / 10 ** (snr / 20)
    return ulaw.decode(ulaw.encode(np.clip(sound, -32768, 32767).astype(np.int16))), starts


def detect(pcm: NDArray[np.int16], piece: int = 160) -> list[tuple[str, int]]:
    detector = DtmfDetector()
    return [found for start in range(0, len(pcm), piece) for found in detector.push(pcm[start : start + piece])]


def digits(pcm: NDArray[np.int16]) -> str:
    return "".join(key for key, _ in detect(pcm))


SENT = "".join(np.random.default_rng(7).choice(list(KEYS), 100)) + "1122##"

CONDITIONS: dict[str, dict[str, object]] = {
    "80/80": {},
    "45/45": {"on": 0.045, "off": 0.045},
    "40/40": {"on": 0.04, "off": 0.04},
    "quiet": {"dbm0": -25.0},
    "faint": {"dbm0": -40.0},
    "loud": {"dbm0": -3.0},
    "twist +6": {"twist": 6.0, "dbm0": -14.0},
    "twist -6": {"twist": -6.0},
    "40/40 twist +6": {"on": 0.04, "off": 0.04, "twist": 6.0, "dbm0": -14.0},
    "40/40 twist -6": {"on": 0.04, "off": 0.04, "twist": -6.0},
    "SNR 15": {"snr": 15.0},
    "SNR 10": {"snr": 10.0},
    "+1.5 %": {"detuned": (0.015, 0.015)},
    "-1.5 %": {"detuned": (-0.015, -0.015)},
    "40/40 +1.5 % SNR 15": {"on": 0.04, "off": 0.04, "detuned": (0.015, 0.015), "snr": 15.0},
}


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS.keys())
def test_every_key_is_found_once_and_in_its_place(condition: dict[str, object]) -> None:
    pcm, starts = key_tones(SENT, **condition)  # type: ignore[arg-type]
    found = detect(pcm)
    assert "".join(key for key, _ in found) == SENT
    assert all(abs(position - start) <= 80 for (_, position), start in zip(found, starts, strict=True))


@pytest.mark.parametrize("detuned", [(x, y) for x in (-0.035, 0, 0.035) for y in (-0.035, 0, 0.035) if x or y])
@pytest.mark.parametrize("twist", [-6.0, 0.0, 6.0])
def test_tones_that_are_off_by_3_5_percent_are_no_keys(detuned: tuple[float, float], twist: float) -> None:
    pcm, _ = key_tones(KEYS, detuned=detuned, twist=twist, dbm0=-14)
    assert digits(pcm) == ""


def test_cross_talk_is_no_key() -> None:
    assert digits(key_tones(KEYS, dbm0=-55)[0]) == ""


def test_a_blip_is_no_key() -> None:
    assert digits(key_tones(KEYS, on=0.02)[0]) == ""


def test_a_key_that_is_held_counts_once() -> None:
    assert digits(key_tones("5", on=3.0)[0]) == "5"


def test_a_drop_out_of_ten_milliseconds_does_not_part_a_key() -> None:
    pcm, (start,) = key_tones("5", on=0.3)
    pcm[start + 1000 : start + 1080] = 0
    assert digits(pcm) == "5"


def test_single_tones_twisted_pairs_and_noise_are_no_keys() -> None:
    noise = np.random.default_rng(3).normal(0, 3000, 40_000).astype(np.int16)
    assert digits(noise) == ""
    for hz in (*LOW, *HIGH):
        assert digits(tones.tone(hz, 0.5)) == ""
    assert digits(tones.tone(697, 0.5) + tones.tone(852, 0.5)) == ""
    assert digits(key_tones(KEYS, twist=12, dbm0=-20)[0]) == ""


def test_a_third_tone_spoils_a_key() -> None:
    pcm = tones.dtmf("1", on=0.3, dbfs=-12)
    third = np.concatenate((tones.tone(941, 0.3, dbfs=-15), np.zeros(800, np.int16)))
    assert digits(pcm) == "1"
    assert digits(pcm + third) == ""


def test_our_own_tones_are_found() -> None:
    assert digits(np.concatenate((tones.dtmf(KEYS, on=0.05, off=0.05), np.zeros(300, np.int16)))) == KEYS


def test_detectors_are_independent_and_count_from_their_own_start() -> None:
    pcm, (start,) = key_tones("7")
    detector = DtmfDetector()
    detector.push(np.zeros(80_000, np.int16))
    ((key, position),) = detector.push(pcm)
    assert key == "7"
    assert abs(position - 80_000 - start) <= 80
    assert DtmfDetector().push(pcm[:0]) == []


STREAM = key_tones("159D", on=0.05, off=0.05, snr=12.0)[0]


@settings(deadline=None)
@given(st.lists(st.integers(0, len(STREAM)), max_size=30))
def test_pieces_make_no_difference(cuts: list[int]) -> None:
    detector = DtmfDetector()
    found = [key for piece in np.split(STREAM, sorted(cuts)) for key in detector.push(piece)]
    assert found == DtmfDetector().push(STREAM)


def test_one_sample_at_a_time() -> None:
    pcm, _ = key_tones("42")
    assert detect(pcm, piece=1) == detect(pcm, piece=len(pcm))
