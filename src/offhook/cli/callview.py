"""What a person sees of a call: one line for each thing that happens, and a summary. Prints; decides nothing."""

from __future__ import annotations

from typing import Final

import msgspec
from rich.console import Console
from rich.text import Text

from ..audio.ulaw import RATE
from ..connector import Call, Fault, Result
from ..protocol import (
    Disconnected,
    EntitiesReceived,
    Entity,
    Event,
    LanguageUpdated,
    Paused,
    PauseRequested,
    PlaybackCompleted,
    PlaybackStarted,
    ReconnectRequested,
    ResumeRequested,
    SessionOpened,
    Tolerated,
    Violation,
)

_MEANING: Final = {
    400: "the message is malformed, or its numbers do not fit",
    405: "the product has no such message",
    408: "an answer did not come in time",
    409: "the message has no place in this state of the session",
    413: "the message is too large",
    415: "the product takes no audio from a server",
    429: "too many messages: 5 a second, bursts of 25",
    500: "the server is at fault",
}
"""AudioHook's error codes (P3.4)."""

_LONGEST: Final = 300
_GOOD, _BAD, _ODD, _DIM = "green", "bold red", "yellow", "dim"


class CallView:
    """Prints to standard output, or to standard error where that is to stay clean."""

    def __init__(self, *, to_stderr: bool = False) -> None:
        self._console = Console(stderr=to_stderr, highlight=False, soft_wrap=True)
        self._started = 0

    async def follow(self, call: Call) -> None:
        """Print what happens until the call is over."""
        async for event in call.events():
            for text, style in self._describe(call, event):
                self._at(call, text, style)

    def key(self, call: Call, digit: str) -> None:
        """Print that a key was pressed."""
        self._at(call, f"key {digit}")

    def result(self, result: Result) -> None:
        """Print how the call went."""
        why = ": ".join(text for text in (result.reason, result.info) if text not in ("", result.outcome))
        named = f"{result.outcome} ({why})" if why else result.outcome
        self._print(named, _GOOD if result.ok else _BAD)
        for name, value in result.output.items():
            self._print(f"  {name} = {value}")
        for line in _figures(result):
            self._print(f"  {line}", _DIM)
        for fault in result.violations:
            self._print(f"  {_fault(fault)}", _BAD)

    def _describe(self, call: Call, event: Event) -> list[tuple[str, str]]:
        match event:
            case SessionOpened(media=media):
                audio = f"{media.format} {'+'.join(media.channels)}" if media else "no audio"
                paused = ", paused" if event.start_paused else ""
                return [(f"opened in {call.snapshot().opened_ms or 0:.1f} ms, {audio}{paused}", _GOOD)]
            case PlaybackStarted(position=position):
                self._started = position
                return [("bot speaks", "")]
            case PlaybackCompleted(position=position):
                return [(f"bot spoke for {(position - self._started) / RATE:.2f} s", "")]
            case EntitiesReceived(entities=entities):
                return [(_entity(entity), "cyan") for entity in entities]
            case Disconnected(reason=reason, info=info):
                return [(f"bot ends the call: {': '.join(filter(None, (reason, info)))}", "")]
            case Violation():
                return [(_fault(Fault(event.code, event.rule, event.fatal)), _BAD)]
            case Tolerated(rule=rule):
                return [(f"tolerated: {rule}", _ODD)]
        return [(_PLAIN[type(event)], "")] if type(event) in _PLAIN else []

    def _at(self, call: Call, text: str, style: str = "") -> None:
        self._print(f"{call.link.position / RATE:7.2f}  {text}", style)

    def _print(self, text: str, style: str = "") -> None:
        # A server must not be able to drive our terminal.
        self._console.print(Text("".join(c if c.isprintable() else "�" for c in text), style))


_PLAIN: Final[dict[type[Event], str]] = {
    PauseRequested: "bot pauses the caller's audio",
    ResumeRequested: "bot takes its pause back",
    Paused: "paused",
    LanguageUpdated: "bot takes the language",
    ReconnectRequested: "bot asks for a new session",
}


def _entity(entity: Entity) -> str:
    data = entity.data if isinstance(entity.data, dict) else {}
    if entity.type == "barge_in":
        return "barge-in"
    if entity.type == "transcript":
        words = _transcript(data)
        if words is not None:
            return f"{'heard' if data.get('isFinal') else 'hears'} on channel {data.get('channelId')}: {words}"
    if entity.type == "bot_turn_response":
        text = f": {data['text']}" if data.get("text") else ""
        return f"turn {data.get('disposition')}{text}"
    written = msgspec.json.encode(entity.data).decode()
    return f"{entity.type} {written if len(written) <= _LONGEST else written[:_LONGEST] + '…'}"


def _transcript(data: dict[str, object]) -> str | None:
    try:
        return str(data["alternatives"][0]["interpretations"][0]["transcript"])  # type: ignore[index]
    except (KeyError, IndexError, TypeError):
        return None


def _fault(fault: Fault) -> str:
    meaning = _MEANING.get(fault.code)
    return f"error {fault.code}: {fault.rule}" + (f" ({meaning})" if meaning else "")


def _figures(result: Result) -> list[str]:
    lines = []
    if result.opened_ms is not None:
        rtt = result.rtt_ms
        round_trip = f", round trip {rtt.p50:.1f} ms (at most {rtt.max:.1f})" if rtt else ""
        lines.append(f"opened in {result.opened_ms:.1f} ms{round_trip}, lasted {result.duration:.2f} s")
    sent, received = (sum(result.messages[side].values()) for side in ("sent", "received"))
    if sent:
        heard = f"heard {result.heard_seconds:.2f} s of {result.received_seconds:.2f} s"
        lines.append(f"said {result.sent_seconds:.2f} s, {heard}; {sent} messages sent, {received} received")
    if result.outcome == "completed" and result.unheard_seconds:
        lines.append(f"the bot ended the call before its last {result.unheard_seconds:.2f} s could be heard")
    if result.gaps:
        lines.append(f"the bot's audio ran dry {result.gaps} times")
    if result.caller.late_ticks:
        lag = result.caller.worst_lag_ms
        lines.append(f"this machine was late {result.caller.late_ticks} times, by {lag:.0f} ms at most")
    if result.tolerated:
        lines.append(f"tolerated: {'; '.join(result.tolerated)}")
    return lines
