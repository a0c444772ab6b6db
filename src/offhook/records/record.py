"""The records of one call while it goes on: what is handed in waits in lists and goes to the disk's thread in batches.

All of it returns at once and none of it raises: a disk that fails, or does not keep up, ends the records of a call and
never the call. It knows events, messages and samples; nothing of how they arise.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, Literal, Protocol, TypeVar

from ..errors import UsageError
from ..protocol import codec
from . import layout
from .disk import Disk
from .events import AnyEvent, CallEnded, Heard, MessageSeen, Note, Side
from .recording import BOTH, EXTERNAL, INTERNAL, Lane
from .summary import AudioCount, CallSummary, summarise
from .tape import Message, Sound, Tape

# A batch goes to disk after `disk.GATHER` seconds, or so many bytes: more than a call in real time has by then.
BATCH_BYTES: Final = 49_152

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Keep:
    """What is kept beside `call.json` and the transcript.

    Attributes:
        audio: The recording.
        trace: Every message; "messages" leaves out audio, which then costs nothing, and cannot be played again.
        report: The page.
    """

    audio: bool = True
    trace: bool | Literal["messages"] = True
    report: bool = True

    @classmethod
    def of(cls, names: str) -> Keep:
        """From names with commas between: audio, report, and trace or messages.

        Raises:
            UsageError: One is unknown, or both kinds of trace are asked for.
        """
        wanted = {name.strip() for name in names.split(",") if name.strip()}
        if unknown := wanted - {"audio", "trace", "messages", "report"}:
            raise UsageError(f"{sorted(unknown)[0]!r} cannot be kept: choose from audio, trace, messages, report")
        if {"trace", "messages"} <= wanted:
            raise UsageError("a trace holds the messages: keep one of trace and messages")
        return cls("audio" in wanted, "messages" if "messages" in wanted else "trace" in wanted, "report" in wanted)


class Sink(Protocol):
    """Takes the audio of one lane."""

    def write(self, position: int, ulaw: bytes) -> None:
        """Put `ulaw` (mu-law, one byte per sample) at `position`, over whatever the lane had there."""


class CallRecord:
    """Made by `CallStore.begin`.

    Attributes:
        folder: Where the records are, or None if it could not be made.
        failure: Why they stopped, or empty.
        external: Takes what the caller says, at its position on the caller's stream.
        internal: Takes what the caller hears, at the position where it was heard.
        both: Takes the two interleaved, a byte of each for a sample.
    """

    def __init__(
        self, folder: Path | None, disk: Disk, keep: Keep, session: str, started: datetime, role: Side, profile: str
    ) -> None:
        self.folder = folder
        self.failure = ""
        self.external: Sink = _LaneSink(self, EXTERNAL)
        self.internal: Sink = _LaneSink(self, INTERNAL)
        self.both: Sink = _LaneSink(self, BOTH)
        self._disk = disk
        self._keep = keep
        self._session = session
        self._started = started
        self._profile = profile
        self._events: list[AnyEvent] = []
        self._messages: dict[str, Counter[str]] = {"client": Counter(), "server": Counter()}
        self._audio: dict[str, AudioCount] = {"client": AudioCount(), "server": AudioCount()}
        self._last = 0.0
        self._batch: list[Message] = []
        self._sounds: list[Sound] = []
        self._size = 0
        self._gathers = False
        self._finished: Future[CallSummary] | None = None
        self._tape: Tape | None = None
        if folder is not None:
            self._tape = Tape(folder, audio=keep.audio, trace=bool(keep.trace))
            when = started.isoformat(timespec="milliseconds")
            self._submit(partial(self._tape.open, role, session, profile, when), 1)

    def add(self, event: AnyEvent) -> None:
        """Keep an event. Interim results are left out, and single messages, which `message` tells of."""
        self._last = max(self._last, event.t)
        if not isinstance(event, MessageSeen) and (not isinstance(event, Heard) or event.final):
            self._events.append(event)

    def message(self, sender: Side, data: str | bytes, t: float) -> None:
        """Count a message, and keep it in the trace; `t` seconds since the call's start."""
        if t > self._last:
            self._last = t
        if isinstance(data, str):
            self._batch.append(Message(t, sender, data))
        else:
            self.passed(sender, 1, len(data))
            if self._keep.trace is not True:
                return
            self._batch.append(Message(t, sender, data))
        self._grow(len(data))

    @property
    def wants_sound(self) -> bool:
        """Whether a recording is kept; if not, `external` and `internal` need not be told anything."""
        return self._keep.audio

    @property
    def wants_audio(self) -> bool:
        """Whether single messages of audio are kept; if not, it is enough to tell of them by `passed`."""
        return self._keep.trace is True

    def passed(self, sender: Side, messages: int, size: int) -> None:
        """Count messages of audio that `sender` sent, `size` bytes in all."""
        count = self._audio[sender]
        count.messages += messages
        count.bytes += size

    def finish(self) -> Future[CallSummary]:
        """Write the rest. The future never fails: what could not be kept is in the summary's `failure`."""
        if self._finished is None:
            self._hand_over()
            if self._tape is not None:
                ended = next((event for event in reversed(self._events) if isinstance(event, CallEnded)), None)
                reason = (ended.reason or ended.outcome) if ended else "unknown"
                self._submit(partial(self._tape.end, self._last, reason), 1)
            self._finished = self._disk.result(self._complete)
        return self._finished

    def fail(self, reason: str) -> None:
        """Give the records up; said once, in the log and in the call's own notes."""
        if not self.failure:
            self.failure = reason
            self._events.append(Note(f"records stopped: {reason}", t=self._last))
            _log.warning("the records of session %s stopped: %s", self._session, reason)

    def _sound(self, lane: Lane, position: int, ulaw: bytes) -> None:
        if self._keep.audio:
            self._sounds.append(Sound(lane, position, ulaw))
            self._grow(len(ulaw))

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size >= BATCH_BYTES:
            self._hand_over()
        elif not (self._gathers or self._tape is None or self._finished or self.failure):
            self._gathers = True
            self._disk.gather(self._write_gathered)

    def _hand_over(self) -> None:
        messages, sounds, size = self._batch, self._sounds, self._size
        self._batch, self._sounds, self._size = [], [], 0
        if self._tape is not None and self._finished is None and (messages or sounds):
            self._submit(partial(self._write, self._tape, messages, sounds), size, soon=True)

    # On the disk's thread.

    def _write_gathered(self) -> None:
        """Write what is there by now. Whoever adds meanwhile does so behind what is taken, or to lists of their own."""
        self._gathers = False
        if self._tape is not None and self._finished is None:
            self._size = 0
            self._guard(partial(self._write, self._tape, _take(self._batch), _take(self._sounds)))

    def _write(self, tape: Tape, messages: list[Message], sounds: list[Sound]) -> None:
        for message in messages:
            if isinstance(message.data, str) and (type := codec.decode_type(message.data)):
                self._messages[message.sender][type] += 1
        tape.write(messages, sounds)

    def _submit(self, work: Callable[[], None], size: int, *, soon: bool = False) -> None:
        if self._disk.is_behind:
            self.fail("the disk does not keep up")
        if not self.failure:
            self._disk.submit(partial(self._guard, work), size, soon=soon)

    def _guard(self, work: Callable[[], None]) -> None:
        if self.failure:
            return
        try:
            work()
        except OSError as error:
            self.fail(str(error))

    def _complete(self) -> CallSummary:
        try:
            if self._tape is not None:
                self._tape.close()
                if self._tape.recording is not None and self._tape.recording.truncated:
                    self._events.append(Note("audio beyond the longest recording was left out", t=self._last))
        except OSError as error:
            self.fail(str(error))
        summary = self._summary()
        if self.folder is None:
            return summary
        try:
            layout.write(self.folder, summary, report=self._keep.report)
        except OSError as error:
            self.fail(str(error))
        except Exception as error:
            # A fault in a report must not cost the records; its text could hold what a caller said.
            self.fail(f"{type(error).__name__} while the report was made")
        return self._summary() if self.failure else summary

    def _summary(self) -> CallSummary:
        return summarise(
            self._session,
            self._started,
            self._events,
            profile=self._profile,
            messages=self._messages,
            audio=self._audio,
            files=layout.files(self.folder, report=self._keep.report) if self.folder else {},
            failure=self.failure,
        )


def _take(waiting: list[T]) -> list[T]:
    """Empty a list to which another thread may append: each of the two steps is one to the interpreter."""
    taken = waiting[:]
    del waiting[: len(taken)]
    return taken


class _LaneSink:
    __slots__ = ("_lane", "_record")

    def __init__(self, record: CallRecord, lane: Lane) -> None:
        self._record = record
        self._lane = lane

    def write(self, position: int, ulaw: bytes) -> None:
        self._record._sound(self._lane, position, ulaw)
