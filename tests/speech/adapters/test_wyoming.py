"""The Wyoming adapter against a service that speaks its wire."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator

import pytest
from tests.speech import contract
from tests.speech.adapters.services import Mode
from tests.speech.adapters.wyoming_service import WyomingService, wyoming

from offhook.audio.resample import resample
from offhook.errors import EngineError, EngineMissing, UsageError
from offhook.speech import registry
from offhook.speech.engines import Float32


@pytest.fixture
def service() -> Iterator[WyomingService]:
    with wyoming() as service:
        yield service


@pytest.fixture
def speech(human_phrase: Float32) -> Float32:
    return resample(human_phrase, 8000, 16000)


def test_listening_keeps_the_contract(service: WyomingService, speech: Float32) -> None:
    engine = registry.recogniser(f"wyoming:127.0.0.1:{service.port}")
    assert engine.languages == ("en", "fr")
    contract.check_recogniser(engine, speech, ["best of times"], foreign="ja")
    kinds = [asked["type"] for asked in service.asked]
    assert kinds[:2] == ["transcribe", "audio-start"]
    assert service.asked[0]["language"] == "en"


def test_speaking_keeps_the_contract(service: WyomingService) -> None:
    engine = registry.synthesiser(f"wyoming:127.0.0.1:{service.port}")
    assert (engine.voices, engine.languages) == (("amy", "eva"), ("en-US", "de-DE"))
    contract.check_synthesiser(engine, foreign="ja")
    list(engine.synthesise("Hallo.", language="de-AT"))
    assert service.asked[-1]["voice"] == {"name": "eva"}


@pytest.mark.parametrize(
    ("mode", "words"), [("slow", "does not answer in time"), ("wrong", "tells of an error"), ("cut", "broke off")]
)
def test_troubles(service: WyomingService, speech: Float32, mode: Mode, words: str) -> None:
    uri = f"wyoming:127.0.0.1:{service.port}?timeout=0.3"
    hears, speaks = registry.recogniser(uri), registry.synthesiser(uri)
    service.mode = mode
    for use in (lambda: hears.transcribe(speech, None), lambda: list(speaks.synthesise("Your parcel."))):
        with pytest.raises(EngineError, match=words) as raised:
            use()
        assert "times, it was" not in str(raised.value)
        assert "parcel" not in str(raised.value)
    if mode == "cut":
        pieces = iter(speaks.synthesise("Your parcel."))
        assert len(list(itertools.islice(pieces, 1))) == 1
    service.mode = "well"
    assert hears.transcribe(speech, None).text


def test_what_is_no_sound_is_not_played(service: WyomingService) -> None:
    speaks = registry.synthesiser(f"wyoming:127.0.0.1:{service.port}")
    service.mode = "empty"
    with pytest.raises(EngineError, match="without a sound"):
        list(speaks.synthesise("Your parcel."))
    assert list(speaks.synthesise("…")) == []
    service.mode = "page"
    with pytest.raises(EngineError, match="broke off") as raised:
        list(speaks.synthesise("Your parcel."))
    assert "times" not in str(raised.value)


def test_what_is_wrong_is_told(service: WyomingService, monkeypatch: pytest.MonkeyPatch) -> None:
    here = f"wyoming:127.0.0.1:{service.port}"
    with pytest.raises(UsageError, match="no voice 'gone' there; there are: amy, eva"):
        registry.synthesiser(f"{here}?voice=gone")
    with pytest.raises(UsageError, match="does not understand 'ja'"):
        registry.recogniser(f"{here}?language=ja")
    with pytest.raises(UsageError, match="write it like"):
        registry.recogniser("wyoming:127.0.0.1:x")
    with pytest.raises(EngineError, match="cannot be reached"):
        registry.recogniser("wyoming:127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "wyoming.audio", None)
    with pytest.raises(EngineMissing, match=r"offhook\[wyoming\]"):
        registry.recogniser(here + "?language=en")
