"""The ready-made bot that asks for a spoken password: recorded people, the real engines, what the flow is told."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from tests.bots.fakes import calling, kept, of, pool
from tests.spoken import encoder, prompts, reader, says

from offhook import Bot, UsageError
from offhook.audio import ulaw
from offhook.bots.host import Host
from offhook.bots.ready import make
from offhook.records import events as happenings
from offhook.speech.voiceprint import TemplateStore, Verifier, new_key, read_key

__all__ = ["pool"]
pytestmark = [pytest.mark.virtual_time, pytest.mark.usefixtures("pool")]

PASSWORD = "The conference will begin when our glorious leader arrives."
TAKES = [f"confbridge-begin-glorious-{take}" for take in "abc"]
HERS = ["agent-pass", "vm-invalidpassword", "vm-whichbox"]
NUMBER = "tel:+15550001111"


@pytest.fixture
def verifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Verifier:
    prompts()
    monkeypatch.setenv("OFFHOOK_VOICEPRINT_KEY", new_key())
    return Verifier(encoder(), TemplateStore(tmp_path, read_key()))


async def answer(host: Host, *spoken: bytes, **given: object) -> dict[str, str]:
    """A call in which these are said, each once the bot has asked; returns its output variables."""
    async with calling(host, **({"ani": NUMBER} | given)) as call:
        for audio in spoken:
            await call.listen(timeout=20)
            await call.play(audio)
        result = await call.result()
    assert result.outcome == "completed", result
    return result.output


async def test_right_words_in_the_right_voice(verifier: Verifier, tmp_path: Path) -> None:
    verifier.enrol("+15550001111", [says(key) for key in HERS])
    bot = make("voiceprint", voiceprints=tmp_path, password=PASSWORD)
    assert isinstance(bot, Bot)
    events = kept(bot)
    good = await answer(bot, says(TAKES[0]))
    assert float(good.pop("voice_probability")) > 0.5
    assert good == {"verified": "true", "speaker": "+15550001111", "voice_verdict": "accepted"}

    again = await answer(bot, says(TAKES[0]))
    assert (again["verified"], again["voice_verdict"]) == ("false", "replayed")

    wrong = [says(key) for key in ("conf-placeintoconf", "conf-getconfno", "vm-mismatch")]
    other = await answer(bot, *wrong)
    assert (other["verified"], other["voice_verdict"]) == ("false", "wrong_words")

    second = await answer(bot, says("vm-newpassword"), says(TAKES[1]))
    assert (second["verified"], second["voice_verdict"]) == ("true", "accepted"), "the second try counts"
    verdicts = [event.verdict for event in of(events, happenings.VoiceChecked)]
    assert verdicts == ["accepted", "replayed", *["wrong_words"] * 4, "accepted"]


async def test_right_words_in_another_voice(verifier: Verifier, tmp_path: Path) -> None:
    verifier.enrol("4711", [says(key) for key in HERS])
    dickens = "It was the best of times, it was the worst of times."
    bot = make("voiceprint", voiceprints=tmp_path, password=dickens)
    told = await answer(bot, reader(0), input={"speaker": "4711"})
    assert (told["verified"], told["speaker"], told["voice_verdict"]) == ("false", "4711", "rejected")


async def test_a_caller_who_says_nothing(verifier: Verifier, tmp_path: Path) -> None:
    verifier.enrol("+15550001111", [says(HERS[0])])
    told = await answer(make("voiceprint", voiceprints=tmp_path, password=PASSWORD))
    assert told == {
        "verified": "false", "speaker": "+15550001111", "voice_verdict": "too_short", "voice_probability": "",
    }  # fmt: skip


async def test_unknown_callers_are_enrolled_only_if_that_is_asked_for(verifier: Verifier, tmp_path: Path) -> None:
    told = await answer(make("voiceprint", voiceprints=tmp_path, password=PASSWORD))
    assert (told["verified"], told["voice_verdict"]) == ("false", "unknown")
    assert verifier.store.all() == []
    bot = make("voiceprint", voiceprints=tmp_path, password=PASSWORD, enrol=True)
    told = await answer(bot, says(HERS[0]), says(HERS[1]), ulaw.silence(100), says(HERS[2]))
    assert (told["verified"], told["voice_verdict"]) == ("false", "enrolled")
    (template,) = verifier.store.all()
    assert (template.speaker, len(template.vectors)) == ("+15550001111", 3)
    assert (await answer(bot, says(TAKES[2])))["verified"] == "true"
    assert (await answer(bot, ani="", input={}))["voice_verdict"] == "unknown", "nobody is claimed"


async def test_voiceprints_that_cannot_be_read_give_the_call_back(
    verifier: Verifier, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    verifier.enrol("+15550001111", [says(HERS[0])])
    for path in tmp_path.glob("*.voiceprint"):  # noqa: ASYNC240 (a few bytes)
        path.write_bytes(b"broken")
    with caplog.at_level(logging.WARNING):
        told = await answer(make("voiceprint", voiceprints=tmp_path, password=PASSWORD, enrol=True))
    assert (told["verified"], told["voice_verdict"]) == ("false", "failed")
    assert "15550001111" not in caplog.text


def test_a_password_has_words(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no word"):
        make("voiceprint", voiceprints=tmp_path, password=" ... ")
