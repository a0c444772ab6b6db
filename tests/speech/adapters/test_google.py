"""The Google adapter against a server that speaks its wire, gRPC."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator

import pytest

pytest.importorskip("google.cloud.speech_v2")

from tests.speech import contract
from tests.speech.adapters import google_service
from tests.speech.adapters.google_service import GoogleService
from tests.speech.adapters.remote_checks import TEXT, check_troubles, stream
from tests.speech.adapters.services import HEARD

from offhook.errors import EngineError, EngineMissing
from offhook.speech import registry
from offhook.speech.engines import Float32, Transcription, streams
from offhook.speech.hints import TakesHints
from offhook.speech.phrases import Part, Phrase, express

WORDS = {"wrong": "answers with INTERNAL", "refused": r"refuses the key \(UNAUTHENTICATED\)"}


@pytest.fixture
def service() -> Iterator[GoogleService]:
    with google_service.serving() as service:
        yield service


def test_listening_keeps_the_contract(service: GoogleService, human_phrase: Float32) -> None:
    engine = registry.recogniser(f"google?url={service.url}&project=mine&location=eu")
    contract.check_recogniser(engine, human_phrase, ["best of times"], foreign="tlh")
    request = service.asked[0]["request"]
    assert request.recognizer == "projects/mine/locations/eu/recognizers/_"
    config = request.config
    assert (config.model, list(config.language_codes)) == ("telephony", ["en-US"])
    assert (config.explicit_decoding_config.encoding.name, config.explicit_decoding_config.sample_rate_hertz) == (
        "MULAW",
        8000,
    )


def test_it_listens_while_somebody_speaks(service: GoogleService, human_phrase: Float32) -> None:
    engine = registry.recogniser(f"google?url={service.url}")
    interims: list[Transcription] = []
    assert stream(engine, human_phrase, interims, "en-GB") == HEARD
    assert interims[0].text == "It"
    assert 0 < interims[0].words[0].end <= 3.6
    config = service.asked[0]["request"].streaming_config
    assert list(config.config.language_codes) == ["en-GB"]
    assert config.streaming_features.interim_results


def test_an_utterance_goes_on_after_a_result_in_a_stream_of_its_own(
    service: GoogleService, human_phrase: Float32
) -> None:
    engine = registry.recogniser(f"google?url={service.url}")
    assert streams(engine)
    line = engine.stream(None, lambda _: None)
    line.feed(human_phrase)
    first = line.result()
    assert line.result() == first
    line.feed(human_phrase)
    second = line.result()
    line.close()
    assert second.text == f"{first.text} {HEARD}"
    half = len(first.words)
    assert second.words[half].start == pytest.approx(len(human_phrase) / 8000)
    assert len(service.asked) == 2


def test_troubles(service: GoogleService, human_phrase: Float32) -> None:
    uri = f"google?url={service.url}&timeout=0.4"
    engine, voice = registry.recogniser(uri), registry.synthesiser(uri)
    check_troubles(service, lambda: engine.transcribe(human_phrase, None), WORDS)
    check_troubles(service, lambda: list(voice.synthesise(TEXT)), WORDS)


def test_what_came_before_a_cut_is_given_out(service: GoogleService) -> None:
    service.mode = "cut"
    sound = iter(registry.synthesiser(f"google?url={service.url}&timeout=0.4").synthesise(TEXT))
    assert len(next(sound))
    with pytest.raises(EngineError, match="broke off"):
        list(sound)


def test_where_the_line_was_gone_it_asks_again(service: GoogleService, human_phrase: Float32) -> None:
    engine = registry.recogniser(f"google?url={service.url}&timeout=5")
    voice = registry.synthesiser(f"google:en-US-Neural2-F?url={service.url}&timeout=5")
    service.once = True
    uses: list[Callable[[], object]] = [
        lambda: engine.transcribe(human_phrase, None).text == HEARD,
        lambda: stream(engine, human_phrase, []) == HEARD,
        lambda: sum(map(len, voice.synthesise("One."))) > 1000,
    ]
    for use in uses:
        service.mode = "cut"
        before = len(service.asked)
        assert use()
        assert len(service.asked) == before + 2


def test_troubles_of_other_voices(service: GoogleService) -> None:
    voice = registry.synthesiser(f"google:en-US-Neural2-F?url={service.url}&timeout=0.4")
    check_troubles(service, lambda: list(voice.synthesise(TEXT)), WORDS)


def test_troubles_of_a_stream(service: GoogleService, human_phrase: Float32) -> None:
    engine = registry.recogniser(f"google?url={service.url}&timeout=0.5")
    for mode in ("slow", "wrong", "cut", "refused", "limited"):
        service.mode = mode  # type: ignore[assignment]
        with pytest.raises(EngineError):
            stream(engine, human_phrase, [])
    service.mode = "well"
    assert stream(engine, human_phrase, []) == HEARD


def test_streams_leave_no_threads(service: GoogleService, human_phrase: Float32) -> None:
    engine = registry.recogniser(f"google?url={service.url}")
    stream(engine, human_phrase, [])
    assert streams(engine)
    unwanted = engine.stream(None, lambda _: None)
    unwanted.feed(human_phrase)
    unwanted.close()
    for thread in threading.enumerate():
        if thread.name == "offhook-google":
            thread.join(10)
            assert not thread.is_alive()


def test_chirp_voices_come_as_they_are_made(service: GoogleService) -> None:
    names = "en-US-Chirp3-HD-Aoede,de-DE-Chirp3-HD-Kore"
    engine = registry.synthesiser(f"google?url={service.url}&voices={names}")
    contract.check_synthesiser(engine, foreign="ja")
    list(engine.synthesise("Hallo.", language="de"))
    config = service.asked[-1]["config"]
    assert (config.voice.name, config.voice.language_code) == ("de-DE-Chirp3-HD-Kore", "de-DE")
    list(express(engine, Phrase((Part("Hello."),), rate=0.75)))
    assert service.asked[-1]["config"].streaming_audio_config.speaking_rate == 0.75


def test_other_voices_take_markup(service: GoogleService) -> None:
    engine = registry.synthesiser(f"google:en-US-Neural2-F?url={service.url}")
    contract.check_synthesiser(engine, foreign="ja")
    parts = (Part("Bread & ", pitch=1.2), Part("pecan", phonemes="pɪˈkɑːn", emphasis="strong"))
    list(express(engine, Phrase(parts, rate=1.5)))
    request = service.asked[-1]["request"]
    assert request.input.ssml == (
        '<speak><prosody pitch="+20%">Bread &amp; </prosody>'
        '<emphasis level="strong"><phoneme alphabet="ipa" ph="pɪˈkɑːn">pecan</phoneme></emphasis></speak>'
    )
    assert request.audio_config.speaking_rate == 1.5


def test_hints_are_a_phrase_set(service: GoogleService, human_phrase: Float32) -> None:
    engine = registry.recogniser(f"google?url={service.url}")
    assert isinstance(engine, TakesHints)
    engine.hinted(["Ashford"]).transcribe(human_phrase, None)
    (given,) = service.asked[-1]["request"].config.adaptation.phrase_sets
    assert [phrase.value for phrase in given.inline_phrase_set.phrases] == ["Ashford"]


def test_what_is_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with pytest.raises(EngineError, match="set NO_SUCH_KEY"):
        registry.recogniser("google?key_env=NO_SUCH_KEY&project=p")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere.json")
    with pytest.raises(EngineError, match="set GOOGLE_APPLICATION_CREDENTIALS"):
        registry.synthesiser("google")
    monkeypatch.setitem(sys.modules, "grpc", None)
    with pytest.raises(EngineMissing, match=r"offhook\[google\]"):
        registry.synthesiser("google?url=http://127.0.0.1:1")
