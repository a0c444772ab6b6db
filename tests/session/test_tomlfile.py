"""Files of settings: what is wrong with one is told in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from offhook.errors import UsageError
from offhook.session.tomlfile import located, read


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"= 1", "Invalid statement"),
        (b"\xff\xfe[", "can't decode byte"),
        (b"x = " + b"[" * 5_000, "nested too deeply"),
        (b"x = " + b"9" * 5_000, "4300 digits"),
        (b"x = 1\nx = 2", "Cannot overwrite a value"),
        (b"\0", "Invalid statement"),
    ],
)
def test_what_is_no_toml_is_told_with_its_file(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "offhook.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=says) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "offhook.toml"
    path.write_bytes(b"\xef\xbb\xbfx = 1")
    assert read(path) == {"x": 1}


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.toml: No such file"):
        read(tmp_path / "none.toml")
    with pytest.raises(UsageError, match="Is a directory"):
        read(tmp_path)


def test_paths_count_from_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert located(Path("/etc"), "a/b.wav") == Path("/etc/a/b.wav")
    assert located(Path("/etc"), "~/b.wav") == Path("/home/me/b.wav")
    with pytest.raises(UsageError, match="is no path"):
        located(Path(), "a\0b")
    with pytest.raises(UsageError, match="no such user"):
        located(Path(), "~nobody-of-that-name/b.wav")
