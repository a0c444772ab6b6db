"""The demo, once, as a user runs it without a terminal; and what it left is read."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.session.sockets import Ear

from offhook.audio import wav
from offhook.cli.demo.bot import understand_order, understand_time
from offhook.connector.sounds import SPOKEN, loudness
from offhook.protocol import trace
from offhook.session.dial import dial


@pytest.mark.timeout(150)
def test_demo(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "offhook", "demo", "--json", "--keep", str(tmp_path / "calls")]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    shown = json.loads(done.stdout)
    assert shown["ok"]
    assert all(shown["checks"].values())
    assert shown["call"]["outcome"] == "completed"
    assert shown["call"]["output"]["order"] == "4721"
    assert shown["call"]["violations"] == []
    assert shown["call"]["duration"] < 60
    files = {kind: Path(path) for kind, path in shown["files"].items()}
    external, internal = wav.read_ulaw(files["audio"], 2)
    assert len(external) == len(internal) > 30 * 8000
    cut = [line for line in json.loads(files["transcript"].read_text()) if line.get("interrupted")]
    assert len(cut) == 1
    assert cut[0]["text"].startswith(cut[0]["heard"])
    assert 0 < len(cut[0]["heard"]) < len(cut[0]["text"])
    kept = json.loads(files["call"].read_text())
    assert kept["outcome"] == "completed"
    assert [event["digit"] for event in kept["events"] if event["event"] == "key"] == ["1"]
    with files["trace"].open("rb") as lines:
        assert trace.read(lines).messages
    assert "<script" in files["report"].read_text()


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("The number I have is four, seven, two, one.", "4721"),
        ("4-7-2-1", "4721"),
        ("It's 47, 21.", "4721"),
        ("It was the best of times.", "4721"),
        ("Hello, something is terribly wrong.", ""),
        ("I have two.", ""),
    ],
)
def test_the_bot_finds_order_numbers(text: str, order: str) -> None:
    assert understand_order(text) == order


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("No, tomorrow at 10 a.m.", "tomorrow at 10 a.m."),
        ("No, to-morrow at ten a m..", "tomorrow at 10 a.m."),
        ("friday at 3:00 p.m.", "friday at 3 p.m."),
        ("tomorrow at 10 o'clock", "tomorrow at 10 a.m."),
        ("No matter, try again.", "tomorrow at 10 a.m."),
        ("No, thank you.", None),
    ],
)
def test_the_bot_understands_times(text: str, wish: str | None) -> None:
    assert understand_time(text) == wish


def test_a_person_may_talk_with_the_bot_of_the_demo(tmp_path):
    program = subprocess.Popen(
        [sys.executable, "-m", "offhook", "demo", "--talk", "0", "--keep", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert program.stdout is not None
    line = program.stdout.readline()
    found = re.search(r"http://127\.0\.0\.1:(\d+)/", line)
    assert found is not None, line

    async def ring() -> None:
        ear = Ear()
        await dial(f"ws://127.0.0.1:{found[1]}/talk", ear, headers={})
        ear.wire.send('{"type":"start"}')
        # The bot's first words: half a second of something that can be heard.
        await ear.until(lambda ear: sum(type(each) is bytes and loudness(each) >= SPOKEN for each in ear.messages) > 25)
        ear.wire.send('{"type":"hangup"}')
        ear.wire.close()
        await ear.until_lost()

    asyncio.run(ring())
    program.send_signal(signal.SIGINT)
    rest = program.communicate(timeout=30)[0]
    assert program.returncode == 0, rest
    assert "a page calls" in rest
    assert "River Street Books" in rest
