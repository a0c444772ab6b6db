"""The parts of the page that need no script: heading, figures, transcript, particulars, events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from ..axis import Axis
from ..events import BargeIn, Key
from ..summary import CallSummary, Latency
from ..transcript import Line, clock
from .markup import Child, Html, content, element

OUTCOMES = {
    "completed": ("Completed", "good"),
    "hangup": ("Hung up", "plain"),
    "drained": ("Ended by shutdown", "plain"),
    "refused": ("Refused", "bad"),
    "error": ("Failed", "bad"),
    "lost": ("Connection lost", "bad"),
}
UNKNOWN = ("Records broke off", "bad")
MAX_ANSWERS = 12


def title(summary: CallSummary) -> str:
    return summary.bot or (f"{summary.profile.capitalize()} call" if summary.profile else "Call")


def heading(summary: CallSummary) -> Html:
    """Name, time, and how it ended."""
    name, tone = OUTCOMES.get(summary.outcome or "", UNKNOWN)
    facts = [_date(summary.started), summary.language, summary.media.replace("/", " ") or "no audio"]
    return content(
        element(
            "div",
            element("p", "Call record", class_="over"),
            element("h1", title(summary)),
            element("p", [element("span", fact) for fact in facts if fact], class_="facts"),
        ),
        element("p", name, class_=f"outcome {tone}"),
    )


def figures(summary: CallSummary) -> Html:
    """The call in five numbers."""
    turns = sum(1 for line in summary.transcript if line.speaker == "caller" and line.text)
    heard = [delay.heard for delay in summary.latencies if delay.heard is not None]
    answered = f"{summary.answered_in:.2f} s" if summary.answered_in is not None else "\N{EN DASH}"
    return content(
        _figure("Duration", clock(summary.seconds) if summary.seconds >= 1 else f"{summary.seconds:.2f} s"),
        _figure("Turns of the caller", turns),
        _figure("Answered in", answered, f"median; longest {max(heard):.2f} s" if heard else None),
        _figure("Barge-ins", sum(isinstance(event, BargeIn) for event in summary.events)),
        _figure("Keys", sum(isinstance(event, Key) for event in summary.events)),
    )


def notices(summary: CallSummary) -> Html:
    """What went wrong, if anything did."""
    said = [summary.error, *(f"{'We' if fault.ours else 'The peer'}: {fault.message}" for fault in summary.violations)]
    said += [f"The records are incomplete: {summary.failure}"] if summary.failure else []
    said += [] if summary.finished else ["The records end before the call did."]
    return content(element("p", text[:1].upper() + text[1:]) for text in said if text)


def transcript(summary: CallSummary) -> Html:
    """Every utterance; what a bot was to say and the caller did not hear is struck out."""
    if not summary.transcript:
        return element("p", "Nothing was said.", class_="soft")
    delays = {round(delay.turn_end + delay.heard, 3): delay.heard for delay in summary.latencies if delay.heard}
    spoken = [_line(line, delays.get(round(line.start, 3))) for line in summary.transcript]
    return element("ol", spoken, class_="script", lang=summary.language)


def particulars(summary: CallSummary) -> Html:
    """Variables, people, ids."""
    party = summary.participant
    people = {"From": party.ani, "Name": party.ani_name, "To": party.dnis}
    ids = {"Session": summary.session, "Conversation": summary.conversation, "Participant": party.id}
    end = {"Outcome": summary.outcome or "unknown", "Reason": summary.reason, "Info": summary.info}
    return content(
        _list("Output variables", summary.output, names=True),
        _list("Input variables", summary.input, names=True),
        _answers(summary.latencies),
        _list("End", end),
        _list("People", people),
        _list("Ids", ids),
        _list("Kept", {kind.capitalize(): name for kind, name in summary.files.items() if kind != "report"}),
    )


def events(summary: CallSummary) -> Html | None:
    """All events as a table."""
    axis = Axis(summary.events)
    rows = []
    for event in summary.events:
        fields = msgspec.to_builtins(event)
        name = str(fields.pop("event"))
        fields.pop("t")
        fields.pop("position", None)
        fields.pop("words", None)
        said = ", ".join(f"{key} {_short(value)}" for key, value in fields.items())
        row = (f"{event.t:.3f}", f"{axis.at(event):.3f}", name.replace("_", " "), said)
        rows.append(element("tr", [element("td", cell) for cell in row]))
    if not rows:
        return None
    head = element("tr", [element("th", cell) for cell in ("Clock", "Stream", "Event", "Particulars")])
    return element("table", element("thead", head), element("tbody", rows), class_="events")


def _short(value: object) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= 120 else text[:119] + "…"


def _date(started: str) -> str:
    try:
        time = datetime.fromisoformat(started)
    except ValueError:
        return started
    zone = time.tzname() or ""
    return f"{time.day} {time:%B %Y, %H:%M:%S} {zone}".strip()


def _figure(name: str, value: Child, note: str | None = None) -> Html:
    return element("div", element("dt", name), element("dd", value, element("small", note) if note else None))


def _line(line: Line, answered: float | None) -> Html:
    at = element("button", clock(line.start), type="button", class_="at", data_at=f"{line.start:.3f}")
    who = element("span", line.speaker.capitalize(), class_="who")
    return element(
        "li", at, who, element("p", _said(line), _notes(line, answered), dir="auto"), class_=f"line {line.speaker}"
    )


def _said(line: Line) -> Child:
    if line.keys:
        return [element("kbd", key) for key in line.keys]
    if line.heard is not None:
        return [line.heard, element("s", line.unheard, title="not heard") if line.unheard.strip() else None]
    if " ".join(word.text for word in line.words).split() != line.text.split():
        return line.text
    return [
        [
            element(
                "span",
                word.text,
                data_at=f"{word.start:.3f}",
                data_to=f"{word.end:.3f}",
                class_="unsure" if word.confidence is not None and word.confidence < 0.5 else None,
            ),
            " ",
        ]
        for word in line.words
    ]


def _notes(line: Line, answered: float | None) -> Child:
    cut = element("small", "cut off", class_="cut") if line.interrupted else None
    return [cut, element("small", f"answered in {answered:.2f} s", class_="soft") if answered is not None else None]


def _list(name: str, values: Mapping[str, str], *, names: bool = False) -> Html | None:
    pairs = [
        [element("dt", element("code", key) if names else key), element("dd", value)]
        for key, value in values.items()
        if value or names
    ]
    return element("section", element("h3", name), element("dl", pairs)) if pairs else None


def _answers(latencies: tuple[Latency, ...]) -> Html | None:
    """One bar to each answer: until the turn was decided, until audio left, until it was heard."""
    longest = max((delay.heard or 0.0 for delay in latencies), default=0.0)
    if not longest:
        return None
    slowest = sorted(latencies, key=lambda delay: -(delay.heard or 0.0))[:MAX_ANSWERS]
    name = "Time to answer" + (
        f": the {MAX_ANSWERS} slowest of {len(latencies)}" if len(latencies) > MAX_ANSWERS else ""
    )
    rows = []
    for delay in sorted(slowest, key=lambda delay: delay.turn_end):
        heard = delay.heard or 0.0
        decided = min(delay.decided or 0.0, heard)
        sent = min(delay.sent or 0.0, heard - decided)
        parts = (("decided", decided), ("sent", sent), ("heard", heard - decided - sent))
        bar = [element("i", class_=share, style=f"width:{100 * part / longest:.2f}%") for share, part in parts]
        time = element("button", clock(delay.turn_end), type="button", class_="at", data_at=f"{delay.turn_end:.3f}")
        rows.append(element("li", time, element("span", bar, class_="bar"), element("b", f"{heard:.2f} s")))
    shares = element(
        "p", [element("span", element("i", class_=share), text) for share, text in _SHARES], class_="shares"
    )
    return element("section", element("h3", name), element("ol", rows), shares, class_="answers")


_SHARES = (("decided", "turn decided"), ("sent", "audio sent"), ("heard", "heard by the caller"))
