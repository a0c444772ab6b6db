"""The ready-made voiceprint monitor: says whose voice it is while the call goes on, and never disturbs it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from tests.bots.fakes import Platform, VirtualPool, kept, of, pool
from tests.spoken import encoder, prompts, reader, says

from offhook import Monitor
from offhook.audio import ulaw
from offhook.bots.ready import make
from offhook.protocol import MONITOR, AudioReceived, Disconnected, EntitiesReceived
from offhook.records import events as happenings
from offhook.speech.voiceprint import TemplateStore, Verifier, new_key, read_key

__all__ = ["VirtualPool", "pool"]
pytestmark = [pytest.mark.virtual_time, pytest.mark.usefixtures("pool")]

NUMBER = "+15550001111"  # that the fake platform calls from
HERS = ["agent-pass", "vm-invalidpassword", "vm-whichbox", "vm-mismatch", "auth-incorrect", "conf-invalid"]


@pytest.fixture
def verifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Verifier:
    prompts()
    monkeypatch.setenv("OFFHOOK_VOICEPRINT_KEY", new_key())
    return Verifier(encoder(), TemplateStore(tmp_path, read_key()))


async def heard(monitor: Monitor, *utterances: bytes) -> tuple[list[dict[str, Any]], list[happenings.AnyEvent]]:
    """A call in which the caller says these; returns the entities that were sent, and the call's events."""
    events = kept(monitor)
    platform = await Platform(monitor, profile=MONITOR).open()
    for audio in utterances:
        for at in range(0, len(audio) + 8000, 1600):
            lane = (audio[at : at + 1600] + ulaw.silence(1600))[:1600]
            platform.do("send_audio", lane, ulaw.silence(1600))
        await platform.live(0.4)
    await platform.hang_up()
    assert not any(isinstance(event, AudioReceived | Disconnected) for event in platform.events)
    found = [e for event in platform.events if isinstance(event, EntitiesReceived) for e in event.entities]
    assert {entity.type for entity in found} <= {"voiceprint"}
    return [dict(entity.data) for entity in found], events  # type: ignore[arg-type]


async def test_the_callers_voice_is_known(verifier: Verifier, tmp_path: Path) -> None:
    verifier.enrol(NUMBER, [says(key) for key in HERS[:3]])
    monitor = make("voiceprint", voiceprints=tmp_path)
    (entity,), events = await heard(monitor, says("vm-mismatch"), says("auth-incorrect"))  # type: ignore[arg-type]
    assert entity["verdict"] == "accepted"
    assert entity["probability"] > 0.5
    (checked,) = of(events, happenings.VoiceChecked)
    assert (checked.verdict, checked.probability) == ("accepted", pytest.approx(entity["probability"], abs=1e-3))
    (again,), _ = await heard(monitor, says("vm-mismatch"), says("auth-incorrect"))  # type: ignore[arg-type]
    assert again == {"verdict": "replayed", "probability": None, "seconds": entity["seconds"]}


async def test_another_voice_from_the_same_number(verifier: Verifier, tmp_path: Path) -> None:
    verifier.enrol(NUMBER, [says(key) for key in HERS[:3]])
    monitor = make("voiceprint", voiceprints=tmp_path)
    (entity,), _ = await heard(monitor, reader(0), reader(1), reader(2))  # type: ignore[arg-type]
    assert entity["verdict"] == "rejected"


async def test_a_call_that_is_over_soon_is_judged_by_what_there_is(verifier: Verifier, tmp_path: Path) -> None:
    verifier.enrol(NUMBER, [says(key) for key in HERS[:3]])
    (entity,), _ = await heard(make("voiceprint", voiceprints=tmp_path), says("vm-newpassword"))  # type: ignore[arg-type]
    assert entity["verdict"] == "accepted"


async def test_unknown_callers_are_enrolled_only_if_that_is_asked_for(verifier: Verifier, tmp_path: Path) -> None:
    spoken = [says(key) for key in HERS]
    (entity, *more), _ = await heard(make("voiceprint", voiceprints=tmp_path), *spoken)  # type: ignore[arg-type]
    assert (entity["verdict"], more) == ("unknown", [])
    assert verifier.store.all() == []
    entities, events = await heard(make("voiceprint", voiceprints=tmp_path, enrol=True), *spoken)  # type: ignore[arg-type]
    assert entities == []
    assert any("enrolled with" in note.text for note in of(events, happenings.Note))
    (template,) = verifier.store.all()
    assert template.speaker == NUMBER
    (entity, *_), _ = await heard(make("voiceprint", voiceprints=tmp_path), says("vm-newpassword"))  # type: ignore[arg-type]
    assert entity["verdict"] == "accepted"


async def test_voiceprints_that_cannot_be_read_are_told_and_the_call_goes_on(
    verifier: Verifier, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    verifier.enrol(NUMBER, [says("agent-pass")])
    for path in tmp_path.glob("*.voiceprint"):  # noqa: ASYNC240 (a few bytes)
        path.write_bytes(b"broken")
    with caplog.at_level(logging.WARNING):
        entities, events = await heard(make("voiceprint", voiceprints=tmp_path), *[says(key) for key in HERS])  # type: ignore[arg-type]
    assert entities == []
    assert [note.text for note in of(events, happenings.Note)] == ["voiceprints cannot be read or written"]
    assert caplog.text.count("no voiceprint") == 1
    assert NUMBER not in caplog.text
    assert of(events, happenings.CallEnded)[0].outcome == "hangup"
