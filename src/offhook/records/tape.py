"""The two files that grow while a call goes on: its trace and its recording. Used by the disk's thread only.

Knows messages and samples, not what they mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import msgspec

from offhook.protocol.trace import Side, TraceWriter

from .disk import open_private, write_all
from .recording import BOTH, Lane, Recording

TRACE: Final = "trace.ndjson"
AUDIO: Final = "audio.wav"


class Message(msgspec.Struct, frozen=True, gc=False):
    """What passed on the wire, `t` seconds since the call's start."""

    t: float
    sender: Side
    data: str | bytes


class Sound(msgspec.Struct, frozen=True, gc=False):
    """Audio of one lane, at its position on the caller's stream."""

    lane: Lane
    position: int
    ulaw: bytes


def _joined(sounds: list[Sound]) -> Iterator[Sound]:
    """The same sounds, those that go on where the one before ended as one: to write one costs more than its bytes."""
    run: list[bytes] = []
    first, end = None, 0
    for sound in sounds:
        if first is None or sound.lane != first.lane or sound.position != end:
            if first is not None:
                yield Sound(first.lane, first.position, b"".join(run))
            first, end = sound, sound.position
            run = []
        run.append(sound.ulaw)
        end += len(sound.ulaw) // (2 if sound.lane == BOTH else 1)
    if first is not None:
        yield Sound(first.lane, first.position, b"".join(run))


class Tape:
    """Writes into the folder of one call what was asked for.

    Raises:
        OSError: From any method: the disk refuses it.
    """

    def __init__(self, folder: Path, *, audio: bool, trace: bool) -> None:
        self._folder = folder
        self._wanted = audio, trace
        self._lines = bytearray()
        self._files = ExitStack()
        self.recording: Recording | None = None
        self.trace: TraceWriter | None = None

    def open(self, role: Side, session: str, profile: str, started: str) -> None:
        """Make the files; the trace's header is on disk at once, so that whatever happens says which call it was."""
        audio, trace = self._wanted
        if trace:
            self._trace_file = self._files.enter_context(open_private(self._folder / TRACE))
            self.trace = TraceWriter(self._lines.extend, role=role, session=session, profile=profile, started=started)
            self._flush()
        if audio:
            self.recording = Recording(self._folder / AUDIO)
            self._files.callback(self.recording.close)

    def write(self, messages: list[Message], sounds: list[Sound]) -> None:
        """Write a batch of each."""
        if self.trace is not None:
            for message in messages:
                self.trace.message(message.t, message.sender, message.data)
            self._flush()
        if self.recording is not None:
            for sound in _joined(sounds):
                self.recording.write(sound.lane, sound.position, sound.ulaw)

    def end(self, t: float, reason: str) -> None:
        """Write the trace's last line."""
        if self.trace is not None:
            self.trace.end(t, reason)
            self._flush()

    def close(self) -> None:
        """Close the files, even if the disk refuses the rest. A recording of nothing is taken away."""
        with self._files:
            pass
        if self.recording is not None and not self.recording.frames:
            (self._folder / AUDIO).unlink(missing_ok=True)

    def _flush(self) -> None:
        write_all(self._trace_file, self._lines)
        self._lines.clear()
