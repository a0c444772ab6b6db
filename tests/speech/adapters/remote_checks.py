"""What every adapter of a service must do when its service is slow, wrong, cut, limited, or refuses the key."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping

import pytest
from tests.speech.adapters.services import HEARD, Service

from offhook.errors import EngineBusy, EngineError
from offhook.speech.engines import Float32, Recogniser, Synthesiser, Transcription, streams

TEXT = "Good morning. Your parcel has arrived."


def stream(engine: Recogniser, speech: Float32, interims: list[Transcription], language: str | None = None) -> str:
    """What is understood of speech that comes in pieces of 100 or 200 ms; guesses are added to `interims`."""
    assert streams(engine)
    line = engine.stream(language, interims.append)
    try:
        for at in range(0, len(speech), 1600):
            line.feed(speech[at : at + 1600])
        return line.result().text
    finally:
        line.close()


def check_troubles(service: Service, use: Callable[[], object], words: Mapping[str, str] | None = None) -> None:
    """`use` must be done with an adapter whose time-out is a fraction of a second; `words`: of another wire."""
    expected = {
        "slow": "does not answer in time|no answer",
        "wrong": "HTTP 500",
        "cut": "broke off|cannot be reached",
        "refused": r"refuses the key \(HTTP 401\)",
    }
    for mode, match in (expected | dict(words or {})).items():
        service.mode = mode  # type: ignore[assignment]
        with pytest.raises(EngineError, match=match) as raised:
            use()
        said = str(raised.value).lower()
        assert not any(word in said for word in (HEARD.lower(), TEXT.lower(), "parcel"))
        assert raised.value.__cause__ is None
        assert raised.value.__suppress_context__
    service.mode = "limited"
    with pytest.raises(EngineBusy) as busy:
        use()
    assert busy.value.retry_after == 7
    service.mode = "well"
    use()


def check_recogniser_troubles(service: Service, recogniser: Recogniser, speech: Float32) -> None:
    check_troubles(service, lambda: recogniser.transcribe(speech, None))
    for mode in ("page", "empty", "nothing known"):
        service.mode = mode  # type: ignore[assignment]
        with pytest.raises(EngineError) as raised:
            recogniser.transcribe(speech, None)
        assert HEARD not in str(raised.value)
    service.mode = "well"


def check_synthesiser_troubles(service: Service, synthesiser: Synthesiser) -> None:
    check_troubles(service, lambda: list(synthesiser.synthesise(TEXT)))
    for mode, told in (
        ("page", "text in place of raw sound"),
        ("nothing known", "text in place of raw sound"),
        ("wav", "a WAV file in place of raw sound"),
        ("mp3", "MP3 frames in place of raw sound"),
        ("empty", "without a sound"),
    ):
        service.mode = mode  # type: ignore[assignment]
        with pytest.raises(EngineError, match=told):
            list(synthesiser.synthesise(TEXT))
    service.mode = "cut"
    pieces = iter(synthesiser.synthesise(TEXT))
    assert len(list(itertools.islice(pieces, 1))) == 1, "what came before the cut is given out"
    del pieces  # or it, and its socket, may live as long as the tracebacks above
    service.mode = "well"
