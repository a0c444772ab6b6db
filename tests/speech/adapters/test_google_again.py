"""Again where the line was gone, and never when something has come of it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from offhook.speech.adapters.google_again import Kept, again, stream_again
from offhook.speech.engines import Float32


class Refused(Exception):
    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.grpc_status_code = SimpleNamespace(name=status)


class Calls:
    """Raises, gives or yields the next of what it is given."""

    def __init__(self, *outcomes: Any) -> None:
        self.outcomes = list(outcomes)
        self.timeouts: list[float] = []

    def ask(self, timeout: float) -> object:
        self.timeouts.append(timeout)
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def begin(self) -> Iterator[object]:
        for outcome in self.outcomes.pop(0):
            if isinstance(outcome, Exception):
                raise outcome
            yield outcome


GONE = Refused("UNAVAILABLE")


def test_a_call_is_made_three_times_at_most_within_its_time() -> None:
    calls = Calls(GONE, GONE, "answer")
    assert again(calls.ask, 5.0) == "answer"
    assert 5.0 >= calls.timeouts[0] > calls.timeouts[1] > calls.timeouts[2] > 3.0
    with pytest.raises(Refused):
        again(Calls(GONE, GONE, GONE, "answer").ask, 5.0)
    with pytest.raises(Refused):
        again(Calls(Refused("INTERNAL"), "answer").ask, 5.0)
    with pytest.raises(Refused):
        again(Calls(GONE, "answer").ask, 0.0)


def test_a_stream_is_begun_again_only_before_its_first_message() -> None:
    assert list(stream_again(Calls([GONE], [GONE], ["one", "two"]).begin)) == ["one", "two"]
    for outcomes in ([["one", GONE], ["one"]], [[GONE], [GONE], [GONE], ["one"]], [[Refused("INTERNAL")], ["one"]]):
        with pytest.raises(Refused):
            list(stream_again(Calls(*outcomes).begin))


def test_what_was_heard_is_told_again_and_nothing_is_lost_to_a_call_that_broke() -> None:
    pieces: queue.SimpleQueue[Float32 | None] = queue.SimpleQueue()
    kept = Kept(iter(pieces.get, None))
    broken = kept.told()
    pieces.put(np.full(1, 1, np.float32))
    assert next(broken) == 1
    stolen: list[Float32] = []
    waiting = threading.Thread(target=lambda: stolen.append(next(broken)))
    waiting.start()
    for value in (2, 3):
        pieces.put(np.full(1, value, np.float32))
    pieces.put(None)
    assert [float(piece[0]) for piece in kept.told()] == [1, 2, 3]
    waiting.join(5)
    assert len(stolen) == 1
