"""A ladder has a rung for each message, and one for the audio between two of them."""

from __future__ import annotations

import json

from tests.cli.running import client, opened, opening, server

from offhook.cli.ladder import Run, facts, rung, with_runs
from offhook.cli.outline import Outline
from offhook.protocol.trace import TraceMessage


def plain(text: str) -> str:
    """Without colours."""
    return "".join(part.partition("m")[2] if number else part for number, part in enumerate(text.split("\x1b[")))


def message(body: dict, t: float = 1.5) -> TraceMessage:
    return TraceMessage(t, "client" if "serverseq" in body else "server", json.dumps(body))


def audio(t: float, sender: str = "client", size: int = 1600) -> TraceMessage:
    return TraceMessage(t, sender, bytes(size))


def test_audio_between_messages_is_summed_by_side():
    ping = message(client("ping", 2, 1))
    items = [audio(0.1), audio(0.2, "server", 100), audio(0.3), ping, audio(0.4), audio(0.5)]
    assert list(with_runs(items)) == [
        Run(0.1, "client", 2, 3200),
        Run(0.2, "server", 1, 100),
        ping,
        Run(0.4, "client", 2, 3200),
    ]
    assert [run.messages for run in with_runs(items, each=True) if isinstance(run, Run)] == [1] * 5


def test_rungs_say_what_is_worth_knowing():
    assert plain(rung(Run(2.0, "client", 3, 4800), 2)) == (
        "    2.000  client ->  audio                        0.300 s in 3, 4,800 bytes"
    )
    assert plain(rung(message(client("dtmf", 5, 4, "PT2.2S", digit="5")), 1)) == (
        "    1.500  client ->  dtmf                5/4      at PT2.2S; digit 5"
    )
    assert plain(rung(message(server("pong", 3, 3)), 1)) == "    1.500  <- server  pong                3/3"
    line = plain(rung(message(opening()), 1))
    assert "media PCMU, 8000 Hz, external" in line
    assert "organizationId" not in line
    assert "startPaused no" in plain(rung(message(opened()), 1))


def test_rungs_are_of_bearable_length_and_safe():
    long = server("disconnect", 9, 1, reason="error", info="x" * 5000)
    assert len(plain(rung(message(long), 1))) < 220
    wild = server("dis\x1b[2J", 9, 1) | {"seq": "\x07"}
    assert "\x07" not in rung(message(wild), 1)
    assert "\x1b[2J" not in rung(message(wild), 1)
    assert "(no message)" in rung(TraceMessage(0.0, "client", "garbage"), 1)


def test_facts():
    lines = dict(
        facts(
            Outline(
                outcome="completed", reason="completed", output={"a": "b"}, closed=True, seconds=2.5, opened_ms=1.25,
                messages={"client": {"open": 1, "audio": 4}, "server": {}},
                audio_seconds={"client": 0.8, "server": 0.0},
                said=["hello"], playbacks=[1.5],
            )
        )
    )  # fmt: skip
    assert lines == {
        "outcome": "completed",
        "output": 'a = "b"',
        "lasted": "2.500 s",
        "opened after": "1.2 ms",
        "from client": "0.800 s of audio; messages: 1 open",
        "from server": "0.000 s of audio; messages: none",
        "playbacks": "1.500 s",
        "said": "hello",
    }
    assert dict(facts(Outline(outcome="error", reason="error", info="why\n")))["outcome"] == "error: why\\n"
    assert "not closed in order" in dict(facts(Outline()))["lasted"]
