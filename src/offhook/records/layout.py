"""The folder of one call: which files it holds and how they are written once the call is over.

- `trace.ndjson`: each message, as `offhook.protocol.trace` writes it
- `audio.wav`: caller and bot, as `offhook.records.recording` writes it
- `transcript.json`, `transcript.txt`, `transcript.vtt`
- `call.json`: everything in one object; where it is missing, the records broke off
- `call.html`: the report, made of the others
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from offhook.errors import TraceError, UsageError
from offhook.protocol import trace

from . import report, transcript, webvtt
from .disk import replace
from .summary import SCHEMA, CallSummary
from .tape import AUDIO, TRACE

CALL: Final = "call.json"
TRANSCRIPT: Final = "transcript.json"
TEXT: Final = "transcript.txt"
SUBTITLES: Final = "transcript.vtt"
REPORT: Final = "call.html"


def files(folder: Path, *, report: bool) -> dict[str, str]:
    """Names of the files by kind, as `CallSummary.files` has them; of those filled during the call, the ones there."""
    names = {"call": CALL, "transcript": TRANSCRIPT, "text": TEXT, "subtitles": SUBTITLES}
    names |= {"report": REPORT} if report else {}
    return names | {kind: name for kind, name in (("trace", TRACE), ("audio", AUDIO)) if (folder / name).exists()}


def write(folder: Path, summary: CallSummary, *, report: bool) -> None:
    """Write what is made at the end of a call.

    Raises:
        OSError: A file cannot be written; those before it are complete.
    """
    replace(folder / TRANSCRIPT, [_pretty(msgspec.json.encode(summary.transcript))])
    replace(folder / TEXT, [transcript.text(summary.transcript).encode(errors="replace")])
    replace(folder / SUBTITLES, [webvtt.render(summary.transcript).encode(errors="replace")])
    replace(folder / CALL, [_pretty(msgspec.json.encode(summary))])
    if report:
        write_report(folder, summary)


def write_report(folder: Path, summary: CallSummary) -> None:
    """Make `call.html` of a summary and of the audio and the trace in its folder.

    Raises:
        OSError: It cannot be written.
    """
    replace(folder / REPORT, report.render(summary, audio=folder / AUDIO, trace=folder / TRACE))


def load(path: Path) -> CallSummary:
    """Read a kept call: its folder or its `call.json`. Of a call whose records broke off, what the trace tells.

    Raises:
        UsageError: No call is kept there, or it cannot be read.
    """
    folder = path if path.is_dir() else path.parent
    try:
        summary = msgspec.json.decode((folder / CALL).read_bytes(), type=CallSummary)
    except FileNotFoundError:
        return _unfinished(folder)
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(f"{folder / CALL} cannot be read: {error}") from None
    if summary.offhook_call != SCHEMA:
        raise UsageError(
            f"{folder / CALL} has layout {summary.offhook_call}, known here is {SCHEMA}: use a later version"
        )
    return summary


def _unfinished(folder: Path) -> CallSummary:
    try:
        with (folder / TRACE).open("rb") as lines:
            kept = trace.read(lines)
    except (OSError, TraceError):
        raise UsageError(f"no call is kept in {folder}") from None
    return CallSummary(
        session=kept.header.session,
        profile=kept.header.profile,
        started=kept.header.started,
        seconds=kept.messages[-1].t if kept.messages else 0.0,
        finished=False,
        files={kind: name for kind, name in (("trace", TRACE), ("audio", AUDIO)) if (folder / name).exists()},
    )


def _pretty(data: bytes) -> bytes:
    return msgspec.json.format(data, indent=2) + b"\n"
