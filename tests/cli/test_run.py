"""`offhook run`: settings, calls from a file, the page, signals, and what is counted."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.cli.running import offhook, wrong_use
from tests.connector.exchanges import TONE, speech
from tests.connector.lines import Bot
from tests.session.sockets import Ear

from offhook.audio import wav
from offhook.cli.run import keys_of
from offhook.errors import UsageError
from offhook.protocol import DtmfReceived, SessionOpened
from offhook.session.dial import dial
from offhook.session.server import Server


@contextmanager
def serving(make: Callable[[], Bot]) -> Iterator[tuple[Bot, int]]:
    """A bot behind a socket, in a thread."""
    ready, shared = threading.Event(), {}

    async def main() -> None:
        bot, over = make(), asyncio.Event()
        async with Server(bot.reception) as server:
            shared.update(bot=bot, port=server.port, loop=asyncio.get_running_loop(), over=over)
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    assert ready.wait(10)
    try:
        yield shared["bot"], shared["port"]
    finally:
        shared["loop"].call_soon_threadsafe(shared["over"].set)
        thread.join(10)


class Pin(Bot):
    """Greets, and ends with the first key."""

    def begin(self, link):
        take = super().begin(link)
        self.send(TONE)
        return take

    def __init__(self) -> None:
        super().__init__(self._key)

    def _key(self, bot: Bot, event: object) -> None:
        if isinstance(event, DtmfReceived):
            self.session.disconnect("completed", output={"key": event.digit})


BOT = "[integration.x]\nuri = 'wss://x.example/'\n[[flow]]\nintegration='x'\n"


def settings(folder: Path, port: int, more: str = "") -> str:
    path = folder / "offhook.toml"
    path.write_text(
        f"""
