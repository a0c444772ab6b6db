"""`offhook engines install` puts a model where it is looked for."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from tests.cli.running import offhook, wrong_use
from tests.speech.voiceprint.test_install import WEIGHTS, wheel

from offhook.speech.voiceprint import install as installing


def test_from_a_wheel_that_is_here_already(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFHOOK_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(installing, "SHA256", hashlib.sha256(WEIGHTS).hexdigest())
    done = offhook("engines", "install", "voiceprint", "--from", str(wheel(tmp_path / "a.whl")), "--json")
    assert done.code == 0
    assert done.json["model"] == "voiceprint"
    assert Path(done.json["path"]).read_bytes() == WEIGHTS
    assert Path(done.json["path"]).is_relative_to(tmp_path / "models")


def test_wrong_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFHOOK_MODELS", str(tmp_path / "models"))
    wrong_use(offhook("engines", "install", "none-such"))
    assert "No such file" in wrong_use(offhook("engines", "install", "voiceprint", "--from", str(tmp_path / "none")))
    other = wheel(tmp_path / "other.whl", b"other weights")
    assert offhook("engines", "install", "voiceprint", "--from", str(other)).code == 1
