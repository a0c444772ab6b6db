"""Programs that speak: what they write, and what becomes of them."""

from __future__ import annotations

import sys
import time

import pytest

from offhook.errors import EngineError
from offhook.speech import processes
from offhook.speech.processes import Workers, output


def run(program: str, text: str = "") -> list[bytes]:
    return list(output([sys.executable, "-c", program], text, engine="test"))


def test_input_goes_in_and_whole_samples_come_out() -> None:

    echo = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read())"
    assert b"".join(run(echo, "half a pair \ud83d.")) == b"half a pair ?."
    assert b"".join(run(echo, "grüßen")) == "grüßen".encode()
    pieces = run("import sys,time\nfor b in b'abcdef': sys.stdout.buffer.write(bytes([b])); sys.stdout.buffer.flush()")
    assert b"".join(pieces) == b"abcdef"
    assert all(len(piece) % 2 == 0 for piece in pieces)


def test_a_program_that_fails_or_is_not_there_is_told() -> None:
    with pytest.raises(EngineError, match="exit code 3"):
        run("raise SystemExit(3)")
    with pytest.raises(EngineError, match="cannot be started"):
        list(output(["/nowhere/at/all"], "", engine="test"))


def test_it_ends_with_whoever_listens() -> None:
    pieces = output([sys.executable, "-c", "import time; print('ab'*9, flush=True); time.sleep(60)"], "", engine="test")
    next(pieces)
    began = time.monotonic()
    pieces.close()  # type: ignore[attr-defined]
    assert time.monotonic() - began < 20


def test_one_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PATIENCE", 0.3)
    for program in ("import time; time.sleep(60)", "import os, time; os.close(1); time.sleep(60)"):
        with pytest.raises(EngineError, match=r"test hangs: nothing has come from it for 0\.3 s"):
            run(program)
    with pytest.raises(EngineError, match="signal 9"):  # it does not read what it is to say
        run("import time; time.sleep(60)", "x" * 1_000_000)
    workers = Workers([sys.executable, "-c", "import time; time.sleep(60)"], engine="test", limit=1)
    with pytest.raises(EngineError, match="test hangs"):
        list(workers.request(b"hello"))


def test_one_that_goes_on_writing_is_left_alone_however_long_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PATIENCE", 2.0)
    slow = "import time\nfor _ in range(5): time.sleep(0.5); print('a', flush=True)"
    assert b"".join(run(slow)) == b"a\n" * 5
    worker = (
        "import sys, time\nsys.stdin.readline()\nout = sys.stdout.buffer\n"
        "for size in (1, 1, 1, 1, 1, 0): time.sleep(0.5); out.write(bytes((0, 0, 0, size)) + b'a' * size); out.flush()"
    )
    workers = Workers([sys.executable, "-c", worker], engine="test", limit=1)
    assert list(workers.request(b"")) == [b"a"] * 5
    workers.close()


_WORKER = """
import sys, os
for line in sys.stdin:
    if line == "die\\n":
        sys.stdout.buffer.write(b"\\0\\0\\0\\4ab")
        sys.stdout.flush()
        os._exit(1)
    for part in line.split():
        data = part.encode()
        sys.stdout.buffer.write(len(data).to_bytes(4, "big") + data)
    sys.stdout.buffer.write(bytes(4)); sys.stdout.flush()
"""


def test_a_worker_stays_and_one_that_died_is_replaced() -> None:
    workers = Workers([sys.executable, "-c", _WORKER], engine="test", limit=1)
    assert list(workers.request(b"one two")) == [b"one", b"two"]
    with pytest.raises(EngineError, match="has stopped"):
        list(workers.request(b"die"))
    unfinished = workers.request(b"three four")
    next(unfinished)
    unfinished.close()  # type: ignore[attr-defined]
    assert list(workers.request(b"five")) == [b"five"]
    workers.close()
