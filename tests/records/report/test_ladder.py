"""The ladder: each control message a rung, audio between them counted up."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.records.report.test_markup import EVIL, parse

from offhook.protocol.trace import TraceWriter
from offhook.records.report import ladder as module
from offhook.records.report.ladder import ladder


def write(path: Path, *messages: tuple[float, str, str | bytes]) -> Path:
    with path.open("wb") as file:
        writer = TraceWriter(file.write, role="server", session="s")
        for t, sender, data in messages:
            writer.message(t, sender, data)  # type: ignore[arg-type]
    return path


def rungs(path: Path) -> list[str]:
    made = ladder(path)
    assert made is not None
    return [parse(rung).text for rung in re.findall(r"<time>.*?</span></(?:div|summary)>", made)]


def test_messages_and_runs_of_audio(tmp_path: Path) -> None:
    path = write(
        tmp_path / "trace.ndjson",
        (0.0, "client", '{"type":"open","seq":1}'),
        (0.2, "client", bytes(1600)),
        (0.3, "server", bytes(4000)),
        (0.4, "client", bytes(1600)),
        (0.5, "client", '{"type":"dtmf","seq":2,"parameters":{"digit":"5"}}'),
        (0.6, "server", '{"type":"event","seq":1,"parameters":{"entities":[{"type":"barge_in"}]}}'),
        (0.7, "server", "no JSON"),
        (0.8, "server", bytes(5)),
    )
    assert rungs(path) == [
        "0.000openseq 1",
        "0.200audio2 \u00d7 1,600 bytes",
        "0.300audio1 \u00d7 4,000 bytes",
        "0.500dtmfseq 2, 5",
        "0.600eventseq 1, barge_in",
        "0.700not a message7 characters",
        "0.800audio1 \u00d7 5 bytes",
    ]


def test_directions_are_drawn(tmp_path: Path) -> None:
    made = ladder(write(tmp_path / "t", (0.0, "client", '{"type":"ping"}'), (0.0, "server", '{"type":"pong"}')))
    assert made is not None
    assert made.count('class="arrow client"') == made.count('class="arrow server"') == 1


def test_long_calls_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ROWS", 5)
    made = ladder(write(tmp_path / "t", *((float(n), "client", '{"type":"ping"}') for n in range(9))))
    assert made is not None
    assert made.count("<details>") == 5
    assert "4 more rows" in made
    monkeypatch.setattr(module, "MAX_BYTES", 10)
    assert ladder(tmp_path / "t") is None


def test_without_a_trace_there_is_no_ladder(tmp_path: Path) -> None:
    (tmp_path / "garbage").write_text("garbage")
    assert ladder(None) is None
    assert ladder(tmp_path / "missing") is None
    assert ladder(tmp_path / "garbage") is None


def test_nothing_of_a_message_becomes_markup(tmp_path: Path) -> None:
    message = json.dumps({"type": EVIL, "seq": EVIL, "parameters": {"digit": EVIL, "entities": [{"type": EVIL}, 1]}})
    made = ladder(write(tmp_path / "t", (0.0, "client", message), (0.0, "client", EVIL), (0.1, "server", "[1]")))
    assert made is not None
    assert not {"script", "img"} & set(parse(made).tags)
