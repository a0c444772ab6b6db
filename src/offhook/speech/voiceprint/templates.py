"""Voiceprints at rest: one encrypted file for each speaker, named so that nobody can tell whose it is.

AES-256-GCM by the library `cryptography`; file names are a keyed hash of the speaker's name, and each file is bound to
its own name, so that one cannot be put in another's place. Without the key nothing can be read, not even who is
enrolled. Erasing a speaker removes the file.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import os
import secrets
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from ...errors import EngineMissing, UsageError
from ..engines import Float32
from .encoder import unit

VARIABLE: Final = "OFFHOOK_VOICEPRINT_KEY"
SUFFIX: Final = ".voiceprint"
_MAGIC: Final = b"offhook voiceprint 1\n"
_NONCE: Final = 12
_LOCK: Final = ".lock"


class Template(msgspec.Struct, frozen=True):
    """What is kept of a speaker.

    Attributes:
        speaker: As the caller of this module names them: a customer number, a telephone number.
        model: Of the encoder that made it; another one cannot be compared with it.
        created: ISO 8601, with the time zone.
        updated: The same, of the last enrolment.
        vectors: One for each enrolled utterance, float32.
        seconds: Of voice in all of them.
        enrolled: Fingerprints of the enrolled utterances.
        heard: Fingerprints of what passed for the speaker since, the latest last. None of either must come again.
    """

    speaker: str
    model: str
    created: str
    updated: str
    vectors: tuple[bytes, ...] = ()
    seconds: float = 0.0
    enrolled: tuple[bytes, ...] = ()
    heard: tuple[bytes, ...] = ()

    @property
    def centre(self) -> Float32:
        """The mean of the vectors, at length 1."""
        mean: Float32 = np.stack([np.frombuffer(vector, "<f4") for vector in self.vectors]).mean(axis=0)
        return unit(mean)


def new_key() -> str:
    """A key for templates, to be kept where the templates are not: 256 random bits, base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def read_key(file: Path | None = None, environment: Mapping[str, str] = os.environ) -> bytes:
    """The key for templates: out of a file, or out of `OFFHOOK_VOICEPRINT_KEY`.

    Raises:
        UsageError: There is none, or it is no key.
    """
    if file is not None:
        try:
            written = file.read_text("ascii", "replace")
        except OSError as error:
            raise UsageError(f"{file}: {error.strerror}; make a key with: offhook voiceprint key {file}") from None
    elif not (written := environment.get(VARIABLE, "")):
        raise UsageError(
            f"voiceprints need a key: offhook voiceprint key FILE makes one; give it as --voiceprint-key FILE, "
            f"or its text as {VARIABLE}"
        )
    where = str(file) if file is not None else VARIABLE
    try:
        key = base64.b64decode(written.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:
        raise UsageError(f"{where} holds no key: it must be 32 bytes in base64, as offhook voiceprint key makes it")
    return key


class TemplateStore:
    """The templates in one folder. Each call reads or writes a file: run it in the pool.

    Args:
        folder: Made when the first speaker is enrolled, for its owner only.
        key: 32 bytes.

    Raises:
        EngineMissing: `cryptography` is not installed.
    """

    def __init__(self, folder: Path, key: bytes) -> None:
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ImportError:
            raise EngineMissing("cryptography", "voiceprint") from None
        self.folder = folder
        self._cipher = AESGCM(_derived(key, b"contents"))
        self._names = _derived(key, b"names")
        self._lock = threading.Lock()

    def load(self, speaker: str) -> Template | None:
        """The template of a speaker; None if there is none.

        Raises:
            UsageError: The file cannot be read, or was written with another key.
        """
        path = self._path(speaker)
        return self._open(path) if path.is_file() else None

    def save(self, template: Template) -> None:
        """Write a template in place of the one before.

        Raises:
            UsageError: It cannot be written.
        """
        path = self._path(template.speaker)
        nonce = secrets.token_bytes(_NONCE)
        sealed = self._cipher.encrypt(nonce, msgspec.msgpack.encode(template), path.name.encode())
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Made for its owner only, and there as a whole or not at all.
            with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as draft:
                draft.write(_MAGIC + nonce + sealed)
            Path(draft.name).replace(path)
        except OSError as error:
            raise UsageError(f"the voiceprint cannot be kept in {self.folder}: {error.strerror}") from None

    def erase(self, speaker: str) -> bool:
        """Remove all that is kept of a speaker; returns whether there was anything."""
        with self.changing():
            try:
                self._path(speaker).unlink()
            except FileNotFoundError:
                return False
            return True

    def erase_all(self) -> int:
        """Remove every template, those of other keys too; returns how many there were."""
        with self.changing():
            paths = self._paths()
            for path in paths:
                path.unlink(missing_ok=True)
            return len(paths)

    def all(self) -> list[Template]:
        """Every template.

        Raises:
            UsageError: One cannot be read, or was written with another key.
        """
        return sorted(map(self._open, self._paths()), key=lambda template: template.speaker)

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Nobody else, no other process either, changes a template meanwhile. Not to be nested."""
        with self._lock:
            if not self.folder.is_dir():
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with (self.folder / _LOCK).open("ab") as lock:
                with contextlib.suppress(ImportError):
                    import fcntl

                    fcntl.flock(lock, fcntl.LOCK_EX)  # falls with the file
                yield

    def _path(self, speaker: str) -> Path:
        digest = hmac.new(self._names, speaker.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
        return self.folder / f"{digest[:40]}{SUFFIX}"

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob(f"*{SUFFIX}")) if self.folder.is_dir() else []

    def _open(self, path: Path) -> Template:
        from cryptography.exceptions import InvalidTag

        try:
            data = path.read_bytes()
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}") from None
        if not data.startswith(_MAGIC):
            raise UsageError(f"{path} is no voiceprint")
        body = data[len(_MAGIC) :]
        try:
            plain = self._cipher.decrypt(body[:_NONCE], body[_NONCE:], path.name.encode())
            return msgspec.msgpack.decode(plain, type=Template)
        except (InvalidTag, ValueError, msgspec.DecodeError):
            raise UsageError(f"{path} was written with another key, or is damaged") from None


def _derived(key: bytes, purpose: bytes) -> bytes:
    """A key of its own for each purpose (HKDF-Expand of RFC 5869 with one block: the key is random already)."""
    return hmac.new(key, b"offhook voiceprint " + purpose + b"\x01", hashlib.sha256).digest()
