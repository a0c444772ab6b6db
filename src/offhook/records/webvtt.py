"""A call's transcript as WebVTT, the subtitles of the web: https://www.w3.org/TR/webvtt1/."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from .transcript import Line

#: A cue lasts at least so long, or players do not show it.
_SHORTEST: Final = 0.5


def render(spoken: Iterable[Line]) -> str:
    """One cue to each utterance, in order of time, with its speaker as the voice; keys are a cue in brackets.

    Times are those of the recording. Of a bot's text, only what the caller heard is shown.
    """
    cues = (_cue(line) for line in spoken if _words(line))
    return "\n".join(["WEBVTT\n", *cues])


def _cue(line: Line) -> str:
    end = max(line.end, line.start + _SHORTEST)
    return f"{_time(line.start)} --> {_time(end)}\n<v {line.speaker.capitalize()}>{_words(line)}\n"


def _words(line: Line) -> str:
    if line.keys:
        return _escaped(f"[keys: {line.keys}]")
    return _escaped(" ".join((line.text if line.heard is None else line.heard).split()))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _time(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
