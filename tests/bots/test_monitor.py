"""Monitors: what both sides say, sent back as the platform wants it, to the last word."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest
from tests.bots.fakes import Platform, Scripted, VirtualPool, engines, kept, of, silence, voice

from offhook import Monitor, MonitorCall, Transcript
from offhook.protocol import MONITOR, MONO, STEREO, EntitiesReceived, LanguageUpdated
from offhook.records import events as happenings
from offhook.speech.engines import Word

pytestmark = [pytest.mark.virtual_time, pytest.mark.usefixtures("pool")]


async def send_all(call: MonitorCall) -> None:
    async for transcript in call.transcripts():
        await call.send_transcript(transcript)


def make_monitor(handler: Any = send_all, recogniser: Scripted | None = None, **options: Any) -> Monitor:
    monitor = Monitor("test", engines=engines(recogniser), **options)
    monitor.handler(handler)
    return monitor


async def listening(monitor: Monitor, **options: Any) -> Platform:
    return await Platform(monitor, profile=MONITOR, **options).open()


def talk(platform: Platform, external: bytes, internal: bytes) -> None:
    for at in range(0, len(external), 1600):
        platform.do("send_audio", external[at : at + 1600], internal[at : at + 1600])


def sent(platform: Platform) -> list[dict[str, Any]]:
    entities = [e for event in platform.events if isinstance(event, EntitiesReceived) for e in event.entities]
    return [dict(entity.data) for entity in entities]  # type: ignore[arg-type]


async def test_both_channels_are_transcribed_with_their_times() -> None:
    words = (Word("well", 0.2, 0.5, 0.87654), Word("yes", 0.6, 1.0, 0.5))
    platform = await listening(make_monitor(recogniser=Scripted("well yes", words=words)))
    talk(platform, voice(1.0) + silence(1.0), silence(2.0))
    talk(platform, silence(2.0), voice(1.0) + silence(1.0))
    await platform.live(0.4)
    await platform.hang_up()
    caller, agent = sent(platform)
    assert (caller["channelId"], agent["channelId"]) == (0, 1)
    assert caller["isFinal"] is agent["isFinal"] is True
    assert caller["id"] != agent["id"]
    assert float(str(agent["offset"])[2:-1]) == pytest.approx(2.0, abs=0.06)
    assert float(str(agent["duration"])[2:-1]) == pytest.approx(1.0, abs=0.06)
    (alternative,) = caller["alternatives"]
    assert alternative["languages"] == ["en-US"], "the call's tag, not the engine's"
    assert alternative["confidence"] == 0.9
    (shown,) = alternative["interpretations"]
    assert shown["transcript"] == "well yes"
    assert [(token["value"], token["confidence"]) for token in shown["tokens"]] == [("well", 0.877), ("yes", 0.5)]


@pytest.mark.parametrize("interim", [False, True])
async def test_results_before_an_utterance_is_over_come_only_if_they_are_wanted(interim: bool) -> None:
    results: list[Transcript] = []

    async def handler(call: MonitorCall) -> None:
        async for transcript in call.transcripts():
            results.append(transcript)
            await call.send_transcript(transcript)

    options = {"interim": True} if interim else {}
    platform = await listening(make_monitor(handler, **options))
    await platform.live(4.0, voice(2.0))
    await platform.hang_up()
    assert results[-1].final
    assert any(not result.final for result in results) is interim
    assert len({result.id for result in results}) == 2, "one utterance on each channel"
    assert sum(entity["isFinal"] for entity in sent(platform)) == 2


async def test_the_last_words_are_sent_after_a_hang_up(pool: VirtualPool) -> None:
    platform = await listening(make_monitor())
    await platform.live(0.4)
    pool.seconds = 1.5
    talk(platform, voice(1.0), silence(1.0))
    took = await platform.hang_up()
    assert len(sent(platform)) == 1
    assert took == pytest.approx(1.5, abs=0.3)


async def test_a_recogniser_that_takes_too_long_does_not_hold_the_platform(pool: VirtualPool) -> None:
    platform = await listening(make_monitor())
    await platform.live(0.4)
    pool.seconds = 60.0
    talk(platform, voice(1.0), silence(1.0))
    assert await platform.hang_up() < 10
    assert sent(platform) == []


async def test_pauses_and_gaps_are_in_every_offset() -> None:
    platform = await listening(make_monitor())
    talk(platform, voice(0.6), silence(0.6))
    platform.do("pause")
    platform.do("skip", 80_000)
    platform.do("resume")
    talk(platform, voice(0.6) + silence(1.0), silence(1.6))
    await platform.live(0.4)
    await platform.hang_up()
    first, second = sent(platform)
    assert float(str(first["offset"])[2:-1]) == pytest.approx(0.0, abs=0.06)
    assert float(str(second["offset"])[2:-1]) == pytest.approx(10.6, abs=0.06)


async def test_a_new_language_ends_the_utterance_and_is_confirmed() -> None:
    platform = await listening(make_monitor())
    talk(platform, voice(0.6), silence(0.6))
    platform.do("update", "de-DE")
    await platform.until(LanguageUpdated)
    talk(platform, voice(0.6) + silence(1.0), silence(1.6))
    await platform.live(0.4)
    await platform.hang_up()
    assert [entity["alternatives"][0]["languages"] for entity in sent(platform)] == [["en"], ["en"]]
    # What the engine understood as English stays English in a German call.


async def test_one_channel_is_enough() -> None:
    platform = await listening(make_monitor(media=(MONO,)), media=(MONO, STEREO))
    await platform.live(2.0, voice(1.0))
    await platform.hang_up()
    assert [entity["channelId"] for entity in sent(platform)] == [0]


async def test_interim_results_give_way_while_others_wait() -> None:
    async def handler(call: MonitorCall) -> None:
        made = Transcript("u", "external", 0, "yes", False, 0, 800, 0.9, (), "en")
        for final in [False] * 200 + [True]:
            await call.send_transcript(dataclasses.replace(made, final=final))
        await asyncio.sleep(60)

    monitor = make_monitor(handler)
    events = kept(monitor)
    platform = await listening(monitor)
    await platform.live(1.0)
    await platform.hang_up()
    assert [entity["isFinal"] for entity in sent(platform)] == [False] * (len(sent(platform)) - 1) + [True]
    assert len(sent(platform)) < 60, "25 at once and then 5 in a second"
    assert of(events, happenings.CallEnded)[0].error == ""


async def test_supported_languages_are_listed_where_the_platform_asks() -> None:
    platform = await listening(make_monitor(languages=("en-US", "de-DE")), supported_languages=True)
    assert any('"supportedLanguages":["en-US","de-DE"]' in text.replace(" ", "") for text in platform.messages)
    await platform.hang_up()
