"""The command `offhook` itself: verbs, exit codes, one line for each failure."""

from __future__ import annotations

import os
import subprocess
import sys

import click
import pytest
from tests.cli.running import offhook, wrong_use

from offhook import __version__
from offhook.cli import main
from offhook.errors import ConnectionLost, EngineMissing, KeyFileError, OffhookError, UsageError


def verb(monkeypatch: pytest.MonkeyPatch, outcome: BaseException | int | None) -> None:
    """Put a command that ends so in the place of `doctor`."""

    @click.command()
    def doctor() -> int | None:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.setattr("offhook.cli.doctor.doctor", doctor)


@pytest.mark.parametrize("name", main.VERBS)
def test_every_verb_is_there_and_says_what_it_does(name):
    ran = offhook(name, "--help")
    assert ran.code == 0
    assert ran.out.startswith(f"Usage: offhook {name} ")


@pytest.mark.parametrize("name", ["serve", "call", "decode", "doctor", "demo"])
def test_every_verb_speaks_json(name):
    assert "--json" in offhook(name, "--help").out


@pytest.mark.parametrize("name", [("keys", "new"), ("keys", "sign"), ("keys", "verify"), ("trace", "show"),
                                  ("trace", "replay")])  # fmt: skip
def test_every_verb_of_a_group_speaks_json(name):
    assert "--json" in offhook(*name, "--help").out


def test_help_lists_the_verbs():
    ran = offhook("--help")
    assert ran.code == 0
    for name, line in main.VERBS.items():
        assert name in ran.out
        assert line.split()[0] in ran.out


def test_without_a_verb_it_shows_its_help_as_it_is():
    for arguments in ((), ("keys",), ("trace",)):
        ran = offhook(*arguments)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith("Usage: offhook")
        assert ran.err.count("\n") > 5


def test_its_version():
    assert offhook("--version").out == f"offhook, version {__version__}\n"


@pytest.mark.parametrize(
    ("outcome", "code", "said"),
    [
        (None, 0, ""),
        (0, 0, ""),
        (1, 1, ""),
        (UsageError("bad\n flag"), 2, "offhook: bad flag\n"),
        (KeyFileError("bad key"), 2, "offhook: bad key\n"),
        (click.BadParameter("no"), 2, "offhook: Invalid value: no\n"),
        (ConnectionLost("gone"), 1, "offhook: gone\n"),
        (EngineMissing("hibari", "speech"), 1, "offhook: hibari is not installed: pip install 'offhook[speech]'\n"),
        (OffhookError("broken"), 1, "offhook: broken\n"),
        (click.exceptions.Exit(7), 7, ""),
    ],
)
def test_exit_codes(monkeypatch, outcome, code, said):
    verb(monkeypatch, outcome)
    ran = offhook("doctor")
    assert (ran.code, ran.err) == (code, said)


def test_an_interrupt_is_no_failure_of_ours(monkeypatch):
    verb(monkeypatch, KeyboardInterrupt())
    ran = offhook("doctor")
    assert ran.code == 130
    assert ran.err.strip() == "offhook: interrupted"


def test_a_mistake_of_our_own_is_not_hidden(monkeypatch):
    verb(monkeypatch, ZeroDivisionError("ours"))
    with pytest.raises(ZeroDivisionError):
        offhook("doctor")


def test_unknown_verbs_and_options():
    assert "No such command 'nope'" in wrong_use(offhook("nope"))
    assert "No such option" in wrong_use(offhook("decode", "--nope"))
    assert "Missing argument" in wrong_use(offhook("serve"))


def test_a_reader_that_has_enough_is_no_failure():
    """As in `offhook decode --help | head -1`: no traceback, whatever is left to write."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        command = [sys.executable, "-m", "offhook", "--help"]
        done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False, text=True)
    finally:
        os.close(writer)
    assert done.returncode == 1
    assert done.stderr == ""


def test_python_can_run_the_package():
    done = subprocess.run([sys.executable, "-m", "offhook", "nope"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "offhook: No such command 'nope'.\n"
