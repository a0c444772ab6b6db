"""The OpenAI adapter against a server that speaks its wire."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from starlette.responses import JSONResponse
from tests.speech import contract
from tests.speech.adapters import services
from tests.speech.adapters.remote_checks import check_recogniser_troubles, check_synthesiser_troubles
from tests.speech.adapters.services import Service

from offhook.audio.resample import resample
from offhook.errors import EngineError, EngineMissing
from offhook.speech import registry
from offhook.speech.engines import Float32
from offhook.speech.hints import hinted


@pytest.fixture
def service() -> Iterator[Service]:
    with services.serving(services.openai) as service:
        yield service


@pytest.fixture
def speech(human_phrase: Float32) -> Float32:
    return resample(human_phrase, 8000, 16000)


def test_listening_keeps_the_contract(service: Service, speech: Float32, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUR_KEY", "secret")
    engine = registry.recogniser(f"openai?url={service.url}/v1&key_env=OUR_KEY")
    contract.check_recogniser(engine, speech, ["best of times"], foreign="tlh")
    assert service.asked[0]["auth"] == "Bearer secret"
    assert (service.asked[0]["model"], service.asked[0]["language"]) == ("gpt-4o-mini-transcribe", "en")
    assert engine.transcribe(speech, None).confidence == pytest.approx(0.905, abs=0.001)


def test_speaking_keeps_the_contract(service: Service) -> None:
    engine = registry.synthesiser(f"openai?url={service.url}/v1&voice=nova&speed=1.1")
    contract.check_synthesiser(engine, foreign="tlh")
    asked = service.asked[0]
    assert (asked["voice"], asked["speed"], asked["response_format"]) == ("nova", 1.1, "pcm")


def test_troubles(service: Service, speech: Float32) -> None:
    uri = f"openai:whisper-1?url={service.url}/v1&timeout=0.3"
    check_recogniser_troubles(service, registry.recogniser(uri), speech)
    check_synthesiser_troubles(service, registry.synthesiser(f"openai?url={service.url}/v1&timeout=0.3"))


def test_sound_of_another_rate_is_not_heard(service: Service) -> None:
    service.mode = "other rate"
    with pytest.raises(EngineError, match="sound of 16000 Hz in place of 24000 Hz"):
        list(registry.synthesiser(f"openai?url={service.url}/v1").synthesise("Good morning."))


def test_what_is_no_text_was_not_said(service: Service, speech: Float32, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "json", lambda body: JSONResponse(body | {"text": None}))
    with pytest.raises(EngineError, match="without a text"):
        registry.recogniser(f"openai?url={service.url}/v1").transcribe(speech, None)


def test_hints_are_the_prompt(service: Service, speech: Float32) -> None:
    hinted(registry.recogniser(f"openai:whisper-1?url={service.url}/v1"), ["Ashford", "Dickens"]).transcribe(
        speech, None
    )
    assert service.asked[-1]["prompt"] == "Ashford, Dickens"
    assert "include[]" not in service.asked[-1]


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(EngineError, match="set OPENAI_API_KEY, or url="):
        registry.recogniser("openai")
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(EngineMissing, match=r"offhook\[openai\]"):
        registry.synthesiser("openai?url=http://127.0.0.1:1")


def test_nobody_there_is_told(speech: Float32) -> None:
    with pytest.raises(EngineError, match="cannot be reached"):
        registry.recogniser("openai?url=http://127.0.0.1:1/v1").transcribe(speech, None)
