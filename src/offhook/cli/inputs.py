"""Files that a verb reads, standard input among them. Whatever cannot be read is wrong use, in one line."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..errors import UsageError


def read_bytes(name: str, what: str) -> bytes:
    """The contents of a file; `-` is standard input.

    Args:
        what: What is expected, for people who sit before an empty terminal.

    Raises:
        UsageError: It cannot be read.
    """
    if name == "-":
        if sys.stdin.isatty():
            click.echo(f"Reading {what} from standard input; end with Ctrl-D.", err=True)
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {name}: {error.strerror}") from None
