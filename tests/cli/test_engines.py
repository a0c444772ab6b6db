"""`offhook engines`: what is listed, what is measured, and what cannot be."""

from __future__ import annotations

import shutil

import pytest
from tests.cli.running import offhook

from offhook.cli import engines as verb


def test_all_engines_are_listed_and_none_is_loaded() -> None:
    ran = offhook("engines", "list", "--json")
    assert ran.code == 0
    found = {each["name"]: each for each in ran.json}
    assert set(verb.NEEDS) | {"fallback", "hedge", "route"} <= set(found)
    assert found["moonshine"]["kinds"] == ["recogniser"]
    assert found["hibari"]["local"]
    assert not found["deepgram"]["local"]
    assert all(each["installed"] or each["install"] for each in found.values())


def test_what_is_missing_is_listed_with_how_to_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(verb.NEEDS, "pico", (("no_such_module",), "pico"))
    out = offhook("engines", "list").out
    assert "pip install 'offhook[pico]'" in out
    assert "apt-get install espeak-ng" in out


def test_an_engine_is_measured_in_a_process_of_its_own() -> None:
    ran = offhook("engines", "test", "hibari?speed=0.9", "earshot", "--json")
    assert ran.code == 0
    voice, detector = ran.json
    assert (voice["engine"], voice["kind"]) == ("hibari?speed=0.9", "synthesiser")
    assert voice["load"] > 0
    assert voice["memory"] > 20
    assert 0 < voice["cpu"] < 1
    assert voice["first"] > 0
    assert voice["accuracy"] > 0.8
    assert detector["kind"] == "vad"
    assert 0 < detector["cpu"] < 0.1


def test_the_table_shows_the_figures() -> None:
    ran = offhook("engines", "test", "pico")
    assert ran.code == 0
    (row,) = [line for line in ran.out.splitlines() if line.startswith("pico")]
    assert "synthesiser" in row
    assert "understood by moonshine" in row
    assert row.count(" ms") == 2


def test_what_cannot_be_used_is_told_and_decides_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = offhook("engines", "test", "wyoming:127.0.0.1:1")
    assert ran.code == 1
    assert "cannot be reached" in ran.out
    ran = offhook("engines", "test", "hibbari")
    assert ran.code == 2
    assert "there is no speech engine 'hibbari'" in ran.err
    monkeypatch.setattr(verb, "known", lambda: iter(()))
    assert offhook("engines", "test").code == 2


def test_a_process_that_dies_or_hangs_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verb.sys, "executable", "/bin/false")
    assert "its process ended with 1" in offhook("engines", "test", "hibari").out
    monkeypatch.undo()
    monkeypatch.setattr(verb, "_PATIENCE", 0.01)
    assert "did not end within 0.01 s" in offhook("engines", "test", "hibari").out
