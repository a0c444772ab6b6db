"""What the demo shows while the call goes on: one line for each thing that happens, as it happens."""

from __future__ import annotations

import json

from rich.console import Console
from rich.text import Text

from ...bots.line import Line
from ...protocol import Role
from ...records import events as happenings

_WHO = {"caller": "bold cyan", "bot": "bold green", "wire": "dim", "": "dim"}


class Screen:
    """Prints to a console; the same lines with or without a terminal.

    Args:
        wire: Whether to show the messages too.
    """

    def __init__(self, console: Console, *, wire: bool) -> None:
        self._console = console
        self._wire = wire

    def line(self, t: float, who: str, text: str, style: str = "", note: str = "") -> None:
        row = Text(f"{t:7.2f} s  ", style="dim")
        row.append(f"{who:<7}", style=_WHO[who])
        row.append(text, style=style)
        if note:
            row.append(f"   {note}", style="dim")
        self._console.print(row, soft_wrap=True)

    def watch(self, line: Line, event: happenings.AnyEvent) -> None:
        """An observer of the bot."""
        t = event.t
        match event:
            case happenings.CallStarted():
                self.line(t, "", f"session open: {event.media}, language {event.language}")
            case happenings.Heard(final=True):
                self.line(t, "caller", f"“{event.text}”", note=f"confidence {event.confidence or 0:.2f}")
            case happenings.TurnEnded() if event.latency is not None:
                self.line(t, "", f"turn over, decided {event.latency * 1000:.0f} ms after the last word")
            case happenings.SayStarted():
                self.line(t, "bot", event.text)
            case happenings.SayEnded(interrupted=True):
                self.line(t, "bot", f"cut off after: “{event.heard}”", style="yellow", note=_latency(event))
            case happenings.SayEnded() if event.latency is not None:
                self.line(t, "", f"first audio {event.latency * 1000:.0f} ms after the decision")
            case happenings.BargeIn():
                self.line(t, "caller", f"cuts in ({event.by})", style="yellow")
            case happenings.Key():
                self.line(t, "caller", f"presses {event.digit}", style="magenta")
            case happenings.Violation() | happenings.PeerErred():
                self.line(t, "", f"{event.code}: {event.message}", style="red")
            case happenings.CallEnded():
                self.line(t, "", f"session over: {event.outcome} {json.dumps(event.output)}")

    def message(self, sender: Role, data: str | bytes, t: float) -> None:
        """A tap of the platform's side."""
        if self._wire:
            arrow = "platform →" if sender is Role.CLIENT else "bot →"
            shown = data if isinstance(data, str) else f"<{len(data)} bytes of audio>"
            self.line(t, "wire", f"{arrow} {shown}", style="dim")


def _latency(event: happenings.SayEnded) -> str:
    return "" if event.latency is None else f"first audio {event.latency * 1000:.0f} ms after the decision"
