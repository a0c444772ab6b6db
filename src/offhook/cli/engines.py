"""`offhook engines`: the speech engines of this machine."""

from __future__ import annotations

import click

from .engine_install import install


@click.group()
def engines() -> None:
    """The speech engines of this machine."""


engines.add_command(install)
