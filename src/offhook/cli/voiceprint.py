"""`offhook voiceprint`: enrols and verifies speakers from recordings, and lists and erases what is kept of them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from ..audio import wav
from ..errors import UsageError
from ..speech.voiceprint.templates import Template, TemplateStore, new_key, read_key
from ..speech.voiceprint.verifier import Verifier

_folder = click.option("--voiceprints", type=click.Path(path_type=Path), default=Path("voiceprints"), show_default=True,
                       envvar="OFFHOOK_VOICEPRINTS", metavar="FOLDER", help="Where they are kept.")  # fmt: skip
_key = click.option("--voiceprint-key", type=click.Path(path_type=Path), envvar="OFFHOOK_VOICEPRINT_KEY_FILE",
                    metavar="FILE", help="Their key; without it, OFFHOOK_VOICEPRINT_KEY holds its text.")  # fmt: skip
_json = click.option("--json", "as_json", is_flag=True)


@click.group()
def voiceprint() -> None:
    """Who speaks: enrol speakers, verify them, list them, erase them.

    It assists and must not decide alone: a good synthetic voice passes. Voiceprints are biometric data: enrol nobody
    who has not agreed to it.
    """


@voiceprint.command()
@click.argument("file", type=click.Path(path_type=Path))
def key(file: Path) -> None:
    """Make a key for voiceprints and write it to FILE, for its owner only."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(f"{file} exists: a key that is lost takes all voiceprints with it") from None
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
    with open(descriptor, "w", encoding="ascii") as opened:
        opened.write(new_key() + "\n")
    click.echo(f"key written to {file}: keep it apart from the voiceprints, and keep a copy")


@voiceprint.command()
@click.argument("speaker")
@click.argument("recordings", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="WAV...")
@_folder
@_key
@_json
def enrol(speaker: str, recordings: tuple[Path, ...], as_json: bool, **place: Any) -> int:
    """Add recordings of SPEAKER to their voiceprint. Each file is one utterance, 2 to 10 s of one voice.

    Exit code 1 if one of them was not taken.
    """
    done = _verifier(**place).enrol(speaker, [_speech(path) for path in recordings])
    if as_json:
        told = {"taken": done.taken, "refused": done.refused, "seconds": round(done.seconds, 1)}
        click.echo(json.dumps(told | {"utterances": done.utterances, "complete": done.complete}))
    else:
        refused = f"; not taken: {', '.join(done.refused)}" if done.refused else ""
        more = "" if done.complete else " (say more: 6 s of voice in all, in three utterances, is good)"
        click.echo(f"{done.utterances} utterances, {done.seconds:.1f} s of voice{more}{refused}")
    return int(bool(done.refused))


@voiceprint.command()
@click.argument("speaker")
@click.argument("recordings", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="WAV...")
@_folder
@_key
@_json
def verify(speaker: str, recordings: tuple[Path, ...], as_json: bool, **place: Any) -> int:
    """Say whether recordings are SPEAKER's voice. Exit code 0 if they were accepted, else 1."""
    check = _verifier(**place).verify(speaker, [_speech(path) for path in recordings])
    if as_json:
        told = {"verdict": check.verdict, "probability": check.probability, "likeness": check.likeness}
        click.echo(json.dumps(told | {"seconds": round(check.seconds, 2)}))
    else:
        sure = "" if check.probability is None else f", probability {check.probability:.2f}"
        click.echo(f"{check.verdict}{sure} ({check.seconds:.1f} s of voice); it assists, and must not decide alone")
    return 0 if check.accepted else 1


@voiceprint.command(name="list")
@_folder
@_key
@_json
def list_(as_json: bool, **place: Any) -> None:
    """List who is enrolled."""
    kept = _store(**place).all()
    if as_json:
        click.echo(json.dumps([_facts(template) for template in kept]))
        return
    for template in kept:
        facts = _facts(template)
        old = "" if facts["current"] else "  (of another model: enrol anew)"
        click.echo(
            f"{template.speaker}  {facts['utterances']} utterances, {facts['seconds']} s, {template.updated}{old}"
        )
    if not kept:
        click.echo("nobody is enrolled", err=True)


@voiceprint.command()
@click.argument("speaker", required=False)
@click.option("--all", "everybody", is_flag=True, help="Erase every voiceprint in the folder.")
@_folder
@_key
@_json
def erase(speaker: str | None, everybody: bool, as_json: bool, **place: Any) -> int:
    """Erase all that is kept of SPEAKER. Exit code 1 if nothing was."""
    if (speaker is None) is not everybody:
        raise UsageError("name one speaker to erase, or give --all")
    store = _store(**place)
    count = store.erase_all() if speaker is None else int(store.erase(speaker))
    click.echo(json.dumps({"erased": count}) if as_json else f"erased: {count}")
    return 0 if count else 1


def _facts(template: Template) -> dict[str, object]:
    from ..speech.voiceprint.encoder import MODEL

    return {
        "speaker": template.speaker,
        "utterances": len(template.vectors),
        "seconds": round(template.seconds, 1),
        "created": template.created,
        "updated": template.updated,
        "model": template.model,
        "current": template.model == MODEL,
    }


def _store(voiceprints: Path, voiceprint_key: Path | None) -> TemplateStore:
    return TemplateStore(voiceprints, read_key(voiceprint_key))


def _verifier(voiceprints: Path, voiceprint_key: Path | None) -> Verifier:
    from ..speech.voiceprint.encoder import Encoder
    from ..speech.voiceprint.install import weights

    return Verifier(Encoder.load(weights()), _store(voiceprints, voiceprint_key))


def _speech(path: Path) -> bytes:
    return wav.read_ulaw(path, channels=1)[0]
