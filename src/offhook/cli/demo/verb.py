"""The verb: starts bot and caller on loopback, shows the call, checks what came of it, says what was kept and where."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import msgspec
import uvloop
from rich.console import Console

from ...audio import wav
from ...bots.line import Line
from ...connector.call import Call
from ...connector.dialling import connect
from ...connector.result import Result
from ...protocol import Role
from ...records import events as happenings
from ...records.record import CallRecord
from ...records.store import CallStore
from ...records.summary import CallSummary
from ...session.keys import SAMPLE_KEY, SAMPLE_SECRET, KeyStore
from ...session.reception import Reception
from ...session.server import Server
from ...testing.recordings import Recordings
from ..logs import set_up
from .bot import bot
from .caller import OUTPUT, Script, play_through, script_for
from .screen import Screen

PATH = "/api/v1/audiohook/ws"
FILES = ("audio", "transcript", "trace", "call", "report")


@dataclass
class Demo:
    """One run of the demo."""

    recordings: Recordings
    script: Script
    store: CallStore
    screen: Screen
    record: CallRecord | None = None
    result: Result | None = None
    heard: tuple[bytes, bytes] = (b"", b"")
    checks: dict[str, bool] = field(default_factory=dict)

    async def run(self) -> CallSummary:
        """Have the call; returns what was kept of it."""
        bot.store = self.store
        bot.watch(self._on_event)
        await bot.load()
        # load() leaves it to the first call to report what is missing; here nothing works without.
        await bot.engines.detector()
        await bot.engines.recogniser()
        await bot.engines.synthesiser()
        async with Server(Reception(bot, keys=KeyStore.sample())) as server:
            uri = f"ws://127.0.0.1:{server.port}{PATH}"
            began = time.monotonic()
            tap = self._tap(began)
            given = {"queue": "deliveries"}
            async with connect(uri, key=SAMPLE_KEY, secret=SAMPLE_SECRET, input=given, trace=tap) as call:
                await self._talk(call)
            self.result = call.snapshot()
            self.heard = call.recording()
            await bot.quiet()
        assert self.record is not None
        return await asyncio.wrap_future(self.record.finish())

    async def _talk(self, call: Call) -> None:
        async with asyncio.timeout(90):
            talking = asyncio.create_task(play_through(call, self.script, self.recordings))
            try:
                await call.result()
            finally:
                talking.cancel()
                await asyncio.gather(talking, return_exceptions=True)

    def _tap(self, began: float) -> Callable[[Role, str | bytes, float], None]:
        return lambda sender, data, now: self.screen.message(sender, data, now - began)

    def _on_event(self, line: Line, event: happenings.AnyEvent) -> None:
        if isinstance(event, happenings.CallStarted):
            self.record = line.journal.record
            line.journal.note(f"the caller's voice: {self.recordings.origin}; prompts trimmed and joined")
        self.screen.watch(line, event)

    def check(self, summary: CallSummary) -> bool:
        """Hold what came of it against what should have."""
        assert self.result is not None
        spoken = " ".join(_plain(line.text) for line in summary.transcript if line.speaker == "caller")
        cut = [event for event in summary.events if isinstance(event, happenings.SayEnded) and event.interrupted]
        self.checks = {
            "the bot understood the caller": all(words in spoken for words in self.script.expected),
            "the call ended with completed": self.result.outcome == "completed",
            "the output variables came back": self.result.output == OUTPUT,
            "the caller cut in, and less was heard than said": any(len(event.heard) < len(event.text) for event in cut),
            "a key was pressed": any(isinstance(event, happenings.Key) for event in summary.events),
            "neither side broke the protocol": not (self.result.violations or summary.violations),
            "the five files are there": all(name in summary.files for name in FILES),
            "both ends recorded the same, sample for sample": self._recordings_agree(summary),
        }
        return all(self.checks.values())

    def _recordings_agree(self, summary: CallSummary) -> bool:
        """Whether the bot's recording is what the platform's side said and played."""
        folder = self.record.folder if self.record is not None else None
        if folder is None or "audio" not in summary.files:
            return False
        kept = wav.read_ulaw(folder / summary.files["audio"], 2)
        for ours, theirs in zip(kept, self.heard, strict=True):
            size = min(len(ours), len(theirs))
            if ours[:size] != theirs[:size] or (ours[size:] + theirs[size:]).strip(b"\xff"):
                return False
        return True


def _plain(text: str) -> str:
    """Letters only: whether a recogniser writes "to-morrow" or "Tomorrow," is no matter here."""
    return " ".join("".join(letter for letter in text.lower() if letter.isalnum() or letter == " ").split())


@click.command()
@click.option("--keep", default="calls", show_default=True, metavar="FOLDER", help="Where to keep the call.")
@click.option("--recordings", metavar="FOLDER", help="Recorded speech, if not in build/recordings.")
@click.option(
    "--talk", type=click.IntRange(0, 65535), metavar="PORT", help="Talk with the bot yourself, on a page there."
)
@click.option("--wire", is_flag=True, help="Show the messages too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object at the end, and nothing else.")
def demo(keep: str, recordings: str | None, talk: int | None, wire: bool, as_json: bool) -> int:
    """Have a real phone call on this machine.

    A caller made of recorded human speech talks to a bot over a signed AudioHook WebSocket on loopback. No key, no
    org, no phone. Exit code 0 only if the bot understood the caller and the call ended as it should.
    """
    set_up("warning")
    console = Console(file=sys.stderr if as_json else sys.stdout, quiet=as_json, highlight=False)
    if talk is not None:
        return _talk(talk, keep, console)
    found = Recordings.find(Path(recordings) if recordings else None)
    console.print(f"Caller: {found.origin}")
    if found.source == "moonshine":
        console.print("The Debian recordings are not here (make recordings): the caller reads Dickens and Beckett.")
    store = CallStore(Path(keep))
    store.prepare()
    run = Demo(found, script_for(found), store, Screen(console, wire=wire))
    try:
        summary = uvloop.run(run.run())
    finally:
        store.close()
    good = run.check(summary)
    _report(run, summary, console)
    if as_json:
        click.echo(msgspec.json.encode(_as_object(run, summary, good=good)).decode())
    return 0 if good else 1


def _talk(port: int, keep: str, console: Console) -> int:
    from .talk import talk

    store = CallStore(Path(keep))
    store.prepare()
    try:
        uvloop.run(talk(port, store, console))
    finally:
        store.close()
    return 0


def _report(run: Demo, summary: CallSummary, console: Console) -> None:
    console.print()
    for text, good in run.checks.items():
        console.print(f"  {'ok  ' if good else 'BAD '} {text}", style=None if good else "bold red")
    if summary.answered_in is not None:
        console.print(f"\n  answered after {summary.answered_in * 1000:.0f} ms (median, end of speech to bot heard)")
    folder = run.record.folder if run.record is not None else None
    if folder is None:
        console.print(f"  nothing was kept: {summary.failure}", style="bold red")
        return
    console.print(f"\nKept in {folder}:")
    for name in FILES:
        if name in summary.files:
            path = folder / summary.files[name]
            console.print(f"  {path.name:<16} {path.stat().st_size / 1024:8.0f} KiB")
    console.print(f"\nOpen {folder / summary.files.get('report', '')} in a browser to see and hear the call.")


def _as_object(run: Demo, summary: CallSummary, *, good: bool) -> dict[str, Any]:
    folder = run.record.folder if run.record is not None else None
    files = {kind: str(folder / name) for kind, name in summary.files.items()} if folder is not None else {}
    return {
        "ok": good,
        "checks": run.checks,
        "recordings": run.recordings.origin,
        "call": run.result,
        "transcript": summary.transcript,
        "latencies": summary.latencies,
        "answered_in": summary.answered_in,
        "folder": str(folder) if folder is not None else None,
        "files": files,
        "failure": summary.failure,
    }
