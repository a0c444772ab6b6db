"""`offhook run`: the connector. It takes calls, runs their flows, connects bots and monitors, and counts usage."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import click
import msgspec
import uvloop

from ..audio import wav
from ..connector import happenings as h
from ..connector.exchange import Connector
from ..connector.integrations import Integration
from ..connector.legs import Caller
from ..connector.legs.doors import Door, door
from ..connector.legs.mic import MicrophoneLeg, open_device
from ..connector.legs.wav import WavLeg
from ..connector.probe import probe, problems
from ..connector.settings import Settings, apply, read
from ..errors import UsageError
from ..protocol.server import KEYS
from ..records.events import Event
from ..records.usage import Ledger, Meter
from .logs import Output, set_up
from .main import VERBS
from .target import load_connector

logger = logging.getLogger("offhook")

LEVELS = ["debug", "info", "warning", "error"]
#: Seconds between two measurements of integrations with several endpoints.
MEASURE_EVERY = 300.0


@click.command()
@click.argument("config", required=False)
@click.option("--talk", type=click.IntRange(0, 65535), metavar="PORT", help="Serve a page with a call button there.")
@click.option("--talk-host", metavar="ADDRESS", help="Address of that page.  [default: 127.0.0.1]")
@click.option("--tls-cert", metavar="FILE", help="Certificate chain, PEM: serve that page by https.")
@click.option("--tls-key", metavar="FILE", help="Its private key, PEM.")
@click.option("--twilio", type=click.IntRange(0, 65535), metavar="PORT", help="Take Twilio media streams there.")
@click.option("--sip", type=click.IntRange(0, 65535), metavar="PORT", help="Take SIP calls there, over UDP and TCP.")
@click.option("--sip-host", metavar="ADDRESS", help="Address of that port.  [default: 127.0.0.1]")
@click.option("--sip-peer", multiple=True, metavar="ADDRESS", help="Who may call by SIP: an address or a network.")
@click.option("--wav", "sound", metavar="FILE", help="Make one call that says this file, and end.")
@click.option("--dtmf", metavar="KEYS@SECONDS,...", help="Keys of that call: 1@2.5,#@3")
@click.option("--hang-up", type=click.FloatRange(0), help="Seconds after which that call is hung up.")
@click.option("--out", metavar="FILE", help="Write what that call heard to a WAV file.")
@click.option("--mic", is_flag=True, help="Make one call with this machine's microphone, and end.")
@click.option("--dnis", default="+13175550199", show_default=True, help="Number that --wav and --mic call.")
@click.option("--drain", type=click.FloatRange(0), default=180.0, show_default=True,
              help="Seconds for running calls after SIGTERM.")  # fmt: skip
@click.option("--probe/--no-probe", "probing", default=True, show_default=True, help="Probe integrations at the start.")
@click.option("--json", "as_json", is_flag=True,
              help="All events as JSON lines on standard output, without what callers say.")  # fmt: skip
@click.option("--log-level", type=click.Choice(LEVELS, case_sensitive=False), default="info", show_default=True)
def run(config: str | None, log_level: str, as_json: bool, **options: Any) -> int:
    """Run the connector of CONFIG: a TOML file (offhook.toml if not given), or a Python file with a Connector.

    SIGTERM or Ctrl-C drains: no new calls, running ones go on for --drain seconds. A second one ends at once.
    The one call of --wav or --mic is hung up.
    """
    set_up(log_level, json=as_json)
    _check_call(options)
    connector, settings = load(config)
    ledger = Ledger(settings.path(settings.connector.database))
    connector.meter = Meter(ledger, time.time)
    connector.watch(_Lines() if as_json else _log)
    try:
        return uvloop.run(_run(connector, settings, options))
    finally:
        for store in (connector.store, connector.recordings, connector.meter):
            if store is not None:
                store.close()
        ledger.close()


def load(config: str | None) -> tuple[Connector, Settings]:
    """The connector of a file, with its settings.

    Raises:
        UsageError: A file cannot be used, or there is no flow in it.
    """
    path = Path(config) if config else Path("offhook.toml")
    if config is None and not path.is_file():
        raise UsageError("there is no offhook.toml here: name a settings file or a Python file with a Connector")
    if path.suffix == ".py":
        beside = path.parent / "offhook.toml"
        settings = read(beside, VERBS) if beside.is_file() else Settings(folder=path.parent)
        connector = load_connector(path)
    else:
        settings = read(path, VERBS)
        flows = settings.connector.flows
        connector = load_connector(settings.path(flows)) if flows else Connector()
    apply(settings, connector)
    if connector.flow_count == 0:
        raise UsageError(f"{path} has no flow: write a [[flow]], or name a Python file with flows in [connector]")
    return connector, settings


async def _run(connector: Connector, settings: Settings, options: dict[str, Any]) -> int:
    one_call = options["sound"] or options["mic"]
    opened = [] if one_call else doors(settings, options)
    if not (one_call or opened):
        raise UsageError("no leg takes calls: give --talk PORT, --sip PORT, --twilio PORT, or a table [legs.NAME]")
    if options["probing"]:
        await _probe(connector)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(connector)
        stack.push_async_callback(_stop, asyncio.create_task(_measure(connector)))
        if one_call:
            return await _one_call(connector, options)
        for each in opened:
            logger.info("%s", await stack.enter_async_context(each.opened(connector)))
        await _until_signal(connector, options["drain"])
    return 0


async def _stop(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait((task,))


def doors(settings: Settings, options: dict[str, Any]) -> list[Door]:
    """What calls come in by: the tables `[legs]`, and what the command line adds to them.

    Raises:
        UsageError: A table cannot be used.
    """
    tables = {name: dict(table) for name, table in settings.legs.items()}
    cert, key = (os.path.abspath(path) if path else None for path in (options["tls_cert"], options["tls_key"]))
    if (cert or key) and options["talk"] is None and "talk" not in tables:
        raise UsageError("--tls-cert and --tls-key are for --talk")
    if options["talk"] is not None or cert or key:
        _add(tables, "talk", port=options["talk"], host=options["talk_host"], tls_cert=cert, tls_key=key)
    if options["twilio"] is not None:
        _add(tables, "twilio", port=options["twilio"])
    if options["sip"] is not None:
        _add(tables, "sip", port=options["sip"], host=options["sip_host"], peers=list(options["sip_peer"]) or None)
    return [door(name, table, settings.folder) for name, table in tables.items()]


def _add(tables: dict[str, dict[str, Any]], name: str, **values: object) -> None:
    given = {key.replace("_", "-"): value for key, value in values.items() if value is not None}
    tables[name] = tables.get(name, {}) | given


async def _one_call(connector: Connector, options: dict[str, Any]) -> int:
    """One call by file or microphone; the exit code says whether its flow ended well, or a file was interrupted."""
    endings: list[h.CallOver] = []
    failures: list[str] = []

    def watch(conversation: str, event: Event) -> None:
        if isinstance(event, h.CallOver):
            endings.append(event)
        elif isinstance(event, h.StepEnded) and event.outcome == "failure":
            failures.append(event.reason)

    connector.watch(watch)
    interrupted = False
    if options["mic"]:
        await _seen_through(connector, MicrophoneLeg(open_device(), options["dnis"]))
    else:
        caller = Caller("+13175550142", options["dnis"], kind="wav")
        played = WavLeg(options["said"], keys=options["keys"], hang_up_after=options["hang_up"], caller=caller)
        interrupted = await _seen_through(connector, played)
        if options["out"]:
            wav.write_ulaw(options["out"], (bytes(played.heard),))
    if interrupted:
        return 130
    return 1 if failures or not endings or endings[-1].by in ("error", "refused") else 0


async def _seen_through(connector: Connector, leg: MicrophoneLeg | WavLeg) -> bool:
    """A call, to its end; returns whether a signal came. The first one hangs up as the caller, a second one ends it.

    So records and usage are written, and what was started for the call ends with it.
    """
    call = connector.take(leg)
    came: list[int] = []

    def stop() -> None:
        came.append(1)
        if len(came) == 1:
            leg.leave()
        else:
            call.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    await asyncio.wait((call,))
    return bool(came)


def _check_call(options: dict[str, Any]) -> None:
    """Read what the one call is made of: what is wrong with it is told before anything begins. Raises `UsageError`."""
    if options["mic"] and options["sound"]:
        raise UsageError("give one of --wav and --mic")
    alone = [name for name in ("dtmf", "hang-up", "out") if options[name.replace("-", "_")] is not None]
    if alone and not options["sound"]:
        raise UsageError(f"--{alone[0]} is for the call of --wav")
    options["said"] = wav.read_ulaw(options["sound"], 1)[0] if options["sound"] else b""
    options["keys"] = keys_of(options["dtmf"])
    if options["out"] and not Path(options["out"]).absolute().parent.is_dir():
        raise UsageError(f"--out {options['out']}: there is no such folder")


def keys_of(text: str | None) -> list[tuple[float, str]]:
    """Keys with their seconds, of `1@2.5,#@3`. Raises `UsageError`."""
    keys: list[tuple[float, str]] = []
    for part in text.split(",") if text else []:
        digits, _, at = part.strip().partition("@")
        try:
            seconds = float(at)
        except ValueError:
            seconds = math.nan
        if not (digits and set(digits) <= KEYS and 0 <= seconds < math.inf):
            raise UsageError(f"--dtmf {part!r} must be KEYS@SECONDS, such as 12#@2.5; keys are 0-9, *, # and A-D")
        keys += [(seconds + 0.2 * number, digit) for number, digit in enumerate(digits)]
    return keys


async def _probe(connector: Connector) -> None:
    """Say which integrations do not answer: their calls will need the fallback."""
    active = [each for each in connector.integrations.list() if each.active]
    for integration in active:
        found = await _measured(connector, integration)
        if found:
            logger.warning("integration %s: %s", integration.name, found)
        else:
            logger.info("integration %s answers", integration.name)


async def _measured(connector: Connector, integration: Integration) -> str:
    probed = await probe(integration, connector.dial)
    for each in probed:
        if each.milliseconds is not None and each.ok:
            connector.endpoints.measured(each.uri, each.milliseconds / 1000)
        elif not each.ok:
            connector.endpoints.failed(each.uri)
    return problems(probed)


async def _measure(connector: Connector) -> None:
    """Keep round trips of integrations with several endpoints fresh."""
    while True:
        await asyncio.sleep(MEASURE_EVERY)
        for integration in connector.integrations.list():
            if integration.active and integration.endpoints:
                await _measured(connector, integration)


async def _until_signal(connector: Connector, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    first, second = asyncio.Event(), asyncio.Event()
    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, lambda: (second if first.is_set() else first).set())
    from ..session.collector import settle

    settle()
    try:
        await first.wait()
        logger.info("draining: %d calls are on; a second signal ends them at once", len(connector.calls))
        await _first_of(lambda: connector.drain(seconds), second.wait)
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


async def _first_of(*works: Callable[[], Awaitable[object]]) -> None:
    tasks = [asyncio.ensure_future(work()) for work in works]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


_TOLD = (h.CallArrived, h.Decided, h.Operational, h.SessionBegan, h.SessionOver, h.CallOver, h.StepEnded, h.Noted)


def _log(conversation: str, event: Event) -> None:
    """A line for each thing that whoever runs it should know; nothing of what callers say, key or are numbered."""
    if isinstance(event, _TOLD):
        bad = isinstance(event, h.Operational) or (isinstance(event, h.SessionOver) and event.error_type)
        level = logging.WARNING if bad else logging.INFO
        if logger.isEnabledFor(level):
            fields = msgspec.to_builtins(h.redacted(event))
            words = " ".join(f"{name}={value}" for name, value in fields.items() if value and name not in _SILENT)
            logger.log(level, "call %s: %s %s", conversation[:8], fields["event"], words)


_SILENT = ("event", "t", "position", "ani", "dnis", "ani_name")


class _Lines:
    """Writes events as JSON lines, until nobody reads them any more: calls go on without."""

    def __init__(self) -> None:
        self._output = Output()

    def __call__(self, conversation: str, event: Event) -> None:
        if self._output:
            payload = msgspec.json.encode(h.redacted(event)).decode()
            self._output.write(f'{{"call":"{conversation}",{payload[1:]}')
