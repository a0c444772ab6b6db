"""What a caller said and heard, kept in memory on one time axis: sample n of both lanes is position n of the stream."""

from __future__ import annotations

from ..audio import wav


class Recorder:
    """Two mu-law lanes of one length: external is what the caller said, internal what the caller heard."""

    __slots__ = ("_external", "_internal")

    def __init__(self) -> None:
        self._external = bytearray()
        self._internal = bytearray()

    @property
    def samples(self) -> int:
        """Samples of each lane."""
        return len(self._external)

    def add(self, external: bytes, internal: bytes) -> None:
        """Append what happened next; both as long."""
        self._external += external
        self._internal += internal

    def lanes(self) -> tuple[bytes, bytes]:
        """All so far: external, internal."""
        return bytes(self._external), bytes(self._internal)

    def heard(self, start: int, end: int) -> bytes:
        """What the caller heard from one position to another."""
        return bytes(self._internal[start:end])

    def write(self, path: wav.StrPath) -> None:
        """Write a stereo WAV file in mu-law: external left, internal right.

        Raises:
            AudioFileError: It cannot be written.
        """
        wav.write_ulaw(path, self.lanes())
