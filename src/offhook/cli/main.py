"""The command `offhook`: finds the verb, and turns every failure into one line and an exit code.

Exit codes: 0 good; 1 what was asked about is bad; 2 wrong use; 130 interrupted.
"""

from __future__ import annotations

import errno
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

import click

from .. import __version__
from ..errors import OffhookError, PeerError, UsageError
from .config import defaults

#: Verbs, their modules, and the line that `offhook --help` shows: a verb is imported when it is used.
VERBS: Final = {
    "demo": "A real call on this machine: platform, bot and caller, with real speech.",
    "serve": "Serve a bot or monitor from a Python file.",
    "run": "Take calls and run their flows: the connector.",
    "integrations": "The bots and monitors of a connector.",
    "usage": "What integrations were used for, by month.",
    "call": "Place one call to an AudioHook server, as the platform does.",
    "check": "Check a server, or clients, against the protocol.",
    "load": "Place thousands of calls at a time, and measure.",
    "decode": "Explain AudioHook messages.",
    "keys": "Make, sign with and verify API keys and client secrets.",
    "engines": "List speech engines, install models, and measure those of this machine.",
    "trace": "Show a recorded session, or play it against a bot.",
    "voiceprint": "Enrol, verify, list and erase speakers.",
    "doctor": "Say what is missing on this machine.",
}


class _Verbs(click.Group):
    """Loads each verb's module only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        command: click.Command = getattr(importlib.import_module(f"offhook.cli.{name}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and name is not None:
            settings = defaults(ctx.params.get("config"), name, command)
            ctx.default_map = {name: settings}
        return name, command, rest


@click.group(cls=_Verbs, context_settings={"auto_envvar_prefix": "OFFHOOK", "help_option_names": ["-h", "--help"]})
@click.option("--config", metavar="FILE", help="Settings by verb, TOML. Default: offhook.toml, if there is one.")
@click.version_option(__version__, "-V", "--version", prog_name="offhook")
def cli(config: str | None) -> None:
    """The open Audio Connector: joins any phone call to any voice bot over AudioHook.

    Each option can also be given as an environment variable, such as OFFHOOK_SERVE_PORT for `serve --port`.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    given = None if arguments is None else list(arguments)
    return guard(lambda: cli.main(given, prog_name="offhook", standalone_mode=False))


def guard(command: Callable[[], Any]) -> int:
    """Run a command, and turn what it raises into one line on standard error; returns the exit code."""
    try:
        code: Any = command()
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.UsageError as error:
        if error.ctx is not None and error.format_message() == error.ctx.get_help():  # no verb at all
            click.echo(error.ctx.get_help(), err=True)
            return 2
        return _say(error.format_message(), 2)
    except click.ClickException as error:
        return _say(error.format_message(), 2)
    except (click.Abort, KeyboardInterrupt):
        return _say("interrupted", 130)
    except UsageError as error:
        return _say(str(error), 2)
    except (PeerError, OffhookError) as error:
        return _say(str(error), 1)
    except OSError as error:
        if error.errno not in (errno.EPIPE, errno.ENOSPC):
            raise
        # Whoever read our output has gone, or there is no room for it; nothing may be written while Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1 if error.errno == errno.EPIPE else _say(f"cannot write what was asked for: {error.strerror}", 1)


def _say(message: str, code: int) -> int:
    click.echo(f"offhook: {' '.join(message.split())}", err=True)
    return code
