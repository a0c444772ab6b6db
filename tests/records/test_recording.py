"""Recordings: whatever is written when, each sample is where it belongs, and memory stays flat."""

from __future__ import annotations

import stat
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from offhook.audio.wav import read_ulaw
from offhook.records import recording
from offhook.records.recording import AHEAD, BOTH, EXTERNAL, INTERNAL, PIECE, Lane, Recording

FRAME = bytes(range(160)) * 10

# Positions around each other, around a flush, and beyond all that memory holds.
writes = st.lists(
    st.tuples(
        st.sampled_from([EXTERNAL, INTERNAL, BOTH]),
        st.one_of(st.integers(0, 4000), st.integers(PIECE, 3 * PIECE), st.integers(AHEAD - 100, AHEAD + 2 * PIECE)),
        st.tuples(st.integers(0, 255), st.integers(0, 3 * PIECE)).map(
            lambda pair: bytes([pair[0], pair[0] ^ 1]) * pair[1]
        ),
    ),
    max_size=12,
)


def model(written: list[tuple[Lane, int, bytes]]) -> list[bytes]:
    length = max(
        (position + len(data) // (2 if lane == BOTH else 1) for lane, position, data in written if data), default=0
    )
    lanes = [np.full(length, 0xFF, np.uint8) for _ in (EXTERNAL, INTERNAL)]
    for lane, position, data in written:
        samples = np.frombuffer(data, np.uint8)
        for each in (EXTERNAL, INTERNAL) if lane == BOTH else (lane,):
            said = samples[each::2] if lane == BOTH else samples
            lanes[each][position : position + len(said)] = said
    return [lane.tobytes() for lane in lanes]


@given(writes)
@example([(INTERNAL, AHEAD - 100, bytes(102)), (EXTERNAL, AHEAD + 1, b"\0")])
@settings(max_examples=60, deadline=None)
def test_every_sample_is_where_it_was_written_last(written: list[tuple[Lane, int, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "call.wav"
        kept = Recording(path)
        for lane, position, data in written:
            kept.write(lane, position, data)
        kept.close()
        assert read_ulaw(path, channels=2) == model(written)


def test_a_call_in_real_time_holds_two_seconds_at_most(tmp_path: Path) -> None:
    written: list[int] = []
    kept = Recording(tmp_path / "call.wav")
    write = kept._file.write
    kept._file.write = lambda *given: (written.append(1), write(*given))[1]  # type: ignore[method-assign]
    for position in range(0, 60 * 8000, 1600):
        kept.write(EXTERNAL, position, FRAME)
        kept.write(INTERNAL, max(position - 800, 0), FRAME)
        assert len(kept._window) <= 2 * (2 * PIECE + 1600)
    assert len(written) <= 60  # one a second
    kept.close()
    assert kept.frames == 60 * 8000


def test_a_prompt_far_ahead_stays_in_memory_until_the_caller_is_there(tmp_path: Path) -> None:
    late: list[int] = []
    kept = Recording(tmp_path / "call.wav")
    patch = kept._file.patch
    kept._file.patch = lambda *given: (late.append(1), patch(*given))[1]  # type: ignore[method-assign]
    kept.write(INTERNAL, 0, FRAME * 100)
    for position in range(0, 160_000, 1600):
        kept.write(EXTERNAL, position, FRAME)
    kept.close()
    assert not late
    assert read_ulaw(tmp_path / "call.wav") == [FRAME * 100, FRAME * 100]


def test_what_is_written_can_be_played_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    kept = Recording(path)
    assert read_ulaw(path) == [b"", b""]
    for position in range(0, 40_000, 1600):
        kept.write(EXTERNAL, position, FRAME)
        lanes = read_ulaw(path)
        assert lanes[0] == (FRAME * 25)[: len(lanes[0])]
        assert len(lanes[0]) >= position - 2 * PIECE
    kept.close()


def test_only_the_owner_may_listen(tmp_path: Path) -> None:
    Recording(tmp_path / "call.wav").close()
    assert stat.S_IMODE((tmp_path / "call.wav").stat().st_mode) == 0o600


@pytest.mark.parametrize("position", [-1000, 2 * 8000 - 600, 2 * 8000, 10**15])
def test_a_wild_position_does_not_fill_the_disk(tmp_path: Path, position: int) -> None:
    kept = Recording(tmp_path / "call.wav", max_seconds=2)
    kept.write(EXTERNAL, position, FRAME)
    kept.close()
    assert kept.truncated
    assert kept.frames <= 2 * 8000
    [external, _] = read_ulaw(tmp_path / "call.wav")
    assert external.strip(b"\xff") == (FRAME[1000:] if position < 0 else FRAME[:600] if position < 16_000 else b"")


def test_a_long_gap_is_silence(tmp_path: Path) -> None:
    kept = Recording(tmp_path / "call.wav")
    kept.write(EXTERNAL, 0, FRAME)
    kept.write(EXTERNAL, 600 * 8000, FRAME)
    kept.write(INTERNAL, 300 * 8000, FRAME)
    kept.close()
    external, internal = read_ulaw(tmp_path / "call.wav")
    assert external == FRAME + recording.SILENCE * (600 * 8000 - 1600) + FRAME
    assert internal[300 * 8000 :][:1600] == FRAME
    assert internal.count(recording.SILENCE) == len(internal) - 1600
