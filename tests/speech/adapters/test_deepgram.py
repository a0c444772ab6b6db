"""The Deepgram adapter against a server that speaks its wire, HTTP and WebSocket."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from tests.speech import contract
from tests.speech.adapters import services
from tests.speech.adapters.remote_checks import check_recogniser_troubles, check_synthesiser_troubles, stream
from tests.speech.adapters.services import HEARD, Service

from offhook.errors import EngineError, EngineMissing
from offhook.speech import registry
from offhook.speech.engines import Float32, Transcription, streams
from offhook.speech.hints import TakesHints


@pytest.fixture
def service() -> Iterator[Service]:
    with services.serving(services.deepgram) as service:
        yield service


def test_listening_keeps_the_contract(service: Service, human_phrase: Float32) -> None:
    engine = registry.recogniser(f"deepgram?url={service.url}")
    contract.check_recogniser(engine, human_phrase, ["best of times"], foreign="tlh")
    assert service.asked[0]["auth"] == "Token none"
    assert (service.asked[0]["model"], service.asked[0]["language"]) == ("nova-3", "en")


def test_it_listens_while_somebody_speaks(service: Service, human_phrase: Float32) -> None:
    engine = registry.recogniser(f"deepgram?url={service.url}")
    interims: list[Transcription] = []
    assert stream(engine, human_phrase, interims, "en-GB") == HEARD
    assert interims[0].text.startswith("It")
    asked = service.asked[0]
    assert (asked["encoding"], asked["sample_rate"], asked["interim_results"]) == ("mulaw", "8000", "true")
    assert asked["language"] == "en-GB"


def test_an_utterance_may_go_on_after_a_result(service: Service, human_phrase: Float32) -> None:
    engine = registry.recogniser(f"deepgram?url={service.url}")
    assert streams(engine)
    line = engine.stream(None, lambda _: None)
    line.feed(human_phrase)
    first = line.result()
    line.feed(human_phrase)
    second = line.result()
    line.close()
    assert second.text == f"{first.text} {HEARD}"
    assert len(service.asked) == 1


def test_troubles(service: Service, human_phrase: Float32) -> None:
    uri = f"deepgram?url={service.url}&timeout=0.3"
    check_recogniser_troubles(service, registry.recogniser(uri), human_phrase)
    check_synthesiser_troubles(service, registry.synthesiser(uri))


def test_troubles_of_a_stream(service: Service, human_phrase: Float32) -> None:
    engine = registry.recogniser(f"deepgram?url={service.url}&timeout=0.5")
    for mode in ("slow", "wrong", "cut", "refused", "limited"):
        service.mode = mode  # type: ignore[assignment]
        with pytest.raises(EngineError):
            stream(engine, human_phrase, [])
    service.mode = "well"
    assert stream(engine, human_phrase, []) == HEARD


def test_streams_leave_no_threads(service: Service, human_phrase: Float32) -> None:
    engine = registry.recogniser(f"deepgram?url={service.url}")
    stream(engine, human_phrase, [])
    for thread in threading.enumerate():
        if thread.name.startswith("offhook-deepgram"):
            thread.join(10)
            assert not thread.is_alive()


def test_speaking_keeps_the_contract(service: Service) -> None:
    engine = registry.synthesiser(f"deepgram?url={service.url}&voices=aura-2-thalia-en,aura-2-julius-de")
    contract.check_synthesiser(engine, foreign="ja")
    list(engine.synthesise("Hallo.", language="de"))
    assert service.asked[-1]["model"] == "aura-2-julius-de"


def test_hints_are_key_terms(service: Service, human_phrase: Float32) -> None:
    engine = registry.recogniser(f"deepgram?url={service.url}")
    assert isinstance(engine, TakesHints)
    engine.hinted(["Ashford"]).transcribe(human_phrase, None)
    assert service.asked[-1]["keyterm"] == "Ashford"


def test_silence_is_not_sent(service: Service) -> None:
    engine = registry.recogniser(f"deepgram?url={service.url}")
    assert engine.transcribe(np.zeros(8000, np.float32), None).text == ""
    assert service.asked == []


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEEPGRAM_API_KEY", raising=False)
    with pytest.raises(EngineError, match="set DEEPGRAM_API_KEY"):
        registry.recogniser("deepgram")
    monkeypatch.setitem(sys.modules, "deepgram", None)
    with pytest.raises(EngineMissing, match=r"offhook\[deepgram\]"):
        registry.synthesiser("deepgram?url=http://127.0.0.1:1")
