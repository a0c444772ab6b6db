"""Settings from `offhook.toml`."""

from __future__ import annotations

import click
import pytest
from tests.cli.running import client, ndjson, offhook, wrong_use

from offhook.cli.config import defaults
from offhook.cli.keys import keys
from offhook.cli.serve import serve
from offhook.errors import UsageError

KEY = ("keys", "sign", "ws://x.example/", "--key", "k")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to be in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_options_are_taken_by_their_names(here):
    (here / "offhook.toml").write_text('[serve]\nport = 9000\nmax-sessions = 3\njson = true\nkeys = "k.toml"\n')
    assert defaults(None, "serve", serve) == {
        "port": 9000, "max_sessions": 3, "as_json": True, "keys_file": "k.toml"
    }  # fmt: skip


def test_what_is_set_is_used_and_what_is_given_wins(here, monkeypatch):
    (here / "offhook.toml").write_text('[decode]\nprofile = "monitor"\njson = true\n')
    key = ndjson(client("dtmf", 2, 1, digit="1"))
    assert offhook("decode", stdin=key).json["ok"] is False
    assert offhook("decode", "--profile", "connector", stdin=key).json["ok"] is True
    monkeypatch.setenv("OFFHOOK_DECODE_PROFILE", "connector")
    assert offhook("decode", stdin=key).json["ok"] is True


def test_verbs_of_a_group_have_tables_of_their_own(here):
    # [keys] may be the key file at the same time: what is in it is no option and must not be told.
    (here / "offhook.toml").write_text('[keys]\nSGVsbG8 = "c2VjcmV0"\n[keys.sign]\ncreated = 77\n')
    assert defaults(None, "keys", keys) == {"sign": {"created": 77}}
    assert offhook(*KEY, "--secret", "c2VjcmV0").out.count("created=77") == 1


def test_another_file_can_be_named(here, monkeypatch):
    (here / "mine.toml").write_text("[keys.sign]\ncreated = 5\n")
    assert "created=5" in offhook("--config", "mine.toml", *KEY, "--secret", "c2VjcmV0").out
    monkeypatch.setenv("OFFHOOK_CONFIG", "mine.toml")
    assert "created=5" in offhook(*KEY, "--secret", "c2VjcmV0").out


def test_no_file_and_other_tables_are_no_settings(here):
    assert defaults(None, "serve", serve) == {}
    (here / "offhook.toml").write_text("[call]\nport = 1\n")
    assert defaults(None, "serve", serve) == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[decode]\nprofil = 1\n", "has no option profil"),
        ("[decode]\n", ""),
        ("decode = 5\n", "[decode] is a table of options"),
        ("[decode\n", "offhook.toml"),
        ('[decode]\nprofile = "nope"\n', "nope"),
        (b"\xff\xfe", "offhook.toml"),
    ],
)
def test_wrong_settings_are_wrong_use(here, text, words):
    (here / "offhook.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    ran = offhook("decode", stdin=ndjson(client("ping", 2, 1)))
    if words:
        assert words in wrong_use(ran)
    else:
        assert ran.code == 0


def test_a_file_that_is_named_must_be_there(here):
    assert "No such file" in wrong_use(offhook("--config", "absent.toml", "keys", "new"))
    with pytest.raises(UsageError):
        defaults("absent.toml", "x", click.Command("x"))
