"""Prompts kept on disk as mu-law, so that what a bot says again and again is synthesised once.

Safe for many processes on one directory: entries appear by renaming, and one that vanishes or is damaged is a miss.
File names are hashes and files are readable by their owner only, but the audio is that of the prompts: keep a cache
where recordings may be kept. It knows bytes and files, no engine.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from .reports import report

_MAGIC = b"offhook prompt 1\n"
_DIGEST = hashlib.sha256().digest_size
_SUFFIX = ".ulaw"


def prompt_key(text: str, *, voice: str | None, language: str | None, engine: str) -> str:
    """Returns the name of a prompt. `engine` must change with whatever changes the sound: its version, its settings."""
    return hashlib.sha256(json.dumps([text, voice, language, engine]).encode()).hexdigest()


class PromptCache:
    """A directory of prompts, the least recently used of which make room for new ones. Methods block for the disk.

    Failures of the disk are misses or are not kept; they never reach a call.

    Args:
        directory: Made if need be.
        limit: Bytes that all entries may have together; a second of speech has 8,000.
    """

    def __init__(self, directory: Path | str, limit: int = 256 * 1024 * 1024) -> None:
        self._directory = Path(directory)
        self._limit = limit
        self._room = 0  # bytes that can be written before the directory must be looked through again

    def get(self, key: str) -> bytes | None:
        """Returns the prompt, or None if there is none that is whole."""
        path = self._path(key)
        try:
            entry = path.read_bytes()
            audio = entry[len(_MAGIC) + _DIGEST :]
            if entry[: -len(audio) or None] != _MAGIC + hashlib.sha256(audio).digest():
                return None
            os.utime(path)  # its age counts from its last use
        except OSError:
            return None
        return audio

    def put(self, key: str, audio: bytes) -> None:
        """Keeps a prompt, and drops the oldest ones if it is too much."""
        entry = _MAGIC + hashlib.sha256(audio).digest() + audio
        if len(entry) > self._limit:
            return
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._make_room(len(entry))
            self._write(self._path(key), entry)
        except OSError as error:
            report(f"prompts cannot be kept in {self._directory}", f"({error.strerror}): each is made anew")

    def through(self, key: str, make: Callable[[], Iterator[bytes]]) -> Iterator[bytes]:
        """Yields the kept prompt, or what `make` yields, which is kept once it has come to its end."""
        kept = self.get(key)
        if kept is not None:
            if kept:
                yield kept
            return
        chunks = []
        for chunk in make():
            chunks.append(chunk)
            yield chunk
        self.put(key, b"".join(chunks))

    def _path(self, key: str) -> Path:
        return self._directory / (key + _SUFFIX)

    def _write(self, path: Path, entry: bytes) -> None:
        handle, temporary = tempfile.mkstemp(dir=self._directory, suffix=".part")
        try:
            with open(handle, "wb") as file:
                file.write(entry)
            os.replace(temporary, path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise

    def _make_room(self, wanted: int) -> None:
        """Sums up the directory only now and then: other processes write there too, so no sum stays right."""
        self._room -= wanted
        if self._room >= 0:
            return
        entries = []
        for file in os.scandir(self._directory):
            with contextlib.suppress(OSError):  # another process was faster
                entries.append((file.stat().st_mtime_ns, file.stat().st_size, file.path))
        total = sum(size for _, size, _ in entries) + wanted
        if total > self._limit:
            for _, size, path in sorted(entries):
                if total <= self._limit - self._limit // 16:
                    break
                with contextlib.suppress(OSError):
                    os.unlink(path)
                total -= size
        self._room = min(self._limit - total, self._limit // 16)
