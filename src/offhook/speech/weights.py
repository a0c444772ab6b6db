"""Files of model weights inside installed packages: found without importing the package, and checked before use.

Weights are loaded by native code and decide what callers hear and what they are understood to say, so a file is used
only if it is the very one that was measured. It knows no engine.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from pathlib import Path

from ..errors import EngineError, EngineMissing


def package_folder(package: str, *, engine: str, extra: str) -> Path:
    """Returns the folder of an installed top-level package without running any of its code.

    Raises:
        EngineMissing: It is not installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise EngineMissing(engine, extra)
    return Path(spec.origin).parent


@functools.cache
def checked(path: Path, sha256: str) -> Path:
    """Returns `path` if the file has that hash. Reads it once per process (44 MB take 30 to 120 ms).

    Raises:
        EngineError: It is another file, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EngineError(f"{path.name} cannot be read: {error.strerror}; install its package anew") from error
    if digest != sha256:
        raise EngineError(f"{path} is not the file that this version was made for; install its package anew")
    return path
