"""The page: whole, self-contained, and deaf to whatever a caller says."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest
from tests.records.calls import STARTED, TONE, summary
from tests.records.report.test_markup import EVIL, Reader, parse

from offhook.protocol.trace import TraceWriter
from offhook.records.events import (
    AnyEvent,
    CallEnded,
    CallStarted,
    Heard,
    Key,
    LanguageChanged,
    Note,
    Party,
    PeerErred,
    SayEnded,
    SayStarted,
    TurnEnded,
    Violation,
    Word,
)
from offhook.records.recording import EXTERNAL, INTERNAL, Recording
from offhook.records.report import page, render
from offhook.records.summary import CallSummary, summarise


def show(call: CallSummary, audio: Path | None = None, trace: Path | None = None) -> str:
    return b"".join(render(call, audio, trace)).decode()


def record(path: Path, seconds: int = 6) -> Path:
    kept = Recording(path)
    kept.write(EXTERNAL, 0, TONE * 5 * seconds)
    kept.write(INTERNAL, 8000, TONE)
    kept.close()
    return path


def data(markup: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="timeline">(.*?)</script>', markup, re.DOTALL)
    assert found is not None
    made: dict[str, object] = json.loads(found[1])
    return made


def test_a_whole_call(tmp_path: Path) -> None:
    audio = record(tmp_path / "audio.wav")
    markup = show(summary(), audio)
    tags = parse(markup).tags
    for tag in ("h1", "svg", "canvas", "ol", "table"):
        assert tag in tags
    assert "{{" not in re.sub(r"<script.*?</script>", "", markup, flags=re.DOTALL)
    timeline = data(markup)
    assert (timeline["seconds"], timeline["rate"]) == (6.0, 100)
    lanes = timeline["lanes"]
    assert isinstance(lanes, list)
    assert [len(base64.b64decode(lane["wave"])) for lane in lanes] == [1800, 1800]


def test_the_audio_is_in_the_page(tmp_path: Path) -> None:
    markup = show(summary(), record(tmp_path / "audio.wav"))
    found = re.search(r'<script type="text/plain" id="audio">(.*?)</script>', markup)
    assert found is not None
    frames = base64.b64decode(found[1], validate=True)
    assert frames[0::2] == TONE * 30
    assert frames[1::2][8000:][:1600] == TONE
    assert 'data-audio="embedded"' in markup


def test_long_audio_is_played_from_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "EMBED_SECONDS", 5)
    markup = show(summary(), record(tmp_path / "audio.wav"))
    assert 'data-audio="audio.wav"' in markup
    assert 'id="audio"' not in markup


@pytest.mark.parametrize("content", [None, b"", b"garbage"])
def test_without_audio_there_is_still_a_timeline(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "audio.wav"
    if content is not None:
        path.write_bytes(content)
    markup = show(summary(), path)
    assert 'data-audio=""' in markup
    assert data(markup)["seconds"] == 4.0


def test_a_call_of_nothing_has_no_timeline() -> None:
    markup = show(summarise("s", STARTED, []))
    assert "canvas" not in parse(markup).tags
    assert "Nothing was said" in markup


def test_nothing_is_asked_of_a_network(tmp_path: Path) -> None:
    markup = show(summary(), record(tmp_path / "audio.wav"))
    assert not re.search(r"https?://|//[a-z]+\.|url\(|@import|<link|<iframe", markup)
    reader = parse(markup)
    assert not any({"src", "href", "action", "srcset"} & set(attributes) for attributes in reader.attributes)
    [policy] = [a["content"] or "" for a in reader.attributes if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "http" not in policy


def test_the_policy_lets_our_script_run_and_no_other() -> None:
    markup = show(summary())
    [script] = re.findall(r"<script>(.*?)</script>", markup, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"&#x27;sha256-{digest}&#x27;" in markup or f"'sha256-{digest}'" in markup
    assert markup.count("'sha256-") + markup.count("&#x27;sha256-") == 1


def evil_call() -> CallSummary:
    words = tuple(Word(word, 0, 100, 0.1) for word in EVIL.split())
    told: list[AnyEvent] = [
        CallStarted(EVIL, EVIL, EVIL, EVIL, EVIL, Party(EVIL, EVIL, EVIL, EVIL), {EVIL: EVIL}, EVIL, t=0.0),
        Heard("external", EVIL, EVIL, True, 0, 800, 0.1, words, EVIL, t=0.1),
        TurnEnded(0, 800, EVIL, 0.1, 0.1, t=0.2),
        SayStarted(EVIL, EVIL, t=0.3),
        SayEnded(EVIL, EVIL, EVIL[:9], True, 800, 400, 8000, 0.1, t=0.4),
        Key(EVIL, t=0.5),
        LanguageChanged(EVIL, t=0.6),
        PeerErred(400, EVIL, t=0.7),
        Violation(400, EVIL, t=0.8),
        Note(EVIL, t=0.9),
        CallEnded("error", EVIL, EVIL, {EVIL: EVIL}, 1.0, EVIL, t=1.0),
    ]
    return summarise(EVIL, STARTED, told, profile=EVIL, files={EVIL: EVIL}, failure=EVIL)


def scripts(reader: Reader) -> list[dict[str, str | None]]:
    return [attributes for tag, attributes in zip(reader.tags, reader.attributes, strict=True) if tag == "script"]


def test_a_call_cannot_put_anything_into_the_page(tmp_path: Path) -> None:
    with (tmp_path / "trace.ndjson").open("wb") as file:
        writer = TraceWriter(file.write, role="server", session=EVIL)
        writer.message(0.0, "client", json.dumps({"type": EVIL, "parameters": {"reason": EVIL}}))
        writer.message(0.0, "server", EVIL)
    audio = record(tmp_path / "audio.wav")
    harmless, evil = show(summary(), audio), show(evil_call(), audio, tmp_path / "trace.ndjson")
    reader = parse(evil)
    assert scripts(reader) == scripts(parse(harmless))
    assert "img" not in reader.tags
    assert not any(name.startswith("on") for attributes in reader.attributes for name in attributes)
    assert reader.text.count("<script>alert(1)</script>") > 15
    timeline = data(evil)
    assert timeline["lines"][0]["text"] == EVIL  # type: ignore[index]


def test_the_script_never_makes_markup() -> None:
    script = page._asset("call.js")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", script)


@pytest.mark.parametrize("name", ["call.js", "call.css", "call.html", "timeline.html"])
def test_parts_of_the_page_are_small(name: str) -> None:
    assert page._asset(name).count("\n") <= 400
