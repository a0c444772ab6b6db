"""`offhook serve`: a bot or monitor, from a Python file, on a port."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import sys
from pathlib import Path
from typing import Any, Literal

import click
import uvloop

from ..bots.host import Host
from ..bots.line import Line
from ..errors import UsageError
from ..records import events as happenings
from ..records.store import CallStore, Keep
from ..session.keys import KeyStore, decode_secret
from ..session.listen import ssl_context
from ..session.reception import Reception, ServerLimits, SignatureRules
from ..session.server import Server
from .logs import set_up
from .ready import ready_options, served

logger = logging.getLogger("offhook")

#: Where the vendor's sample serves; every path is served unless --path narrows it.
SAMPLE_PATH = "/api/v1/audiohook/ws"
LEVELS = ["debug", "info", "warning", "error"]


@click.command()
@click.argument("target", metavar="FILE[:NAME]|transcribe|voiceprint|assist")
@click.option("--host", help="Address to listen on. Default: 127.0.0.1 without keys, else all.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True,
              envvar=["OFFHOOK_SERVE_PORT", "PORT", "SERVERPORT"], help="0 takes any free one.")  # fmt: skip
@click.option("--path", help="Serve this path only. Default: any; the bot's own handlers route.")
@click.option("--keys", "keys_file", metavar="FILE", help="TOML with a table [keys] of API key = client secret.")
@click.option("--key", help="One API key, with --secret.")
@click.option("--secret", default="", help="Its client secret, base64; empty: unsigned requests are let in.")
@click.option("--sample-keys", is_flag=True, help="The key and secret of the vendor's sample. Not for production.")
@click.option("--no-auth", is_flag=True, help="Let everybody in, from other machines too.")
@click.option("--trust-proxy", is_flag=True, help="Believe X-Forwarded-Host when checking signatures.")
@click.option("--max-age", type=float, default=10.0, show_default=True, help="Seconds for which a signature is good.")
@click.option("--skew", type=float, default=3.0, show_default=True, help="Seconds that clocks may differ.")
@click.option("--replay", type=click.Choice(["enforce", "log", "off"]), default="enforce", show_default=True,
              help="What becomes of a signature that is used twice.")  # fmt: skip
@click.option("--tls-cert", metavar="FILE", help="Certificate chain, PEM: serve wss.")
@click.option("--tls-key", metavar="FILE", help="Its private key, PEM.")
@click.option("--max-sessions", type=click.IntRange(1), help="Refuse more than so many at once.")
@click.option("--max-sessions-per-key", type=click.IntRange(1), help="The same for each API key.")
@click.option("--keep", metavar="FOLDER", help="Keep each call there: recording, transcript, trace, report.")
@click.option("--keep-what", metavar="NAMES", default="audio,trace,report", show_default=True,
              help="What of it: audio, report, and trace or messages (a trace without audio).")  # fmt: skip
@click.option("--drain", type=float, default=180.0, show_default=True, help="Seconds for running calls after SIGTERM.")
@click.option("--engine", type=click.Choice(["picows", "websockets"]), default="picows", show_default=True)
@click.option("--log-level", type=click.Choice(LEVELS, case_sensitive=False), default="info", show_default=True,
              envvar=["OFFHOOK_SERVE_LOG_LEVEL", "LOG_LEVEL"])  # fmt: skip
@click.option("--json", "as_json", is_flag=True,
              help="Everything that happens as JSON lines on standard output, without what callers say.")  # fmt: skip
@ready_options
def serve(target: str, log_level: str, as_json: bool, **options: Any) -> None:
    """Serve the bot or monitor in FILE, or a ready-made monitor by its name.

    SIGTERM or Ctrl-C drains: no new calls, running ones go on for --drain seconds. A second one ends at once.
    """
    set_up(log_level, json=as_json)
    host = served(target, options)
    keys = _keys(options)
    address = _address(options["host"], keys, no_auth=options["no_auth"])
    if as_json:
        host.watch(_EventLines())
    if options["keep"]:
        host.store = CallStore(Path(options["keep"]), Keep.of(options["keep_what"]))
        host.store.prepare()
    try:
        uvloop.run(_serve(host, keys, address, options))
    finally:
        if host.store is not None:
            host.store.close()


def _keys(options: dict[str, Any]) -> KeyStore | None:
    chosen = [name for name in ("keys_file", "key", "sample_keys", "no_auth") if options[name]]
    if len(chosen) > 1:
        raise UsageError("give one of --keys, --key, --sample-keys and --no-auth")
    if options["secret"] and not options["key"]:
        raise UsageError("--secret goes with --key")
    if options["keys_file"]:
        return KeyStore.from_file(options["keys_file"])
    if options["key"]:
        return KeyStore({options["key"]: decode_secret(options["secret"])})
    if options["sample_keys"]:
        logger.warning("the sample key is known to everybody: not for production")
        return KeyStore.sample()
    if options["no_auth"]:
        return None
    from_environment = KeyStore.from_env(os.environ)
    return from_environment if len(from_environment) else None


def _address(given: str | None, keys: KeyStore | None, *, no_auth: bool) -> str | None:
    if keys is not None or no_auth:
        return given
    if given is None or _is_loopback(given):
        logger.warning("no API keys: whoever reaches this port may connect (this machine only)")
        return given or "127.0.0.1"
    raise UsageError("give --keys before you listen on other addresses than this machine's own, or --no-auth")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _serve(host: Host, keys: KeyStore | None, address: str | None, options: dict[str, Any]) -> None:
    tls = None
    if options["tls_cert"] or options["tls_key"]:
        if not (options["tls_cert"] and options["tls_key"]):
            raise UsageError("--tls-cert and --tls-key go together")
        tls = ssl_context(options["tls_cert"], options["tls_key"])
    replay: Literal["enforce", "log", "off"] = options["replay"]
    limits = ServerLimits(sessions_per_key=options["max_sessions_per_key"])
    if options["max_sessions"]:
        limits = ServerLimits(options["max_sessions"], options["max_sessions_per_key"])
    reception = Reception(
        host,
        keys=keys,
        path=options["path"],
        limits=limits,
        trust_proxy=options["trust_proxy"],
        rules=SignatureRules(max_age=options["max_age"], skew=options["skew"], replay=replay),
    )
    server = Server(reception, host=address, port=options["port"], engine=options["engine"], ssl=tls)
    await server.start()
    scheme = "wss" if tls else "ws"
    shown = address or "0.0.0.0"
    shown = f"[{shown}]" if ":" in shown else shown
    also = "" if options["path"] else " (and any other path)"
    logger.info(
        "serving %s on %s://%s:%d%s%s", host.name, scheme, shown, server.port, options["path"] or SAMPLE_PATH, also
    )
    # Engines load in threads: calls that come meanwhile are answered and held.
    loading = asyncio.create_task(host.load())
    try:
        await server.run(drain=options["drain"])
    finally:
        loading.cancel()
        await asyncio.gather(loading, return_exceptions=True)
        await host.quiet()


class _EventLines:
    """Writes events as JSON lines, until nobody reads them any more: calls go on without."""

    def __init__(self) -> None:
        self._read = True

    def __call__(self, line: Line, event: happenings.AnyEvent) -> None:
        if not self._read or isinstance(event, happenings.MessageSeen):
            return
        payload = happenings.encode(happenings.redacted(event)).decode()
        try:
            sys.stdout.write(f'{{"session":"{_plain(line.session_id)}",{payload[1:]}\n')
            sys.stdout.flush()
        except BrokenPipeError:
            self._read = False
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            logger.warning("nobody reads standard output any more: events are no longer written")


def _plain(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum() or letter == "-")
