"""The ready-made transcription: both channels, interim and final, and subtitles beside the records."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.bots.fakes import Platform, VirtualPool, pool
from tests.spoken import prompts, says

from offhook.audio import ulaw
from offhook.bots.ready import make
from offhook.protocol import TRANSCRIPTION, EntitiesReceived
from offhook.records import layout
from offhook.records.store import CallStore
from offhook.speech.voiceprint.phrase import same_words

__all__ = ["VirtualPool", "pool"]
pytestmark = [pytest.mark.virtual_time, pytest.mark.usefixtures("pool")]


async def test_what_is_sent_and_what_is_kept(tmp_path: Path) -> None:
    external = says("conf-getpin")
    internal = ulaw.silence(len(external) + 8000) + says("vm-whichbox")
    external += ulaw.silence(len(internal) - len(external))
    monitor = make("transcribe", languages="en-US,en-GB")
    monitor.store = CallStore(tmp_path)
    platform = await Platform(monitor, profile=TRANSCRIPTION, supported_languages=True).open()
    assert any('"supportedLanguages":["en-US","en-GB"]' in text.replace(" ", "") for text in platform.messages)
    for at in range(0, len(external), 1600):
        platform.do("send_audio", external[at : at + 1600], internal[at : at + 1600])
    await platform.live(1.0)
    await platform.hang_up()
    monitor.store.close()
    sent = [e.data for event in platform.events if isinstance(event, EntitiesReceived) for e in event.entities]
    finals = [data for data in sent if data["isFinal"]]  # type: ignore[index, call-overload]
    assert [data["channelId"] for data in finals] == [0, 1]  # type: ignore[index, call-overload]
    (folder,) = monitor.store.folders()
    lines = layout.load(folder).transcript
    assert [line.speaker for line in lines] == ["caller", "agent"]
    for line, key in zip(lines, ("conf-getpin", "vm-whichbox"), strict=True):
        assert same_words(prompts().clips[key].text, line.text)
        assert line.words
    subtitles = (folder / "transcript.vtt").read_text()
    assert subtitles.startswith("WEBVTT\n\n00:00:00.")
    assert subtitles.count("<v Caller>") == subtitles.count("<v Agent>") == 1
    assert (folder / "transcript.json").exists()
