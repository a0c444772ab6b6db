"""`offhook serve`: a bot or monitor, from a Python file, on a port; by one process or several.

With several this process holds the port and looks after the workers (see `worker`); it loads nothing of them.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import click
import msgspec

from ..errors import UsageError
from .access import access, announce
from .logs import set_up
from .ready import ready_options

LEVELS = ["debug", "info", "warning", "error"]


def default_workers() -> int:
    """One for each core that this process may use; one where the kernel does not deal out connections."""
    from ..speech.pool import available_cores

    return available_cores() if sys.platform == "linux" else 1


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
@click.option("--max-sessions", type=click.IntRange(1), help="Refuse more than so many at once, in all workers.")
@click.option("--max-sessions-per-key", type=click.IntRange(1), help="The same for each API key.")
@click.option("--keep", metavar="FOLDER", help="Keep each call there: recording, transcript, trace, report.")
@click.option("--keep-what", metavar="NAMES", default="audio,trace,report", show_default=True,
              help="What of it: audio, report, and trace or messages (a trace without audio).")  # fmt: skip
@click.option("--drain", type=float, default=180.0, show_default=True, help="Seconds for running calls after SIGTERM.")
@click.option("--engine", type=click.Choice(["picows", "websockets"]), default="picows", show_default=True)
@click.option("--workers", type=click.IntRange(1), default=default_workers, show_default="one for each core",
              help="Processes that share the port.")  # fmt: skip
@click.option("--no-metrics", is_flag=True, help="Do not answer /metrics.")
@click.option("--debug", is_flag=True, help="Time each sink; a table on SIGUSR1 and at the end.")
@click.option("--log-level", type=click.Choice(LEVELS, case_sensitive=False), default="info", show_default=True,
              envvar=["OFFHOOK_SERVE_LOG_LEVEL", "LOG_LEVEL"])  # fmt: skip
@click.option("--json", "as_json", is_flag=True,
              help="Everything that happens as JSON lines on standard output, without what callers say.")  # fmt: skip
@ready_options
def serve(target: str, log_level: str, workers: int, **options: Any) -> int:
    """Serve the bot or monitor in FILE, or a ready-made monitor by its name.

    SIGTERM or Ctrl-C drains: no new calls, running ones go on for --drain seconds. A second one ends at once.
    """
    set_up(log_level, json=options["as_json"])
    if bool(options["tls_cert"]) != bool(options["tls_key"]):
        raise UsageError("--tls-cert and --tls-key go together")
    if workers > 1:
        return _supervise(target, log_level, workers, options)
    _serve_here(target, options)
    return 0


def _serve_here(target: str, options: dict[str, Any]) -> None:
    from .serving import Serving

    allowed = access(options)
    serving = Serving(target, options, allowed)
    serving.run(options["port"], lambda server, _: announce(serving.host.name, allowed, server.port, options))


def _supervise(target: str, log_level: str, workers: int, options: dict[str, Any]) -> int:
    from ..session.board import Board
    from ..session.ports import hold
    from ..session.supervisor import Supervisor

    allowed = access(options)
    held = hold(allowed.address, options["port"])
    board = Board.create(workers, len(allowed.keys or ()))

    def assignment(number: int) -> bytes:
        return msgspec.json.encode(
            {
                "number": number, "workers": workers, "board": board.fd, "keys": board.keys, "port": held.port,
                "target": target, "log_level": log_level, "options": options,
            }
        )  # fmt: skip

    def on_ready(name: str, pids: list[int]) -> None:
        processes = f", {workers} workers: {' '.join(map(str, pids))}"
        announce(name, allowed, held.port, options, processes)

    supervisor = Supervisor(board, [*_command(), target], assignment, on_ready, drain=options["drain"])
    try:
        return asyncio.run(supervisor.run())
    finally:
        held.close()


def _command() -> list[str]:
    """Starts a worker, with the modules that this process has: only if we see those of this folder, a worker does."""
    here = bool(sys.path) and sys.path[0] in ("", os.getcwd())
    return [sys.executable, *([] if here else ["-P"]), "-m", "offhook.cli.worker"]
