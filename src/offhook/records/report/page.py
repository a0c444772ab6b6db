"""Puts the report together: one page with its style, its script, its data and, if it is not too long, its audio."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from offhook.audio.channels import interleave
from offhook.audio.ulaw import RATE
from offhook.audio.wav import read_ulaw
from offhook.errors import AudioFileError

from ..summary import CallSummary
from . import sections, timeline
from .ladder import ladder
from .markup import Html, data_block, element, fill, trusted
from .waveform import measure, outline

# Ten minutes are 13 MB of base64: still a page. Longer audio is played from the file beside it.
EMBED_SECONDS: Final = 600
OVERVIEW_BUCKETS: Final = 1000
# Encoded at a time: a multiple of 3, and no long hold of the interpreter while calls go on.
_CHUNK: Final = 48_000


def render(summary: CallSummary, audio: Path | None = None, trace: Path | None = None) -> Iterator[bytes]:
    """The page, piece by piece.

    Args:
        summary: The call.
        audio: Its recording, as `offhook.records.recording` made it; without one there is no waveform and no player.
        trace: Its trace; without one there are no messages.
    """
    caller, bot = _lanes(audio)
    seconds = len(caller) / RATE
    rate = 100 if seconds <= 1200 else 25
    waves = (measure(caller, RATE // rate), measure(bot, RATE // rate))
    data = timeline.build(summary, waves, rate, seconds)
    embedded = 0 < seconds <= EMBED_SECONDS
    source = "embedded" if embedded else audio.name if audio is not None and caller else ""
    style, script = _asset("call.css"), _asset("call.js")
    messages, events = ladder(trace), sections.events(summary)
    return fill(
        _asset("call.html"),
        {
            "policy": trusted(_policy(script)),
            "title": element("title", f"{sections.title(summary)} · call record"),
            "style": trusted(style),
            "heading": sections.heading(summary),
            "figures": sections.figures(summary),
            "notices": sections.notices(summary),
            "timeline": _timeline(_overview(caller, bot, data, source)) if data.lines or caller else trusted(""),
            "transcript": sections.transcript(summary),
            "particulars": sections.particulars(summary),
            "messages": _folded("Messages on the wire", messages),
            "events": _folded("All events", events),
            "data": data_block("timeline", data),
            "audio": _embedded(interleave((caller, bot))) if embedded else trusted(""),
            "script": trusted(script),
        },
    )


def _lanes(audio: Path | None) -> tuple[bytes, bytes]:
    if audio is None:
        return b"", b""
    try:
        caller, bot = read_ulaw(audio, channels=2)
    except AudioFileError:
        return b"", b""
    return caller, bot


@cache
def _asset(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _policy(script: str) -> str:
    """No request leaves the page, and no script runs but its own, whatever a caller says."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; media-src 'self' blob: file:;"
        " base-uri 'none'; form-action 'none'"
    )


def _timeline(overview: Html) -> Iterator[bytes]:
    return fill(_asset("timeline.html"), {"overview": overview})


def _overview(caller: bytes, bot: bytes, data: timeline.Timeline, source: str) -> Html:
    """The whole call as a drawing that needs no script, and that prints."""
    total = max(int(data.seconds * RATE), 1)
    samples = max(-(-total // OVERVIEW_BUCKETS), 1)
    lanes = [
        element("path", d=outline(measure(lane, samples), centre, 26), class_=name)
        for lane, centre, name in ((caller, 28, data.lanes[0].speaker), (bot, 84, data.lanes[1].speaker))
    ]
    marks = [
        element("line", x1=_x(mark.at, samples), x2=_x(mark.at, samples), y1=0, y2=112, class_=mark.kind)
        for mark in data.marks
    ]
    drawing = element(
        "svg",
        lanes,
        marks,
        viewBox=f"0 0 {_x(data.seconds, samples)} 112",
        preserveAspectRatio="none",
        role="img",
        aria_label="Waveforms of the whole call: the caller above, the other side below",
    )
    return element("div", drawing, id="overview", data_audio=source)


def _x(seconds: float, samples: int) -> str:
    return f"{max(seconds, 1 / RATE) * RATE / samples:.2f}"


def _folded(name: str, inside: Html | None) -> Html:
    if inside is None:
        return trusted("")
    return element("details", element("summary", name), element("div", inside, class_="wide"), class_="folded")


def _embedded(frames: bytes) -> Iterator[bytes]:
    yield b'<script type="text/plain" id="audio">'
    for start in range(0, len(frames), _CHUNK):
        yield base64.b64encode(frames[start : start + _CHUNK])
    yield b"</script>"
