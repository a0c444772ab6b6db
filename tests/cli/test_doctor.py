"""`offhook doctor` on this machine, and on one that lacks things."""

from __future__ import annotations

import sys

import pytest
from tests.cli.running import offhook

from offhook.cli import doctor as verb
from offhook.cli.checks import BASE, Check


@pytest.fixture
def found(monkeypatch):
    """Checks in the place of the real ones."""
    checks: list[Check] = []
    monkeypatch.setattr(verb, "all_checks", lambda: iter(checks))
    return checks


def test_this_machine_works():
    ran = offhook("doctor", "--json")
    assert ran.code == 0
    assert ran.json["ok"] is True
    names = {check["name"]: check for check in ran.json["checks"]}
    assert set(BASE) | {"python", "call by picows", "call by websockets", "recordings", "open files"} <= set(names)
    assert names["call by picows"]["state"] == "ok"
    for engine in ("earshot (vad)", "moonshine (recogniser)", "hibari (synthesiser)"):
        assert names[engine]["state"] in ("ok", "missing")
        assert (names[engine]["seconds"] is not None) == (names[engine]["state"] == "ok")
    for check in ran.json["checks"]:
        assert check["state"] == "ok" or check["repair"]


def test_extras_may_be_missing(found):
    found += [
        Check("base", "python", "ok", "3.11", base=True),
        Check("speech", "mine (vad)", "missing", "not installed", "pip install 'offhook[speech]'"),
        Check("speech", "other (vad)", "bad", "broken", "pip install --force-reinstall other"),
    ]
    ran = offhook("doctor")
    assert ran.code == 0
    assert "missing  speech   mine (vad)" in ran.out
    assert "[repair: pip install 'offhook[speech]']" in ran.out
    assert ran.out.endswith("offhook works here\n")


def test_the_base_may_not(found):
    found += [
        Check("base", "python", "ok", "3.11", base=True),
        Check("base", "numpy", "bad", "gone", "pip install numpy", base=True),
    ]
    assert offhook("doctor", "--json").json["ok"] is False
    ran = offhook("doctor")
    assert ran.code == 1
    assert ran.out.endswith("offhook does not work here: numpy\n")


def test_a_terminal_gets_a_table(found, monkeypatch, capsys):
    found.append(Check("speech", "mine (vad)", "ok", "works [bold]well[/bold]", seconds=0.25))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    verb.doctor.main([], standalone_mode=False)
    out = capsys.readouterr().out
    assert "speech" in out
    assert "works [bold]well[/bold], took 0.25 s" in out  # what an engine says is no markup
    assert "offhook works here" in out
