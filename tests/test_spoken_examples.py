"""Examples that listen, in calls with recorded speech and the real engines; the line is in memory, time virtual."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from tests.bots.fakes import Platform, calling, kept, of, pool
from tests.spoken import encoder, prompts, reader, says, says_in_spanish

from offhook import Bot, Call, Engines
from offhook.audio import ulaw
from offhook.audio.resample import resample
from offhook.bots.host import Host
from offhook.cli.target import load_host
from offhook.protocol import MONITOR, EntitiesReceived
from offhook.records import events as happenings
from offhook.speech import registry
from offhook.speech.switching import Identifying
from offhook.speech.voiceprint import new_key
from offhook.speech.voiceprint.phrase import same_words

__all__ = ["pool"]

EXAMPLES = Path(__file__).parent.parent / "examples"
pytestmark = [pytest.mark.virtual_time, pytest.mark.usefixtures("pool")]

PASSWORD = "The conference will begin when our glorious leader arrives."
TAKES = [f"confbridge-begin-glorious-{take}" for take in "abc"]


def example(name: str) -> tuple[Host, ModuleType]:
    import sys

    host = load_host(str(EXAMPLES / name))
    return host, sys.modules[name.removesuffix(".py")]


async def answer(host: Host, *spoken: bytes) -> dict[str, str]:
    """A call in which these are said, each once the bot has asked; returns its output variables."""
    async with calling(host, input={"customer": "4711"}) as call:
        for audio in spoken:
            await call.listen(timeout=20)
            await call.play(audio)
        result = await call.result()
    assert result.outcome == "completed", result
    return result.output


async def test_spoken_password(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    prompts(), encoder()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OFFHOOK_VOICEPRINT_KEY", new_key())
    bot, module = example("spoken_password.py")
    events = kept(bot)
    monkeypatch.setattr(module, "PASSWORD", PASSWORD)
    enrolment = [says(key) for key in ("agent-pass", "vm-invalidpassword", "vm-whichbox")]
    assert (await answer(bot, *enrolment))["voice_verdict"] == "enrolled"

    first = await answer(bot, says(TAKES[0]))
    assert first["voice_verdict"] == "accepted"
    assert float(first["voice_probability"]) > 0.5
    assert (await answer(bot, says(TAKES[0])))["voice_verdict"] == "replayed"
    assert (await answer(bot, says(TAKES[1])))["voice_verdict"] == "accepted", "another take of the same words"
    wrong = [says(key) for key in ("conf-placeintoconf", "conf-getconfno", "vm-mismatch")]
    assert (await answer(bot, *wrong))["voice_verdict"] == "wrong_words"

    monkeypatch.setattr(module, "PASSWORD", "It was the best of times, it was the worst of times.")
    assert (await answer(bot, reader(0)))["voice_verdict"] == "rejected", "the right words in another voice"

    verdicts = [event.verdict for event in of(events, happenings.VoiceChecked)]
    assert verdicts == ["accepted", "replayed", "accepted", *["wrong_words"] * 3, "rejected"]
    assert b"4711" not in b"".join(path.read_bytes() for path in (tmp_path / "voiceprints").iterdir())


async def test_support() -> None:
    prompts()
    bot, _ = example("support.py")
    async with calling(bot) as call:
        await call.listen(timeout=20)
        await call.play(says("conf-getpin"))
        answered = await call.listen(timeout=20)
        assert answered.seconds > 2, "it repeats what it has understood"
        await call.play(says("agent-user"))
        result = await call.result()
    assert result.output == {"intent": "agent"}


@pytest.mark.timeout(240)
async def test_an_appointment_whose_language_is_changed_in_mid_call() -> None:
    """English, then Spanish: Whisper hears a person, and Pico speaks. Nobody has recorded the word that switches."""
    pytest.importorskip("faster_whisper"), pytest.importorskip("py_nanotts")
    monday = says_in_spanish("digits/day-1")
    bot, _ = example("appointment.py")
    events = kept(bot)
    switch = np.concatenate(list(registry.synthesiser("hibari").synthesise("Spanish, please.")))
    told = await answer(bot, ulaw.from_float(resample(switch, 24_000, 8000)), monday)
    assert told == {"day": "lunes", "language": "es"}
    asked = [event.text for event in of(events, happenings.SayStarted)]
    assert asked[0].startswith("Which day")
    assert asked[-2].startswith("¿Qué día")
    assert asked[-1] == "Su cita es el lunes. Adiós."


@pytest.mark.timeout(240)
async def test_a_call_follows_the_language_that_is_spoken() -> None:
    pytest.importorskip("faster_whisper")
    spanish = says_in_spanish("conf-getpin")
    first, second = registry.recogniser("moonshine"), registry.recogniser("whisper")
    bot = Bot("any", languages=("en-US", "es-ES"), engines=Engines(recogniser=Identifying(first, second, ("es-ES",))))
    spoken: list[tuple[str | None, str]] = []

    @bot.handler
    async def listen(call: Call) -> None:
        await call.say("Hello.")
        for _ in range(2):
            turn = await call.listen(20)
            assert turn is not None
            spoken.append((call.language, turn.text))
            await call.say("Yes.")

    await answer(bot, says("conf-now-recording"), spanish)
    assert [language for language, _ in spoken] == ["en-US", "es-ES"]
    assert "recorded" in spoken[0][1]
    assert "conferencia" in spoken[1][1]


async def monitored(host: Host, external: bytes, internal: bytes) -> list[dict[str, Any]]:
    """A call with these two channels, heard to its end; returns the entities that were sent."""
    platform = await Platform(host, profile=MONITOR).open()
    length = max(len(external), len(internal)) + 16_000
    lanes = [lane + ulaw.silence(length - len(lane)) for lane in (external, internal)]
    for at in range(0, length, 1600):
        platform.do("send_audio", *(lane[at : at + 1600] for lane in lanes))
    await platform.live(1.0)
    await platform.hang_up()
    assert not platform.audio
    return [
        {"type": entity.type, **entity.data}  # type: ignore[dict-item]
        for event in platform.events
        if isinstance(event, EntitiesReceived)
        for entity in event.entities
    ]


async def test_transcription_monitor() -> None:
    prompts()
    monitor, _ = example("transcribe.py")
    agent = ulaw.silence(40_000) + says("vm-whichbox")
    caller, answered = await monitored(monitor, says("conf-getpin"), agent)
    for entity, text, channel, begins in (
        (caller, prompts().clips["conf-getpin"].text, 0, 0.0),
        (answered, prompts().clips["vm-whichbox"].text, 1, 5.0),
    ):
        assert entity["type"] == "transcript"
        assert (entity["channelId"], entity["isFinal"]) == (channel, True)
        assert float(entity["offset"][2:-1]) == pytest.approx(begins, abs=0.3)
        (alternative,) = entity["alternatives"]
        (interpretation,) = alternative["interpretations"]
        assert interpretation["type"] == "display"
        assert same_words(text, interpretation["transcript"])
        assert len(interpretation["tokens"]) >= 6


async def test_agent_assist() -> None:
    prompts()
    monitor, _ = example("agent_assist.py")
    external = says("confbridge-lock-no-join") + ulaw.silence(12_000) + says("hello")
    internal = ulaw.silence(len(external) + 12_000) + says("conf-now-recording")
    first, hello, agent = await monitored(monitor, external, internal)
    (utterance,) = first["utterances"]
    assert (utterance["channel"], utterance["isFinal"], utterance["language"]) == ("external", True, "en-US")
    (suggestion,) = first["suggestions"]
    assert suggestion["type"] == "article"
    assert suggestion["title"] == "Conferences - The conference is locked"
    assert suggestion["documentUri"] == "https://kb.example.com/conferences.md#the-conference-is-locked"
    assert "suggestions" not in hello
    assert agent["utterances"][0]["channel"] == "internal"
    assert "suggestions" not in agent, "what the agent says asks for nothing"


async def test_a_number_with_a_long_pause_is_one_answer() -> None:
    """A pause of 1.0 s within four digits, longer than that which ends such a turn: `ask` takes them for one number."""
    bot, _ = example("order_status.py")
    number = prompts().utterance(["digits/4", 0.1, "digits/7", 1.0, "digits/1", 0.1, "digits/1"]).audio
    events = kept(bot)
    async with calling(bot) as call:
        await call.listen(timeout=20)  # the welcome, and the question
        await call.listen(timeout=20)
        await call.play(number)
        await call.listen(timeout=20)  # what is known of the order, and the next question
        await call.listen(timeout=20)
        await call.dtmf("2")
        result = await call.result()
    assert result.output == {"order": "4711", "known": "true", "by": "speech"}
    assert len(of(events, happenings.TurnEnded)) == 2, "the turn was over within the number"
