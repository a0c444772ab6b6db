"""The Azure adapter against a server that speaks its interface."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tests.speech import contract
from tests.speech.adapters import services
from tests.speech.adapters.remote_checks import check_synthesiser_troubles
from tests.speech.adapters.services import Service

from offhook.errors import EngineError
from offhook.speech import registry
from offhook.speech.phrases import Part, Phrase, express


def azure(service: Service) -> Starlette:
    async def speak(request: Request) -> Response:
        ssml = (await request.body()).decode()
        service.asked.append(dict(request.headers) | {"ssml": ssml})
        assert request.headers["content-type"] == "application/ssml+xml"
        return await service.trouble() or service.sound(re.sub("<.*?>", "", ssml), 16000)

    return Starlette(routes=[Route("/cognitiveservices/v1", speak, methods=["POST"])])


@pytest.fixture
def service() -> Iterator[Service]:
    with services.serving(azure) as service:
        yield service


def test_speaking_keeps_the_contract(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "secret")
    engine = registry.synthesiser(f"azure?url={service.url}&voices=en-US-AvaNeural,de-DE-KatjaNeural&key_env=MY_KEY")
    contract.check_synthesiser(engine, foreign="ja")
    asked = service.asked[0]
    assert asked["ocp-apim-subscription-key"] == "secret"
    assert asked["x-microsoft-outputformat"] == "raw-16khz-16bit-mono-pcm"
    list(engine.synthesise("Hallo.", language="de"))
    assert '<voice name="de-DE-KatjaNeural">Hallo.</voice>' in service.asked[-1]["ssml"]
    assert 'xml:lang="de-DE"' in service.asked[-1]["ssml"]


def test_it_takes_markup(service: Service) -> None:
    engine = registry.synthesiser(f"azure:en-GB-SoniaNeural?url={service.url}")
    parts = (Part("Bread & ", pitch=1.2), Part("pecan", phonemes="pɪˈkɑːn"))
    list(express(engine, Phrase(parts, rate=1.5)))
    assert service.asked[-1]["ssml"] == (
        '<speak version="1.0" xmlns="http://www.w3.org/2001/10/synthesis" xml:lang="en-GB">'
        '<voice name="en-GB-SoniaNeural"><prosody rate="+50%"><prosody pitch="+20%">Bread &amp; </prosody>'
        '<phoneme alphabet="ipa" ph="pɪˈkɑːn">pecan</phoneme></prosody></voice></speak>'
    )


def test_troubles(service: Service) -> None:
    check_synthesiser_troubles(service, registry.synthesiser(f"azure?url={service.url}&timeout=0.3"))


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_SPEECH_KEY", raising=False)
    monkeypatch.delenv("AZURE_SPEECH_REGION", raising=False)
    with pytest.raises(EngineError, match="set AZURE_SPEECH_KEY"):
        registry.synthesiser("azure?region=westeurope")
    monkeypatch.setenv("AZURE_SPEECH_KEY", "secret")
    with pytest.raises(EngineError, match="set AZURE_SPEECH_REGION"):
        registry.synthesiser("azure")
    assert registry.synthesiser("azure?region=westeurope").name == (
        "azure-westeurope.tts.speech.microsoft.com-en-US-AvaNeural"
    )