[connector]
transfer-targets = ["+1555*"]
[connector.keep]
folder = "calls"
recordings = "recordings"
[integration.pin]
uri = "ws://127.0.0.1:{port}/"
tenant = "acme"
[[flow]]
integration = "pin"
record = true
route = {{ variable = "key", targets = {{ 7 = "+15557" }} }}
{more}
"""
    )
    return str(path)


def test_a_call_from_a_file_through_a_flow_of_the_settings(tmp_path):
    # The silence is what the flow may take to get to its first step: the bot hears nothing from before that.
    wav.write_ulaw(tmp_path / "said.wav", [b"\xff" * 4000 + speech(0.5)])
    with serving(Pin) as (bot, port):
        config = settings(tmp_path, port)
        ran = offhook(
            "run", config, "--wav", str(tmp_path / "said.wav"), "--dtmf", "7@1.5", "--out", str(tmp_path / "heard.wav"),
            "--json",
        )  # fmt: skip
    assert ran.code == 0, ran.err
    names = [line["event"] for line in ran.lines]
    assert names[0] == "call_arrived"
    assert {line["call"] for line in ran.lines} == {ran.lines[0]["conversation"]}
    assert names[-1] == "call_over"
    assert ran.lines[-1]["by"] == "transfer"
    assert "13175550142" not in ran.out + ran.err
    assert TONE in wav.read_ulaw(tmp_path / "heard.wav")[0]
    assert speech(0.5) in bot.heard
    assert list((tmp_path / "recordings").glob("*/audio.wav"))

    database, traces = str(tmp_path / "offhook.db"), str(tmp_path / "calls")
    found = offhook("usage", "--month", "all", "--database", database, "--json").json["usage"]
    assert [(line["integration"], line["tenant"], line["minutes"]) for line in found] == [("pin", "acme", 1)]
    assert 1.0 < found[0]["charged_seconds"] < 3.0
    rows = offhook("usage", "--month", "all", "--database", database, "--csv").out.splitlines()
    assert rows[0].startswith("month,tenant,integration,profile,sessions,connected_seconds")
    assert len(rows) == 2
    ran = offhook("usage", "--month", "all", "--database", database, "--verify", "--traces", traces)
    assert ran.code == 0
    assert "1 of 1 sessions agree" in ran.out
    (trace,) = (tmp_path / "calls").glob("*/trace.ndjson")
    later = re.sub(r'"t":[\d.]+(,"from":"client","text":{[^\n]*"type":"close")', r'"t":99.5\1', trace.read_text())
    trace.write_text(later)
    ran = offhook("usage", "--month", "all", "--database", database, "--verify", "--traces", traces, "--json")
    assert ran.code == 1
    assert ran.json["differences"][0]["problem"] == "differs"


def in_a_call(tmp_path: Path, port: int, *options: str) -> subprocess.Popen[str]:
    """The program, with half a minute to say; its events are its output."""
    said = tmp_path / "said.wav"
    wav.write_ulaw(said, [speech(30.0)])
    command = [sys.executable, "-m", "offhook", "run", settings(tmp_path, port), "--wav", str(said)]
    command += ["--no-probe", "--json", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_crash_in_the_middle_of_a_call_loses_the_last_second_at_most(tmp_path):
    with serving(Pin) as (_, port), in_a_call(tmp_path, port) as program:
        assert program.stdout is not None
        events = map(json.loads, program.stdout)
        opened = next(event for event in events if event["event"] == "session_began")
        ping = next(event for event in events if event["event"] == "round_trip")
        time.sleep(2.5)  # it is time itself that is counted
        program.kill()
    database = str(tmp_path / "offhook.db")
    (row,) = offhook("usage", "--month", "all", "--database", database, "--sessions", "--json").json["usage"]
    assert row["state"] == "connected"
    assert row["connected_seconds"] > ping["t"] - opened["t"] + 2.5 - 1.2
    ran = offhook("usage", "--month", "all", "--database", database, "--verify", "--traces", str(tmp_path / "calls"))
    assert (ran.code, "1 of 1 sessions agree" in ran.out) == (0, True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_hangs_up_the_call_of_a_file_and_all_is_written(tmp_path, number):
    with serving(Pin) as (_, port), in_a_call(tmp_path, port, "--out", str(tmp_path / "heard.wav")) as program:
        assert program.stdout is not None
        events = map(json.loads, program.stdout)
        next(event for event in events if event["event"] == "round_trip")
        program.send_signal(number)
        last = list(events)[-1]
        assert (program.wait(20), program.stderr.read()) == (130, "")
    assert (last["event"], last["by"]) == ("call_over", "caller")
    assert TONE[:160] in wav.read_ulaw(tmp_path / "heard.wav")[0]
    assert list((tmp_path / "recordings").glob("*/audio.wav"))
    database, traces = str(tmp_path / "offhook.db"), str(tmp_path / "calls")
    (row,) = offhook("usage", "--month", "all", "--database", database, "--sessions", "--json").json["usage"]
    assert row["state"] != "connected"
    ran = offhook("usage", "--month", "all", "--database", database, "--verify", "--traces", traces)
    assert (ran.code, "1 of 1 sessions agree" in ran.out) == (0, True)


def test_a_bot_that_is_not_there_ends_with_exit_code_1(tmp_path):
    wav.write_ulaw(tmp_path / "said.wav", [speech(0.1)])
    ran = offhook("run", settings(tmp_path, 9), "--wav", str(tmp_path / "said.wav"))
    assert ran.code == 1
    assert "Connection probe error" in ran.err
    assert "AUDIOHOOK-0001" in ran.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_page_takes_calls_until_a_signal(tmp_path, number):
    with serving(Pin) as (bot, port):
        program = subprocess.Popen(
            [sys.executable, "-m", "offhook", "run", settings(tmp_path, port), "--talk", "0", "--drain", "0"],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert program.stderr is not None
        for line in program.stderr:
            if found := re.search(r"talk at http://127.0.0.1:(\d+)/", line):
                break
        talk = int(found[1])
        with urllib.request.urlopen(f"http://127.0.0.1:{talk}/") as answer:
            assert b"Call" in answer.read()

        async def ring() -> list:
            ear = Ear()
            await dial(f"ws://127.0.0.1:{talk}/talk", ear, headers={})
            ear.wire.send(json.dumps({"type": "start"}))
            await ear.until(lambda ear: TONE[:160] in ear.messages or len(ear.messages) > 100)
            program.send_signal(number)
            await ear.until_lost()
            return [json.loads(each) for each in ear.messages if isinstance(each, str)]

        words = asyncio.run(ring())
        rest = program.communicate(timeout=20)[1]
    assert program.returncode == 0, rest
    assert words[0] == {"type": "answered"}
    assert words[-1] == {"type": "ended", "cause": "normal"}
    assert "draining: 1 calls are on" in rest
    assert bot.opens
    assert SessionOpened


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[connector]\nmax-call = 3", "max-call"),
        ("[[flow]]\nintegration = 5", "flow"),
        ("[[flow]]\nintegration = 'nobody'", "there is no integration 'nobody'"),
        ("[integration.x]\nuri = 'ws://elsewhere.example/'\n[[flow]]\nintegration='x'", "unencrypted"),
        ("[integration.x]\nuri = 'wss://x.example/'\nurl = 'y'\n[[flow]]\nintegration='x'", "no setting url"),
        ("[integration.x]\nuri = 'wss://x.example/'\nsecret-env = 'NO_SUCH'\n[[flow]]\nintegration='x'", "NO_SUCH"),
        ("[integration.x]\nuri = 'wss://x.example/'", "no flow"),
        (
            "[integration.x]\nuri = 'wss://x.example/'\n[[flow]]\nintegration='x'\nfallback={prompt='none.wav'}",
            "none.wav: No such file",
        ),
        (f"{BOT}monitors=['nobody']", "there is no integration 'nobody'"),
        (f"{BOT}fallback={{integrations=['nobody']}}", "there is no integration 'nobody'"),
        (f"{BOT}fallback={{comfort='offhook.toml'}}", "is not a WAV file"),
        (f"{BOT}timeout=-5", "timeout"),
        (BOT.replace("[[", "profile='monitor'\n[["), "no bot that a caller can talk to"),
        (f"{BOT}monitors=['x']", "cannot be among the monitors"),
        (f"[connector]\nmax-calls=0\n{BOT}", "max-calls"),
        (f"[connector]\nmax-active=-1\n{BOT}", "max-active"),
        (f"[connector]\norganization='us'\n{BOT}", "organization"),
        (BOT.replace("[[", "max-seconds=-3\n[["), "0 is for never"),
        (f"{BOT}[legs.talk]\nport=99999", "[legs.talk] port: expected int <= 65535"),
        (f"{BOT}[legs.sip]\nport=99999\npeers=['127.0.0.1']", "[legs.sip] port: expected int <= 65535"),
        (f"{BOT}fallback={{transfer='+1900'}}", "not among transfer-targets"),
        (f"{BOT}route={{variable='x', default='+1900'}}", "not among transfer-targets"),
        (f"[connector]\nfallback={{prompt='none.wav'}}\n{BOT}", "none.wav"),
        ("[integration.x]\nuri = 'wss://x.example/'\n[[flow]]\nintegration='x'\nfallback={retries=9}", "0 to 5"),
        ("= nonsense", "offhook.toml"),
        (f"{BOT}[conector]\nmax-calls=3", "there is no such table: conector"),
        (f"{BOT}numbers=[]", "Expected `array` of length >= 1 - at `$.flow[0].numbers`"),
        (f"{BOT}numbers=['+1']\n[[flow]]\nnumbers=['+1']\nintegration='x'", "flow 2: +1 has a flow already"),
        (f"{BOT}[[flow]]\nname='again'\nintegration='x'", "again: * has a flow already"),
        (f"{BOT}fallback={{patience=nan}}", "seconds above 0"),
        (f"{BOT}fallback={{backoff=nan}}", "seconds above 0"),
        (f"{BOT}fallback={{dead-air=nan}}", "seconds above 0"),
        (f"{BOT}welcome='a\\u0000b'".replace("'", '"'), "is no path"),
        (f"{BOT}welcome='~nobody-of-that-name/x.wav'", "there is no such user"),
        (f'[connector]\ndatabase="a\\u0000b"\n{BOT}', "is no path"),
        (f"[connector]\nmax-active=0\n{BOT}", "max-active is 0"),
        (BOT.replace("[[", "max-seconds=3\nmax_seconds=4\n[["), "has a setting twice"),
        (BOT.replace("[[", "name='y'\n[["), "no setting name"),
        (f'{BOT}[legs.talk]\nport=0\ntls-cert="a\\u0000b"\ntls-key="c"', "[legs.talk] tls-cert: 'a\\x00b' is no path"),
        ("[integration.x]\nuri = 'wss://x.example/'\n[[flow]]\nintegration='x'", "no leg takes calls"),
    ],
)
def test_wrong_settings_are_told_in_one_line(tmp_path, text, words):
    path = tmp_path / "offhook.toml"
    path.write_text(text)
    assert words in wrong_use(offhook("run", str(path), "--no-probe"))


def test_wrong_files_are_told_in_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "there is no offhook.toml here" in wrong_use(offhook("run"))
    (tmp_path / "flows.py").write_text("x = 1")
    assert "no Connector()" in wrong_use(offhook("run", "flows.py"))
    (tmp_path / "flows.py").write_text("1 / 0")
    assert "line 1" in wrong_use(offhook("run", "flows.py"))


def test_keys_have_their_seconds():
    assert keys_of("12@1,#@3") == [(1.0, "1"), (1.2, "2"), (3.0, "#")]
    for wrong in ("1", "x@1", "@1", "1@nan", "1@inf", "1@-1"):
        with pytest.raises(UsageError, match="KEYS@SECONDS"):
            keys_of(wrong)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--wav", "none.wav"), "none.wav"),
        (("--wav", "said.wav", "--dtmf", "1@nan"), "KEYS@SECONDS"),
        (("--wav", "said.wav", "--out", "nowhere/heard.wav"), "no such folder"),
        (("--wav", "said.wav", "--mic"), "one of --wav and --mic"),
        (("--hang-up", "3"), "--hang-up is for the call of --wav"),
    ],
)
def test_a_call_that_cannot_be_made_is_told_before_anything_begins(tmp_path, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    wav.write_ulaw("said.wav", [speech(0.1)])
    settings(tmp_path, 9)
    assert words in wrong_use(offhook("run", *options))
    assert not (tmp_path / "offhook.db").exists()
