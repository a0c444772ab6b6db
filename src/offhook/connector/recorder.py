"""What a caller said and heard, on one time axis: sample n of both lanes is position n of the line.

`Recorder` keeps it in memory for one call of a program; `LineRecording` on disk, in pieces, as a flow wants it.
"""

from __future__ import annotations

from ..audio import wav
from ..errors import UsageError
from ..records.record import CallRecord
from ..records.store import CallStore
from .context import CallContext


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


class LineRecording:
    """The recording of one call of the connector.

    Args:
        store: Where to; None if nothing is kept.
    """

    def __init__(self, store: CallStore | None) -> None:
        self._store = store
        self._record: CallRecord | None = None

    def turn(self, on: bool, call: CallContext) -> None:
        """Record from now on, or stop.

        Raises:
            UsageError: There is no place to record to.
        """
        line = call.line
        if not on:
            line.said = line.heard = None
            return
        if self._store is None:
            raise UsageError("this connector keeps nothing: name a folder, as in [connector.keep] folder = 'calls'")
        if self._record is None:
            self._record = self._store.begin(call.conversation, call.started, role="client", profile="line")
        line.said, line.heard = self._record.external, self._record.internal

    def finish(self) -> None:
        """The call is over: write the rest."""
        if self._record is not None:
            self._record.finish()
