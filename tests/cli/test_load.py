"""`offhook load`, as it is run."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from tests.cli.running import offhook, wrong_use
from tests.testing.load.foreign import Manners, beside, foreign

SHORT = ("--calls", "4", "--ramp", "40/s", "--seconds", "1")


def test_a_good_server(tmp_path: Path) -> None:
    page, data = tmp_path / "l.html", tmp_path / "l.json"
    with beside() as uri:
        ran = offhook("load", uri, *SHORT, "--talk", "echo", "--pid", str(os.getpid()), "--report", str(page),
                      "--report", str(data), "--max-p99-ms", "3000")  # fmt: skip
    assert (ran.code, ran.err) == (0, "")
    assert "4 calls placed, 4 at a time; 4 opened" in ran.out
    assert "us a message" in ran.out
    assert "kept    echo p99, ms" in ran.out
    assert page.read_text().startswith("<!doctype html>")
    assert len(json.loads(data.read_text())["rows"]) == 4


def test_json_is_one_object() -> None:
    with beside() as uri:
        ran = offhook("load", uri, *SHORT, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.json["ok"] is True
    assert ran.json["calls"]["opened"] == 4
    assert ran.json["rows"] == []


def test_thresholds() -> None:
    with beside(Manners(opened_after=0.2)) as uri:
        slow = offhook("load", uri, *SHORT, "--max-p99-ms", "100")
    assert slow.code == 1
    assert "BROKEN  opened p99, ms" in slow.out
    with beside(Manners(refuses=True)) as uri:
        failed = offhook("load", uri, *SHORT, "--json")
    assert failed.code == 1
    assert failed.json["failures"] == {"refused: unauthorized": 4}


def test_inputs_reach_the_server() -> None:
    seen: list[dict[str, object]] = []
    with beside(seen=seen) as uri:
        assert offhook("load", uri, *SHORT, "--input", "tier=gold", "--language", "de").code == 0
    opens = [message["parameters"] for message in seen if message["type"] == "open"]
    assert len(opens) == 4
    assert all(one["inputVariables"] == {"tier": "gold"} and one["language"] == "de" for one in opens)  # type: ignore[index]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["http://x"], "must begin with ws://"),
        (["ws://x", "--ramp", "fast"], "such as 50/s"),
        (["ws://x", "--ramp", "0/s"], "such as 50/s"),
        (["ws://x", "--calls", "0"], "--calls"),
        (["ws://x", "--max-failed", "some"], "a share such as 1%"),
        (["ws://x", "--report", "x.pdf"], "must end with .html or .json"),
        (["ws://x", "--report", "absent/x.html"], "no such folder"),
        (["ws://x", "--wav", "absent.wav"], "absent.wav"),
        (["ws://x", "--input", "tier"], "NAME=VALUE"),
        (["ws://x", "--profile", "monitor", "--talk", "echo"], "leave out --talk echo"),
        (["ws://x", "--pid", "4194305"], "no such process"),
        (["ws://x", "--calls", "10000000"], "ulimit -n|ip_local_port_range"),
        ([], "URI"),
    ],
)
def test_wrong_use(arguments: list[str], words: str) -> None:
    said = wrong_use(offhook("load", *arguments))
    assert any(word in said for word in words.split("|"))


class Opens(list[dict[str, object]]):
    """What a server was told; says when so many calls have come."""

    def __init__(self, count: int) -> None:
        self.all = asyncio.Event()
        self._count = count

    def append(self, message: dict[str, object]) -> None:
        super().append(message)
        if sum(one["type"] == "open" for one in self) == self._count:
            self.all.set()


async def test_interrupted_it_hangs_up_and_reports() -> None:
    seen = Opens(5)
    async with foreign(seen=seen) as uri:
        command = ("-m", "offhook", "load", uri, "--calls", "5", "--seconds", "60", "--processes", "2", "--json")
        running = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=-1, stderr=-1)
        async with asyncio.timeout(30):
            await seen.all.wait()
            running.send_signal(signal.SIGINT)
            out, err = await running.communicate()
    assert (running.returncode, err) == (130, b"")
    told = json.loads(out)
    assert told["interrupted"] is True
    assert told["calls"]["failed"] == 0
    assert sum(message["type"] == "close" for message in seen) == 5
