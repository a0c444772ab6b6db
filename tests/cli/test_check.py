"""`offhook check`, as it is run."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from offhook.cli.main import run
from offhook.connector import connect
from offhook.errors import OffhookError
from offhook.session.wire import Receiver, Refusal, UpgradeRequest
from offhook.testing.misbehaving import Flaw, misbehaving
from offhook.testing.misbehaving.kinds import Edits


class Dies(Flaw):
    """Lets the first session in, and then nobody."""

    def __init__(self) -> None:
        self.met = 0

    def answer_upgrade(self, request: UpgradeRequest, decided: Receiver | Refusal) -> Receiver | Refusal:
        self.met += 1
        return decided if self.met == 1 else Refusal(503)


def test_a_good_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reports = [
        argument for suffix in ("html", "json", "xml") for argument in ("--report", str(tmp_path / f"r.{suffix}"))
    ]
    with misbehaving() as server:
        assert run(["check", server.uri, "--only", "2.1,5.*", *reports]) == 0
    out = capsys.readouterr().out
    assert "passed: 9 OK" in out
    assert "5.1" in (tmp_path / "r.html").read_text()
    assert json.loads((tmp_path / "r.json").read_text())["counts"]["OK"] == 9
    assert (tmp_path / "r.xml").read_bytes().startswith(b"<?xml")


def test_a_bad_server(capsys: pytest.CaptureFixture[str]) -> None:
    with misbehaving(Edits("opened", lambda m: m | {"clientseq": 0})) as server:
        assert run(["check", server.uri, "--only", "2.1,2.2"]) == 1
        text = capsys.readouterr().out
        assert run(["check", server.uri, "--only", "2.1,2.2", "--json"]) == 1
    assert "FAILED     2.1" in text
    assert "before anything slow" in text, "the advice"
    told = json.loads(capsys.readouterr().out)
    assert [case["verdict"] for case in told["cases"]] == ["FAILED", "OK"]


def test_a_server_that_dies_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with misbehaving(Dies()) as server:
        assert run(["check", server.uri, "--only", "2.1,2.2", "--json"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["counts"]["FAILED"] == 2
    assert "the server opens no session any more" in err
    assert err.count("\n") == 1


def test_another_profile(capsys: pytest.CaptureFixture[str]) -> None:
    with misbehaving(profile="monitor") as server:
        assert run(["check", server.uri, "--profile", "monitor", "--only", "2.6,7.9", "--json"]) == 0
    assert [case["verdict"] for case in json.loads(capsys.readouterr().out)["cases"]] == ["OK", "SKIPPED (profile)"]


@pytest.mark.parametrize(
    ("flaw", "arguments", "says"),
    [
        ("redirects", (), "HTTP 302"),
        ("unauthorized", (), "give --key and --secret"),
        ("unauthorized", ("--key", "a2V5"), "check --key and --secret"),
        ("never-opens", (), "did not answer `open` within 5 s"),
        ("cuts-at-open", (), "answered `open` by closing the connection"),
        ("redirects", ("--faults",), "HTTP 302"),
    ],
)
def test_what_is_no_audiohook_server_is_one_line(
    flaw: str, arguments: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    reports = () if "--faults" in arguments else ("--report", str(tmp_path / "card.html"))
    with misbehaving(flaw) as server:
        assert run(["check", server.uri, *reports, *arguments]) == 1
    out, err = capsys.readouterr()
    assert says in err
    assert err.count("\n") == 1
    assert not out
    assert not list(tmp_path.iterdir()), "no empty report is left"


async def test_a_plain_web_server_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(page, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await asyncio.to_thread(run, ["check", f"ws://127.0.0.1:{port}/"]) == 1
    assert "there is no WebSocket at this path" in capsys.readouterr().err


def test_a_server_that_comes_up_late(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    command = (sys.executable, "-m", "offhook", "serve", "examples/echo.py", "--port", str(port))
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as serving:
        try:
            assert run(["check", f"ws://127.0.0.1:{port}/", "--wait", "50", "--only", "2.1"]) == 0
        finally:
            serving.terminate()
    assert "1 OK" in capsys.readouterr().out


def test_a_taken_port(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert run(["check", "--listen", str(taken.getsockname()[1])]) == 2
    err = capsys.readouterr().err
    assert "choose another port" in err
    assert err.count("\n") == 1


async def test_ctrl_c_loses_no_result(tmp_path: Path) -> None:
    with misbehaving() as server:
        command = ("-m", "offhook", "check", server.uri, "--only", "5.1,10.32", "--parallel", "1")
        reports = ("--report", str(tmp_path / "r.json"), "--report", str(tmp_path / "r.html"))
        checking = await asyncio.create_subprocess_exec(sys.executable, *command, *reports, stdout=-1, stderr=-1)
        while len(server.of("open")) < 3:  # noqa: ASYNC110 (a first look, 5.1, and 10.32, which waits)
            await asyncio.sleep(0.01)
        checking.send_signal(signal.SIGINT)
        out, err = await checking.communicate()
    assert checking.returncode == 130
    assert b"passed: 1 OK" in out
    assert err.decode() == "offhook: interrupted: 1 of 2 cases were not finished\n"
    told = json.loads((tmp_path / "r.json").read_text())
    assert ([case["number"] for case in told["cases"]], told["unfinished"]) == (["5.1"], 1)
    assert "1 of 2 cases" in (tmp_path / "r.html").read_text()


def test_where_all_is_skipped_nothing_has_passed(capsys: pytest.CaptureFixture[str]) -> None:
    with misbehaving() as server:
        assert run(["check", server.uri, "--only", "13.*"]) == 1
    assert "nothing was checked: 12 SKIPPED (profile)" in capsys.readouterr().out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is always full")
def test_no_room_for_the_output() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "offhook", "check", "--list"], stdout=full, stderr=-1, text=True, check=False
        )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "No space left" in done.stderr


async def test_ctrl_c_reports_what_was_met() -> None:
    command = ("-m", "offhook", "check", "--listen", "0", "--only", "1.1,3.20")
    checking = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=-1, stderr=-1)
    assert checking.stderr is not None
    while "listening" not in (await checking.stderr.readline()).decode():
        pass
    checking.send_signal(signal.SIGINT)
    out, _ = await checking.communicate()
    assert b"nothing was checked" in out
    assert checking.returncode == 1


async def test_clients_that_connect() -> None:
    command = ("-m", "offhook", "check", "--listen", "0", "--only", "1.1,3.20")
    checking = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=-1, stderr=-1)
    assert checking.stderr is not None
    said = ""
    while "listening" not in said:
        said += (await checking.stderr.readline()).decode()
    assert "next: 1.1" in said
    uri = said.split("listening on ")[1].split()[0]
    for _ in range(2):
        try:
            async with connect(uri) as call:
                await call.result()
        except OffhookError:
            pass
    out, _ = await checking.communicate()
    assert checking.returncode == 0
    assert "passed: 2 OK" in out.decode()


def test_a_bad_line(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    with misbehaving() as server:
        assert run(["check", server.uri, "--faults", "60", "--seed", "4", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["ok"], told["hung"], told["serves"]) == (True, [], True)
        assert sum(told["outcomes"].values()) == 60
        assert told["outcomes"]["hangup"] > 10
        assert run(["check", "--faults", server.uri, "--seed", "4"]) == 0
    out = capsys.readouterr().out
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []
    assert "200 calls over a bad line (seed 4)" in out
    assert "a good call afterwards went well" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "give the URI"),
        (("ws://127.0.0.1:1", "--listen", "0"), "give the URI"),
        (("ws://127.0.0.1:1",), "is the server up?"),
        (("ws://no.such.host.invalid/",), "is not known"),
        (("ws://127.0.0.1:1", "--faults", "3"), "is the server up?"),
        (("--listen", "0", "--faults", "3"), "needs the URI"),
        (("--listen", "0", "--faults", "ws://127.0.0.1:1"), "needs the URI"),
        (("--faults",), "needs the URI"),
        (("ws://127.0.0.1:1", "--faults", "0"), "a number of calls"),
        (("ws://127.0.0.1:1", "--faults", "many"), "a number of calls"),
        (("ws://127.0.0.1:1", "--faults", "3", "--only", "5.1"), "leave out --only"),
        (("ws://127.0.0.1:1", "--faults", "3", "--report", "r.html"), "leave out --report"),
        (("ws://127.0.0.1:1", "--faults"), "is the server up?"),
        (("--faults", "ws://127.0.0.1:1"), "is the server up?"),
        (("--listen", "0", "--host", "no.such.host.invalid"), "choose another port or host"),
        (("ws://127.0.0.1:1", "--only", ""), "there is no case ''"),
        (("ws://127.0.0.1:1", "--cases", "77"), "there is no case '77'"),
        (("ws://127.0.0.1:1", "--wait", "-1"), "not in the range"),
        (("ws://127.0.0.1:1", "--wait", "nan"), "is the server up?"),
        (("ws://127.0.0.1:1", "--secret", "c2VjcmV0"), "give --key, too"),
        (("ws://127.0.0.1:1", "--only", ","), "there is no case ''"),
        (("ws://127.0.0.1:1", "--only", "3.*,nonsense"), "there is no case 'nonsense'"),
        (("ws://127.0.0.1:1", "--report", "/proc/r.html"), "cannot be written"),
        (("ws://127.0.0.1:1", "--seed", "x"), "not a valid integer"),
        (("http://x",), "ws://"),
        (("ws://127.0.0.1:1", "--only", "99.1"), "there is no case '99.1'"),
        (("ws://127.0.0.1:1", "--report", "r.pdf"), "must end with"),
        (("ws://127.0.0.1:1", "--report", "/no/such/r.html"), "no such folder"),
        (("ws://127.0.0.1:1", "--profile", "fax"), "fax"),
        (("ws://127.0.0.1:1", "--key", "k", "--secret", "!"), "base64"),
    ],
)
def test_wrong_use(arguments: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    unreachable = "is the server up" in says or "is not known" in says
    assert run(["check", *arguments]) == (1 if unreachable else 2)
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1


def test_the_cases_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--list", "--only", "5"]) == 0
    assert capsys.readouterr().out.startswith("5.1    A ping is answered at once\n")
