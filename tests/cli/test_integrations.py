"""`offhook integrations`: from adding to removing, and the probe that stands before activation."""

from __future__ import annotations

import json
import sqlite3

import pytest
from tests.cli.running import offhook, wrong_use
from tests.cli.test_run import serving
from tests.connector.lines import Bot

from offhook.session.reception import Decline


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_from_adding_to_removing():
    with serving(Bot) as (bot, port):
        uri = f"ws://127.0.0.1:{port}/"
        assert offhook("integrations", "add", "bot", uri, "--key", "abcdefgh", "--config", '{"a": 1}').code == 0
        (listed,) = offhook("integrations", "list", "--json").json["integrations"]
        assert (listed["active"], listed["secret"], listed["key"]) == (False, False, "abcd…")
        ran = offhook("integrations", "test", "bot", "--json")
        assert (ran.code, ran.json["ok"]) == (0, True)
        ran = offhook("integrations", "activate", "bot")
        assert ran.code == 0
        assert "bot is active" in ran.out
        assert bot.opens[0].is_probe
        assert bot.opens[0].custom_config == {"a": 1}
        assert bot.opens[0].participant.ani == ""
    assert "active" in offhook("integrations", "list").out
    assert offhook("integrations", "activate", "bot", "--off").out == "bot is not active\n"
    assert offhook("integrations", "remove", "bot").code == 0
    assert "none yet" in offhook("integrations", "list").out


def test_one_that_does_not_answer_as_it_should_is_not_activated():
    with serving(lambda: Bot(answer=Decline("unauthorized", "who are you"))) as (_, port):
        offhook("integrations", "add", "bot", f"ws://127.0.0.1:{port}/", "--endpoint", "far=ws://127.0.0.1:9/")
        ran = offhook("integrations", "activate", "bot", "--json")
        assert ran.code == 1
        assert ran.json["active"] is False
        near, far = ran.json["endpoints"]
        assert near["errors"] == ["Connection probe error: the server disconnected: unauthorized (who are you)"]
        assert "WebSocket connection failed" in far["errors"][0]
        assert offhook("integrations", "activate", "bot", "--force").code == 1
        assert offhook("integrations", "list", "--json").json["integrations"][0]["active"] is True


def test_to_look_makes_no_database(tmp_path):
    assert "none yet" in offhook("integrations", "list").out
    assert offhook("integrations", "list", "--json").json == {"integrations": []}
    for command in ("test", "activate", "remove"):
        assert "there is none at all" in wrong_use(offhook("integrations", command, "bot"))
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_is_none_or_full_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "offhook.db").write_bytes(b"no database" * 1000)
    assert "cannot be opened" in wrong_use(offhook("integrations", "list"))
    (tmp_path / "offhook.db").unlink()
    assert offhook("integrations", "add", "bot", "ws://127.0.0.1:9/").code == 0
    connect = sqlite3.connect

    def full(*args, **options):
        database = connect(*args, **options)
        database.execute("PRAGMA max_page_count = 1")
        return database

    monkeypatch.setattr(sqlite3, "connect", full)
    config = json.dumps("x" * 9000)
    again = offhook("integrations", "add", "bot", "ws://127.0.0.1:9/")
    assert again.code == 0, "nothing is to be written"
    said = wrong_use(offhook("integrations", "add", "more", "ws://127.0.0.1:9/", "--config", config))
    assert "cannot be written to: database or disk is full" in said
    assert [each["name"] for each in offhook("integrations", "list", "--json").json["integrations"]] == ["bot"]


def test_no_more_than_five_audio_connectors_are_active():
    for number in range(6):
        offhook("integrations", "add", f"bot{number}", "wss://bot.invalid/")
        offhook("integrations", "add", f"watch{number}", "wss://bot.invalid/", "--profile", "monitor")
    with serving(Bot) as (_, port):
        for number in range(6):
            offhook("integrations", "add", f"bot{number}", f"ws://127.0.0.1:{port}/")
        for number in range(5):
            assert offhook("integrations", "activate", f"bot{number}").code == 0
        said = wrong_use(offhook("integrations", "activate", "bot5"))
        assert "5 Audio Connector integrations are active" in said
        assert offhook("integrations", "activate", "bot5", "--max-active", "6").code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "bot", "https://x.example"), "ws:// or wss://"),
        (("add", "b o t", "wss://x.example"), "cannot be named"),
        (("add", "bot", "ws://x.example"), "unencrypted"),
        (("add", "bot", "wss://x.example", "--config", "{"), "no JSON"),
        (("add", "bot", "wss://x.example", "--config", "@none.json"), "none.json"),
        (("add", "bot", "wss://x.example", "--channels", "both"), "external channel alone"),
        (("add", "bot", "wss://x.example", "--endpoint", "wss://y"), "REGION=URI"),
        (("add", "bot", "wss://x.example", "--key", "a", "--secret", "?"), "secret"),
        (("test", "nobody"), "there is no integration 'nobody'"),
        (("remove", "nobody"), "there is no integration 'nobody'"),
    ],
)
def test_wrong_use_is_one_line(arguments, words):
    assert words in wrong_use(offhook("integrations", *arguments))
