"""`offhook call`: one call to an AudioHook server in the platform's place, with a script of sounds and keys."""

from __future__ import annotations

import asyncio
import json
import re
import ssl as tls
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

import click
import msgspec
import uvloop

from ..audio import tones, ulaw, wav
from ..connector import Call, Channels, connect
from ..connector.parameters import ANI, DNIS, profile_of
from ..connector.synthesis import synthesise
from ..errors import AudioFileError, CallEnded, EngineMissing, PeerError, UsageError
from ..protocol import PROFILES, Role
from ..protocol.server import KEYS
from ..protocol.trace import TraceWriter
from .callview import CallView

#: Seconds without a sound of the bot after which a call is over, if --wait does not say otherwise.
QUIET: Final = 2.0
#: And the most that is waited for that.
LONGEST: Final = 60.0
#: Seconds between keys that are given as one word.
KEY_GAP: Final = 0.2

_SOUNDS: Final = "offhook.call.sounds"
_KEYS: Final = re.compile(rf"([{re.escape(''.join(sorted(KEYS)))}]+)@(\d+(?:\.\d+)?)")
_TONE: Final = re.compile(r"(\d+(?:\.\d+)?)(?::(\d+(?:\.\d+)?))?")


def _in_order(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Keep sounds in the order in which their options stand on the command line."""
    context.meta.setdefault(_SOUNDS, []).extend((parameter.name, value) for value in values)
    return values


@click.command()
@click.argument("uri")
@click.option("--wav", multiple=True, metavar="FILE", callback=_in_order,
              help="Say a WAV file of any rate. A second channel is what the caller hears.")  # fmt: skip
@click.option(
    "--tone", multiple=True, metavar="HZ[:SECONDS]", callback=_in_order, help="Say a tone, of 1 s by default."
)
@click.option("--say", multiple=True, metavar="TEXT", callback=_in_order,
              help="Say words, by the speech engine. Sounds follow each other as their options do.")  # fmt: skip
@click.option("--dtmf", metavar="KEYS@SECONDS,...", help="Press keys, timed from the answer: 1@2.5,#@3")
@click.option("--input", multiple=True, metavar="NAME=VALUE", help="An input variable. Can be repeated.")
@click.option("--language", default="en-US", show_default=True, help="Of the call; empty to send none.")
@click.option("--key", envvar="OFFHOOK_KEY", help="API key of the integration.")
@click.option("--secret", envvar="OFFHOOK_SECRET", help="Its client secret, base64. Without one nothing is signed.")
@click.option("--profile", type=click.Choice(list(PROFILES)), help="The product. Default: connector, or monitor "
              "where --channels asks for what only that has.")  # fmt: skip
@click.option("--channels", type=click.Choice(["external", "internal", "both"]), help="Channels of the integration.")
@click.option("--frame-ms", type=int, default=200, show_default=True, help="Milliseconds of an audio message.")
@click.option("--ani", help="Who calls: a number or URI; empty: withheld.")
@click.option("--dnis", help="The number called.")
@click.option("--organization-id", metavar="UUID", help="Default: the organisation of the vendor's examples.")
@click.option("--custom-config", metavar="JSON|@FILE", help="The integration's configuration.")
@click.option("--probe", is_flag=True, help="Make the platform's connection probe instead of a call.")
@click.option("--wait", type=click.FloatRange(0), metavar="SECONDS",
              help=f"How long to stay behind the last sound and key. Default: until the bot has been silent for "
              f"{QUIET:g} s, at most {LONGEST:g} s.")  # fmt: skip
@click.option("--record", metavar="FILE", help="Write a WAV file: left what the caller said, right what it heard.")
@click.option("--trace", metavar="FILE", help="Write every message, as lines of JSON.")
@click.option("--insecure", is_flag=True, help="Believe any TLS certificate.")
@click.option("--engine", type=click.Choice(["picows", "websockets"]), default="picows", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; all else goes to standard error.")
@click.pass_context
def call(context: click.Context, /, uri: str, as_json: bool, **options: Any) -> None:
    """Place one call to the AudioHook server at URI, as the platform does.

    Exit code 0: the call ended well, by either side, and the server broke no rule. 1: it did not. 2: wrong use.
    """
    view = CallView(to_stderr=as_json)
    script = uvloop.run(_prepare(context.meta.get(_SOUNDS, []), options))
    with _Trace(options["trace"]) as trace:
        placed = _connect(uri, options, trace)
        trace.begin(placed)
        interrupted = False
        try:
            uvloop.run(_place(placed, script, view))
        except KeyboardInterrupt:
            interrupted = True
        result = placed.snapshot()
        trace.end(result.outcome)
    if as_json:
        click.echo(msgspec.json.encode(result))
    else:
        view.result(result)
    context.exit(130 if interrupted else 0 if result.ok else 1)


# What to say.


@dataclass(frozen=True, slots=True)
class _Script:
    """What the caller does: sounds one after the other, keys at their seconds, and then stays for a while."""

    sounds: Sequence[Sequence[bytes]]
    keys: Sequence[tuple[float, str]]
    wait: float | None


async def _prepare(sounds: Sequence[tuple[str, str]], options: dict[str, Any]) -> _Script:
    """Make all sounds before the call, so that none of it is late."""
    profile = profile_of(_profile(options))
    keys = _keys(options["dtmf"] or "")
    if keys and "dtmf" not in profile.types:
        raise UsageError(f"the {profile.name} profile has no keys: leave out --dtmf, or choose another --profile")
    if options["probe"] and (sounds or keys):
        raise UsageError("a probe says nothing: leave out --probe, or the sounds and keys")
    language = options["language"] or None
    return _Script([await _sound(kind, value, language) for kind, value in sounds], keys, options["wait"])


async def _sound(kind: str, value: str, language: str | None) -> Sequence[bytes]:
    if kind == "wav":
        lanes = wav.read_ulaw(value)
        if len(lanes) > 2:
            raise AudioFileError(f"{value} has {len(lanes)} channels: a caller has one or two")
        return lanes
    if kind == "tone":
        match = _TONE.fullmatch(value)
        if match is None:
            raise UsageError(f"--tone {value}: write HZ or HZ:SECONDS, such as 440:2.5")
        try:
            return (ulaw.encode(tones.tone(float(match[1]), float(match[2] or 1))),)
        except ValueError as error:
            raise UsageError(f"--tone {value}: {error}") from None
    try:
        return (await synthesise(value, language=language),)
    except EngineMissing as error:
        raise UsageError(f"--say: {error}") from None


def _keys(text: str) -> list[tuple[float, str]]:
    keys: list[tuple[float, str]] = []
    for entry in filter(None, re.split(r"[,\s]+", text)):
        match = _KEYS.fullmatch(entry)
        if match is None:
            raise UsageError(f"--dtmf {entry}: write KEYS@SECONDS, such as 1@2.5,#@3; keys are 0-9, *, # and A-D")
        keys += [(float(match[2]) + number * KEY_GAP, digit) for number, digit in enumerate(match[1])]
    return sorted(keys, key=lambda key: key[0])


# Whom to call.


def _profile(options: dict[str, Any]) -> str:
    given: str | None = options["profile"]
    return given or ("monitor" if options["channels"] in ("internal", "both") else "connector")


def _connect(uri: str, options: dict[str, Any], trace: _Trace) -> Call:
    channels: Channels | None = options["channels"]
    return connect(
        uri,
        key=options["key"],
        secret=options["secret"],
        input=dict(_variable(text) for text in options["input"]),
        language=options["language"] or None,
        profile=_profile(options),
        channels=channels,
        organization_id=options["organization_id"],
        custom_config=_json(options["custom_config"]),
        probe=options["probe"],
        frame_ms=options["frame_ms"],
        record=options["record"],
        trace=trace.message if options["trace"] else None,
        engine=options["engine"],
        ssl=_believing() if options["insecure"] else None,
        ani=ANI if options["ani"] is None else options["ani"],
        dnis=DNIS if options["dnis"] is None else options["dnis"],
    )


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise UsageError(f"--input {text}: write NAME=VALUE")
    return name, value


def _json(text: str | None) -> object:
    if text is None:
        return None
    try:
        return json.loads(Path(text[1:]).read_bytes() if text.startswith("@") else text)
    except OSError as error:
        raise UsageError(f"--custom-config: cannot read {text[1:]}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"--custom-config is not JSON: {error}") from None


def _believing() -> tls.SSLContext:
    context = tls.create_default_context()
    context.check_hostname = False
    context.verify_mode = tls.CERT_NONE
    return context


class _Trace:
    """The trace file, if one is wanted."""

    def __init__(self, path: str | None) -> None:
        self._file: BinaryIO | None = None
        self._writer: TraceWriter | None = None
        self._start: float | None = None
        self._last = 0.0
        if path is not None:
            try:
                self._file = open(path, "wb")  # noqa: SIM115  # closed by __exit__
            except OSError as error:
                raise UsageError(f"--trace: cannot write {path}: {error.strerror}") from None

    def begin(self, placed: Call) -> None:
        if self._file is not None:
            session = placed.session
            started = datetime.now(UTC).isoformat(timespec="milliseconds")
            name = session.profile.name
            self._writer = TraceWriter(
                self._file.write, role="client", session=session.id, profile=name, started=started
            )

    def message(self, sender: Role, data: str | bytes, now: float) -> None:
        if self._writer is not None:
            if self._start is None:
                self._start = now
            self._last = now - self._start
            self._writer.message(self._last, sender.value, data)

    def end(self, outcome: str) -> None:
        if self._writer is not None:
            self._writer.end(self._last, outcome)

    def __enter__(self) -> _Trace:
        return self

    def __exit__(self, *error: object) -> None:
        if self._file is not None:
            self._file.close()


# The call.


async def _place(placed: Call, script: _Script, view: CallView) -> None:
    following = asyncio.create_task(view.follow(placed))
    try:
        async with placed:
            if not placed.session.parameters.is_probe:
                await _perform(placed, script, view)
    except PeerError:
        pass  # there was no call, and the result says why
    finally:
        await following


async def _perform(placed: Call, script: _Script, view: CallView) -> None:
    pressing = asyncio.create_task(_press(placed, script.keys, view))
    try:
        with suppress(CallEnded):
            for sound in script.sounds:
                await placed.play(sound)
            await pressing
            await _stay(placed, script)
    finally:
        pressing.cancel()
        await asyncio.gather(pressing, return_exceptions=True)


async def _press(placed: Call, keys: Sequence[tuple[float, str]], view: CallView) -> None:
    begin = placed.link.position
    for seconds, digit in keys:
        await placed.wait(seconds - (placed.link.position - begin) / ulaw.RATE)
        await placed.dtmf(digit)
        view.key(placed, digit)


async def _stay(placed: Call, script: _Script) -> None:
    """Stay on the line: as long as --wait says, or until the bot seems to have said what it had to say."""
    link = placed.link
    begin = link.position
    if script.wait is not None:
        return await placed.wait(script.wait)
    quiet = QUIET if script.sounds or script.keys else LONGEST

    def over() -> bool:
        silent = link.position - max(begin, link.sounded)
        return silent >= quiet * ulaw.RATE or link.position - begin >= LONGEST * ulaw.RATE

    return await link.when(over)
