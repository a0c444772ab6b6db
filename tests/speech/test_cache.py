"""Prompts on disk: whole or not at all, bounded, and never a reason to fail."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from offhook.speech import reports
from offhook.speech.cache import PromptCache, prompt_key

KEY = prompt_key("Hello.", voice=None, language="en", engine="tones-1")
OTHER = prompt_key("Goodbye.", voice=None, language="en", engine="tones-1")
AUDIO = bytes(range(256)) * 10


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "prompts"


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_what_was_put_is_got_even_by_another_process(folder: Path) -> None:
    assert PromptCache(folder).get(KEY) is None
    PromptCache(folder).put(KEY, AUDIO)
    assert PromptCache(folder).get(KEY) == AUDIO
    assert PromptCache(folder).get(OTHER) is None


def test_the_key_depends_on_each_part() -> None:
    keys = {
        prompt_key("a", voice=None, language=None, engine="e"),
        prompt_key("b", voice=None, language=None, engine="e"),
        prompt_key("a", voice="v", language=None, engine="e"),
        prompt_key("a", voice=None, language="v", engine="e"),
        prompt_key("a", voice=None, language=None, engine="f"),
    }
    assert len(keys) == 5


def test_files_tell_the_text_to_nobody_and_open_to_their_owner_only(folder: Path) -> None:
    PromptCache(folder).put(KEY, AUDIO)
    (file,) = files(folder)
    assert "Hello" not in file.name
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: entry[:-1],
        lambda entry: entry + b"x",
        lambda entry: entry[:20],
        lambda entry: b"",
        lambda entry: b"\0" * 99,
    ],
)
def test_a_damaged_entry_is_a_miss_and_is_replaced(folder: Path, damage: Callable[[bytes], bytes]) -> None:
    cache = PromptCache(folder)
    cache.put(KEY, AUDIO)
    (file,) = files(folder)
    file.write_bytes(damage(file.read_bytes()))
    assert cache.get(KEY) is None
    cache.put(KEY, AUDIO)
    assert cache.get(KEY) == AUDIO


def test_a_flipped_bit_is_a_miss(folder: Path) -> None:
    PromptCache(folder).put(KEY, AUDIO)
    (file,) = files(folder)
    entry = bytearray(file.read_bytes())
    entry[-100] ^= 1
    file.write_bytes(entry)
    assert PromptCache(folder).get(KEY) is None


def test_the_least_recently_used_makes_room(folder: Path) -> None:
    cache = PromptCache(folder, limit=10 * 1100)
    keys = [prompt_key(str(n), voice=None, language=None, engine="e") for n in range(30)]
    for age, key in enumerate(keys):
        cache.put(key, b"x" * 1000)
        for file in files(folder):
            if file.stem == key:
                os.utime(file, (age, age))
        if age > 0:
            assert cache.get(keys[0]) is not None, "it was used again and again"
    assert sum(file.stat().st_size for file in files(folder)) <= 10 * 1100
    kept = [n for n, key in enumerate(keys) if cache.get(key) is not None]
    assert kept[0] == 0
    assert kept[1:] == list(range(31 - len(kept), 30))
    assert len(kept) >= 8


def test_what_is_larger_than_the_cache_is_not_kept(folder: Path) -> None:
    cache = PromptCache(folder, limit=1000)
    cache.put(OTHER, b"small")
    cache.put(KEY, AUDIO)
    assert cache.get(KEY) is None
    assert cache.get(OTHER) == b"small"


def test_a_disk_that_fails_is_a_cache_that_misses(tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.write_text("not a folder")
    cache = PromptCache(taken / "prompts")
    cache.put(KEY, AUDIO)
    assert cache.get(KEY) is None
    assert list(cache.through(KEY, lambda: iter([b"a", b"b"]))) == [b"a", b"b"]


def test_a_full_disk_is_told_once_and_without_the_prompt(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reports.forget()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", full)
    cache = PromptCache(folder)
    for key in ("one", "two"):
        cache.put(key, b"sound")
        assert cache.get(key) is None
    assert [record.getMessage() for record in caplog.records] == [
        f"prompts cannot be kept in {folder} (No space left on device): each is made anew"
    ]
    assert list(folder.iterdir()) == [], "nothing half is left behind"


def test_through_makes_once_and_then_remembers(folder: Path) -> None:
    made = []

    def make() -> Iterator[bytes]:
        made.append(1)
        yield b"one"
        yield b"two"

    cache = PromptCache(folder)
    assert list(cache.through(KEY, make)) == [b"one", b"two"]
    assert list(cache.through(KEY, make)) == [b"onetwo"]
    assert made == [1]


def test_nothing_to_say_is_remembered_too(folder: Path) -> None:
    cache = PromptCache(folder)
    assert list(cache.through(KEY, lambda: iter(()))) == []
    assert list(cache.through(KEY, lambda: iter([b"not asked"]))) == []


def test_a_prompt_that_was_interrupted_is_not_kept(folder: Path) -> None:
    cache = PromptCache(folder)
    chunks = cache.through(KEY, lambda: iter([b"one", b"two"]))
    assert next(chunks) == b"one"
    del chunks
    assert cache.get(KEY) is None


def test_many_writers_on_one_directory_never_show_half_an_entry(folder: Path) -> None:
    wrong: list[bytes] = []

    def work(letter: bytes) -> None:
        cache = PromptCache(folder, limit=60_000)
        for n in range(60):
            key = prompt_key(str(n % 7), voice=None, language=None, engine="e")
            cache.put(key, letter * 9000)
            audio = cache.get(key)
            if audio is not None and len({*audio}) * len(audio) != 9000:
                wrong.append(audio)

    threads = [threading.Thread(target=work, args=(letter,)) for letter in (b"a", b"b", b"c")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert not [file for file in files(folder) if file.suffix == ".part"]
