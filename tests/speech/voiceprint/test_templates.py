"""Voiceprints at rest: nothing can be read or swapped without the key, and what is erased is gone."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest

from offhook.errors import UsageError
from offhook.speech.voiceprint.templates import VARIABLE, Template, TemplateStore, new_key, read_key

KEY = bytes(range(32))
VECTOR = np.eye(1, 256, dtype="<f4").tobytes()


def template(speaker: str = "+15550001111", model: str = "m") -> Template:
    return Template(speaker, model, created="2026-11-22T10:00:00+00:00", updated="", vectors=(VECTOR,), seconds=3.0)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    store = TemplateStore(tmp_path / "a" / "b", KEY)
    assert store.load("+15550001111") is None
    assert store.all() == []
    store.save(template())
    store.save(template("Zoé"))
    assert store.load("+15550001111") == template()
    assert [kept.speaker for kept in store.all()] == ["+15550001111", "Zoé"]
    store.save(template(model="other"))
    assert TemplateStore(tmp_path / "a" / "b", KEY).load("+15550001111") == template(model="other")
    np.testing.assert_array_equal(template().centre, np.eye(1, 256)[0])


def test_files_tell_nothing_and_are_their_owners(tmp_path: Path) -> None:
    store = TemplateStore(tmp_path / "v", KEY)
    store.save(template())
    (path,) = (tmp_path / "v").iterdir()
    data = path.read_bytes()
    assert b"5550001111" not in data + path.name.encode()
    assert VECTOR[:64] not in data
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "v").stat().st_mode) == 0o700
    store.save(template())
    assert path.read_bytes() != data, "each time another nonce"


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    TemplateStore(tmp_path, KEY).save(template())
    other = TemplateStore(tmp_path, bytes(32))
    assert other.load("+15550001111") is None, "it does not even find the file"
    with pytest.raises(UsageError, match="another key"):
        other.all()


@pytest.mark.parametrize("at", [25, 40, -1])
def test_a_changed_file_is_refused(tmp_path: Path, at: int) -> None:
    store = TemplateStore(tmp_path, KEY)
    store.save(template())
    (path,) = tmp_path.iterdir()
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    with pytest.raises(UsageError, match="damaged"):
        store.load("+15550001111")
    path.write_bytes(b"hello")
    with pytest.raises(UsageError, match="no voiceprint"):
        store.load("+15550001111")


def test_a_file_cannot_be_put_in_anothers_place(tmp_path: Path) -> None:
    store = TemplateStore(tmp_path, KEY)
    store.save(template("mallory"))
    (mallory,) = tmp_path.iterdir()
    store.save(template("alice"))
    (alice,) = set(tmp_path.iterdir()) - {mallory}
    alice.write_bytes(mallory.read_bytes())
    with pytest.raises(UsageError, match="damaged"):
        store.load("alice")


def test_erasing(tmp_path: Path) -> None:
    store = TemplateStore(tmp_path, KEY)
    assert not store.erase("nobody")
    store.save(template("one"))
    store.save(template("two"))
    TemplateStore(tmp_path, bytes(32)).save(template("of another key"))
    assert store.erase("one")
    assert store.load("one") is None
    assert store.erase_all() == 2
    assert list(tmp_path.glob("*.voiceprint")) == []


def test_keys(tmp_path: Path) -> None:
    key = new_key()
    assert key != new_key()
    assert len(read_key(environment={VARIABLE: key})) == 32
    (tmp_path / "key").write_text(f"{key}\n")
    assert read_key(tmp_path / "key", {}) == read_key(None, {VARIABLE: key})


@pytest.mark.parametrize("written", ["", "short", "AAAA", "not base64 !"])
def test_what_is_no_key(tmp_path: Path, written: str) -> None:
    with pytest.raises(UsageError, match="key"):
        read_key(environment={VARIABLE: written})
    (tmp_path / "key").write_text(written)
    with pytest.raises(UsageError, match="key"):
        read_key(tmp_path / "key")
    with pytest.raises(UsageError, match=r"No such file.*offhook voiceprint key"):
        read_key(tmp_path / "none")


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be kept"):
        TemplateStore(tmp_path / "file", KEY).save(template())
