"""The reader of checkpoints takes arrays out of them, and does nothing that they ask for."""

from __future__ import annotations

import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

from offhook.errors import EngineError
from offhook.speech.voiceprint import checkpoint

MAGIC = pickle.dumps(0x1950A86A20F9469CFC6C, 2)


def tensor(key: str = "7", offset: int = 0, shape: str = "K\x02K\x03\x86", strides: str = "K\x03K\x01\x86") -> bytes:
    """A pickle of a tensor of 2 x 3 numbers, as torch writes it."""
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\n"
        + b"X" + struct.pack("<i", len(key)) + key.encode()
        + b"X\x03\x00\x00\x00cpuK\x06NtQ"  # where it was, how many, no view of another
        + b"K" + bytes([offset]) + shape.encode("latin-1") + strides.encode("latin-1") + b"\x89"
        + b"ccollections\nOrderedDict\n)RtR"
    )  # fmt: skip


def state(value: bytes) -> bytes:
    """A pickle of `{"model_state": {"weight": value}}`."""
    return b"\x80\x02}X\x0b\x00\x00\x00model_state}X\x06\x00\x00\x00weight" + value + b"ss."


def file(path: Path, saved: bytes, *, magic: bytes = MAGIC, numbers: int = 6, length: int | None = None) -> Path:
    raw = np.arange(numbers, dtype="<f4").tobytes()
    parts = [magic, pickle.dumps(1001, 2), pickle.dumps({"little_endian": True}, 2), saved, pickle.dumps(["7"], 2)]
    path.write_bytes(b"".join(parts) + struct.pack("<q", numbers if length is None else length) + raw)
    return path


def test_tensors_are_read(tmp_path: Path) -> None:
    read = checkpoint.read(file(tmp_path / "a", state(tensor())), "model_state")
    np.testing.assert_array_equal(read["weight"], [[0, 1, 2], [3, 4, 5]])


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        import os

        return os.system, ("echo it was run; exit 1",)


@pytest.mark.parametrize(
    ("saved", "why"),
    [
        (pickle.dumps(Evil(), 2), "the name"),
        (pickle.dumps(Evil(), 4), "opcode|the name"),
        (state(b"cbuiltins\neval\nX\x01\x00\x00\x001\x85R"), "the name builtins eval"),
        (state(b"ccollections\nOrderedDict\nX\x01\x00\x00\x001\x85R"), "a call"),
        (state(tensor(key="8")), "'8'"),
        (state(tensor(offset=1)), "beyond its storage"),
        (state(tensor(strides="K\x01K\x02\x86")), "in one piece"),
        (state(b"K\x01"), "something else"),
        (b"\x80\x02}.", "no 'model_state'"),
        (b"\x80\x02u.", "mark|stack|sequence|empty"),
        (b"\x80\x02", "cannot be read"),  # the next pickle is taken for its end
    ],
)
def test_anything_else_is_refused_and_nothing_is_run(
    saved: bytes, why: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(EngineError, match=why):
        checkpoint.read(file(tmp_path / "a", saved), "model_state")
    assert capfd.readouterr().out == ""


def test_files_that_break_off_or_are_none(tmp_path: Path) -> None:
    for path in (
        file(tmp_path / "magic", state(tensor()), magic=pickle.dumps(1, 2)),
        file(tmp_path / "short", state(tensor()), length=7),
        file(tmp_path / "long", state(tensor()), length=2**40),
        file(tmp_path / "negative", state(tensor()), length=-1),
    ):
        with pytest.raises(EngineError, match="cannot be read as a checkpoint"):
            checkpoint.read(path, "model_state")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(EngineError):
        checkpoint.read(tmp_path / "text", "model_state")
