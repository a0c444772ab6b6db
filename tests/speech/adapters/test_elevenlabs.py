"""The ElevenLabs adapter against a server that speaks its wire."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from tests.speech import contract
from tests.speech.adapters import services
from tests.speech.adapters.remote_checks import check_recogniser_troubles, check_synthesiser_troubles
from tests.speech.adapters.services import Service

from offhook.audio.resample import resample
from offhook.errors import EngineError, EngineMissing
from offhook.speech import registry
from offhook.speech.engines import Float32


@pytest.fixture
def service() -> Iterator[Service]:
    with services.serving(services.elevenlabs) as service:
        yield service


@pytest.fixture
def speech(human_phrase: Float32) -> Float32:
    return resample(human_phrase, 8000, 16000)


def test_listening_keeps_the_contract(service: Service, speech: Float32) -> None:
    engine = registry.recogniser(f"elevenlabs?url={service.url}")
    contract.check_recogniser(engine, speech, ["best of times"], foreign="tlh")
    assert (service.asked[0]["model_id"], service.asked[0]["language_code"]) == ("scribe_v1", "en")


def test_speaking_keeps_the_contract(service: Service) -> None:
    engine = registry.synthesiser(f"elevenlabs?url={service.url}&voices=a,b")
    contract.check_synthesiser(engine, foreign="tlh")
    asked = service.asked[0]
    assert (asked["voice"], asked["model_id"], asked["output_format"]) == ("a", "eleven_flash_v2_5", "pcm_16000")
    list(engine.synthesise("Hallo.", voice="b", language="de-DE"))
    assert (service.asked[-1]["voice"], service.asked[-1]["language_code"]) == ("b", "de")


def test_troubles(service: Service, speech: Float32) -> None:
    uri = f"elevenlabs?url={service.url}&timeout=0.3"
    check_recogniser_troubles(service, registry.recogniser(uri), speech)
    check_synthesiser_troubles(service, registry.synthesiser(f"elevenlabs?url={service.url}&timeout=0.3"))


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ELEVENLABS_API_KEY", raising=False)
    with pytest.raises(EngineError, match="set ELEVENLABS_API_KEY, or url="):
        registry.recogniser("elevenlabs")
    monkeypatch.setitem(sys.modules, "elevenlabs.client", None)
    with pytest.raises(EngineMissing, match=r"offhook\[elevenlabs\]"):
        registry.synthesiser("elevenlabs?url=http://127.0.0.1:1")


def test_nobody_there_is_told(speech: Float32) -> None:
    with pytest.raises(EngineError, match="cannot be reached"):
        registry.recogniser("elevenlabs?url=http://127.0.0.1:1").transcribe(speech, None)
