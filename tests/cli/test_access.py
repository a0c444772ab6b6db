"""Who may come in, and where from."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from offhook.cli.access import access, announce
from offhook.errors import UsageError
from offhook.session.keys import SAMPLE_KEY, SAMPLE_SECRET

NOTHING: dict[str, Any] = dict.fromkeys(("keys_file", "key", "sample_keys", "no_auth", "host"), None) | {"secret": ""}


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in ("OFFHOOK_KEYS", "STATIC_API_KEY_MAP"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("given", "keys", "address", "warned"),
    [
        ({}, 0, "127.0.0.1", True),
        ({"host": "::1"}, 0, "::1", True),
        ({"no_auth": True}, 0, None, False),
        ({"key": "k", "secret": "AAEC"}, 1, None, False),
        ({"sample_keys": True, "host": "10.0.0.1"}, 1, "10.0.0.1", True),
        ({"key": SAMPLE_KEY, "secret": SAMPLE_SECRET}, 1, None, True),
    ],
)
def test_without_keys_only_this_machine_may_come(given, keys, address, warned):
    found = access(NOTHING | given)
    assert (len(found.keys or ()), found.address, bool(found.warning)) == (keys, address, warned)


def test_strangers_from_elsewhere_have_to_be_asked_for():
    with pytest.raises(UsageError, match="give --keys"):
        access(NOTHING | {"host": "10.0.0.1"})


def test_the_keys_of_the_vendors_sample_are_told_wherever_they_come_from(monkeypatch, caplog):
    monkeypatch.setenv("STATIC_API_KEY_MAP", f'{{"{SAMPLE_KEY}": "{SAMPLE_SECRET}"}}')
    found = access(NOTHING)
    with caplog.at_level(logging.INFO):
        announce("bot", found, 80, {"tls_cert": None, "path": None}, ", 2 workers")  # of one process or of many
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "known to everybody" in caplog.text
