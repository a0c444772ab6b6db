"""An utterance sent to a service in several conversations."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from offhook.errors import EngineError
from offhook.speech.engines import Float32, Transcription, Word
from offhook.speech.segments import Segments, Understood, evenly, ordered

SECOND = np.zeros(8000, np.float32)


class Counting:
    """Understands how many seconds it was sent; hangs behind its answer if told to, until hung up."""

    def __init__(self, hangs: bool = False) -> None:
        self.hangs = hangs
        self.left = threading.Event()

    def results(self, sound: Iterator[Float32]) -> Iterator[Understood]:
        yield Understood((Word("guess", 0.0, 0.5, 0.5),), final=False)
        seconds = sum(len(pcm) for pcm in sound) / 8000
        yield Understood((Word(f"{seconds:g}", 0.25, seconds, 0.9),), final=True)
        if self.hangs:
            self.left.wait(10)

    def hang_up(self) -> None:
        self.left.set()


def segments(begin: Callable[[], Counting], on_interim: Callable[[Transcription], None] = lambda _: None) -> Segments:
    return Segments(
        begin,
        lambda error: EngineError(f"counting failed ({type(error).__name__})"),
        service="counting",
        rate=8000,
        language="en-GB",
        on_interim=on_interim,
        timeout=0.2,
    )


def test_parts_are_laid_end_to_end() -> None:
    interims: list[Transcription] = []
    line = segments(Counting, interims.append)
    line.feed(SECOND)
    line.feed(SECOND)
    assert line.result().text == "2"
    line.feed(SECOND)
    whole = line.result()
    line.close()
    assert (whole.text, whole.language) == ("2 1", "en")
    assert [(word.start, word.end) for word in whole.words] == [(0.25, 2.0), (2.25, 3.0)]
    assert [interim.text for interim in interims] == ["guess", "2", "2 guess", "2 1"]


def test_nothing_fed_is_nothing_understood() -> None:
    line = segments(Counting)
    assert line.result().text == ""
    line.close()
    line.feed(SECOND)
    assert line.result().text == ""


def test_what_hangs_is_given_up_and_left() -> None:
    made = Counting(hangs=True)
    line = segments(lambda: made)
    line.feed(SECOND)
    with pytest.raises(EngineError, match="counting does not answer in time"):
        line.result()
    line.close()
    assert made.left.is_set()


def test_what_fails_is_told_by_the_result() -> None:
    def begin() -> Counting:
        raise OSError("secret")

    line = segments(begin)
    line.feed(SECOND)
    with pytest.raises(EngineError, match=r"counting failed \(OSError\)"):
        line.result()
    line.close()


def test_times_are_put_right() -> None:
    wrong = [Word("a", 1.0, 0.5, 0.0), Word("b", 0.2, 9.0, 2.0)]
    assert ordered(wrong, 3.0) == (Word("a", 1.0, 1.001, 0.001), Word("b", 1.001, 3.0, 1.0))
    assert evenly(["a", "b"], 1.0, 2.0, 0.5) == (Word("a", 1.0, 1.5, 0.5), Word("b", 1.5, 2.0, 0.5))
