"""The Amazon adapter against a server that speaks its wire."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.speech import contract
from tests.speech.adapters import services
from tests.speech.adapters.remote_checks import check_synthesiser_troubles
from tests.speech.adapters.services import Service

from offhook.errors import EngineBusy, EngineError, EngineMissing
from offhook.speech import registry
from offhook.speech.phrases import Part, Phrase, express

pytest.importorskip("boto3")


def polly(service: Service) -> Starlette:
    async def speak(request: Request) -> Response:
        asked = await request.json()
        service.asked.append(asked | {"auth": request.headers["authorization"]})
        if service.mode == "limited" and asked["VoiceId"] == "Joey":
            return JSONResponse({"message": "Rate exceeded"}, 400, {"x-amzn-ErrorType": "ThrottlingException"})
        text = re.sub("<.*?>", "", asked["Text"])
        return await service.trouble() or service.sound(text, int(asked["SampleRate"]))

    return Starlette(routes=[Route("/v1/speech", speak, methods=["POST"])])


@pytest.fixture
def service() -> Iterator[Service]:
    with services.serving(polly) as service:
        yield service


def test_speaking_keeps_the_contract(service: Service) -> None:
    engine = registry.synthesiser(f"amazon?url={service.url}&voices=en-US-Joanna,de-DE-Vicki")
    contract.check_synthesiser(engine, foreign="ja")
    asked = service.asked[0]
    assert asked["auth"].startswith("AWS4-HMAC-SHA256 Credential=none/")
    assert (asked["Engine"], asked["VoiceId"], asked["OutputFormat"]) == ("neural", "Joanna", "pcm")
    list(engine.synthesise("Hallo.", language="de"))
    assert (service.asked[-1]["VoiceId"], service.asked[-1]["LanguageCode"]) == ("Vicki", "de-DE")


def test_it_takes_markup(service: Service) -> None:
    engine = registry.synthesiser(f"amazon?url={service.url}")
    list(express(engine, Phrase((Part("Bread & "), Part("pecan", phonemes="pɪˈkɑːn")), rate=1.5)))
    assert service.asked[-1]["Text"] == (
        '<speak><prosody rate="150%">Bread &amp; <phoneme alphabet="ipa" ph="pɪˈkɑːn">pecan</phoneme></prosody></speak>'
    )


def test_troubles(service: Service) -> None:
    check_synthesiser_troubles(service, registry.synthesiser(f"amazon?url={service.url}&timeout=0.3"))
    service.mode = "limited"
    with pytest.raises(EngineBusy, match="rate limited"):
        list(registry.synthesiser(f"amazon:en-US-Joey?url={service.url}").synthesise("Hello."))


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with pytest.raises(EngineError, match="set AWS_ACCESS_KEY_ID"):
        registry.synthesiser("amazon")
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(EngineMissing, match=r"offhook\[amazon\]"):
        registry.synthesiser("amazon?url=http://127.0.0.1:1")
