"""The recogniser of Azure, through the real library, against a server that speaks its wire."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

pytest.importorskip("azure.cognitiveservices.speech")

from tests.speech import contract
from tests.speech.adapters import azure_service, services
from tests.speech.adapters.remote_checks import stream
from tests.speech.adapters.services import HEARD, Service

from offhook.errors import EngineBusy, EngineError, EngineMissing
from offhook.speech import registry
from offhook.speech.adapters.azure_hearing import _words as words_of
from offhook.speech.engines import Float32, Recogniser, Transcription, streams
from offhook.speech.hints import TakesHints


@pytest.fixture
def service() -> Iterator[Service]:
    with services.serving(azure_service.azure) as service:
        yield service


def test_listening_keeps_the_contract(service: Service, human_phrase: Float32, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "secret")
    engine = registry.recogniser(f"azure?url={service.url}&key_env=MY_KEY")
    contract.check_recogniser(engine, human_phrase, ["best of times"], foreign="tlh")
    assert (service.asked[0]["key"], service.asked[0]["language"]) == ("secret", "en-US")
    assert service.asked[0]["format"] == "detailed"


def test_it_listens_while_somebody_speaks(service: Service, human_phrase: Float32) -> None:
    engine = registry.recogniser(f"azure?url={service.url}")
    interims: list[Transcription] = []
    assert stream(engine, human_phrase, interims, "en-GB") == HEARD
    assert interims[0].text == "it"
    assert 0 < interims[0].words[0].end <= 0.5
    assert service.asked[0]["language"] == "en-GB"


def test_an_utterance_goes_on_after_a_result(service: Service, human_phrase: Float32) -> None:
    engine = registry.recogniser(f"azure?url={service.url}")
    assert streams(engine)
    line = engine.stream("de", lambda _: None)
    line.feed(human_phrase)
    first = line.result()
    line.feed(human_phrase)
    second = line.result()
    line.close()
    assert second.text == f"{first.text} {HEARD}"
    assert second.words[len(first.words)].start == pytest.approx(len(human_phrase) / 8000)
    assert {asked["language"] for asked in service.asked} == {"de-DE"}


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        ("slow", "does not answer in time"),
        ("refused", "refuses the key"),
        ("limited", "is rate limited"),
        ("cut", "answers with ServiceError"),
        ("wrong", "answers with ServiceError"),
    ],
)
def test_troubles(service: Service, human_phrase: Float32, mode: services.Mode, told: str) -> None:
    # The library tries some of them again for a second, by itself.
    engine = registry.recogniser(f"azure?url={service.url}&timeout=20")
    troubled = registry.recogniser(f"azure?url={service.url}&timeout=0.6") if mode == "slow" else engine
    uses: tuple[Callable[[Recogniser], str], ...] = (
        lambda engine: engine.transcribe(human_phrase, None).text,
        lambda engine: stream(engine, human_phrase, []),
    )
    for use in uses:
        service.mode = mode
        with pytest.raises(EngineBusy if mode == "limited" else EngineError, match=told) as raised:
            use(troubled)
        assert "best" not in str(raised.value)
        service.mode = "well"
        assert use(engine) == HEARD


def test_a_stream_that_nobody_wants_ends(service: Service, human_phrase: Float32) -> None:
    engine = registry.recogniser(f"azure?url={service.url}")
    assert streams(engine)
    unwanted = engine.stream(None, lambda _: None)
    unwanted.feed(human_phrase)
    unwanted.close()
    for thread in threading.enumerate():
        if thread.name.startswith("offhook-azure"):
            thread.join(10)
            assert not thread.is_alive()


def test_hints_are_a_phrase_list(service: Service, human_phrase: Float32) -> None:
    engine = registry.recogniser(f"azure?url={service.url}")
    assert isinstance(engine, TakesHints)
    assert engine.hinted(["Ashford"]).transcribe(human_phrase, None).text == HEARD
    assert "Ashford" in json.dumps(service.asked[-1]["context"])


def test_written_numbers_lie_over_the_whole_phrase() -> None:
    """Three words were spoken, and two are written: which is which is not told."""
    said = azure_service.phrase("room twenty three", 30_000_000)
    said["NBest"][0]["Display"] = "Room 23."
    found = words_of(SimpleNamespace(json=json.dumps(said)))
    assert [word.text for word in found.words] == ["Room", "23."]
    assert (found.words[0].start, found.words[1].end, found.words[0].confidence) == (0.0, 3.0, 0.93)


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_SPEECH_REGION", raising=False)
    monkeypatch.setenv("AZURE_SPEECH_KEY", "k")
    with pytest.raises(EngineError, match="set AZURE_SPEECH_REGION"):
        registry.recogniser("azure")
    monkeypatch.setitem(sys.modules, "azure.cognitiveservices.speech", None)
    with pytest.raises(EngineMissing, match=r"offhook\[azure\]"):
        registry.recogniser("azure?region=westeurope")
