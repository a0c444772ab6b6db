"""`offhook engines install`: models that no package brings in a form that could simply be depended on."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("model", type=click.Choice(["voiceprint"]))
@click.option("--from", "wheel", type=click.Path(path_type=Path), metavar="FILE",
              help="The package, if it was downloaded already.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True)
def install(model: str, wheel: Path | None, as_json: bool) -> None:
    """Install the weights of MODEL, from your own package index.

    voiceprint: the encoder of Resemblyzer 0.1.4 (Apache-2.0, 16 MB to download), without torch and all else that the
    package would bring.
    """
    from ..speech.voiceprint.install import install as get

    path = get(wheel)
    click.echo(json.dumps({"model": model, "path": str(path)}) if as_json else f"{model}: {path}")
