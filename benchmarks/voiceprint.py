"""How well are speakers told apart, and recordings from people? Equal error rates, thresholds, and the replay check.

    python benchmarks/voiceprint.py [FOLDER ...]     (needs: offhook engines install voiceprint)

A FOLDER holds a folder of WAV files for each speaker, five utterances or more each: measure on your own callers. The
people whose recordings are on this machine are taken as well: in build/recordings (make recordings), in build/voices,
installed, and the reader in the moonshine-voice wheel. Four more people come by

    PACKAGES="asterisk-core-sounds-fr-wav asterisk-core-sounds-it-wav asterisk-core-sounds-ru-wav
        pocketsphinx-testdata" scripts/fetch_recordings.sh build/voices

Genuine scores compare an utterance with a template of one or three others of its speaker, impostor scores with those of
everybody else. All are mu-law at 8 kHz. One speaker is one channel and one session here, and most differ in language:
real calls are harder. Thresholds in `offhook.speech.voiceprint.calibration` come from this table.
"""

from __future__ import annotations

import sys
import time
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path
from typing import Final

import numpy as np

from offhook.audio import ulaw, wav
from offhook.errors import OffhookError
from offhook.speech.engines import Float32
from offhook.speech.voiceprint import Encoder, replay
from offhook.speech.voiceprint.calibration import equal_error, threshold
from offhook.speech.voiceprint.encoder import unit
from offhook.speech.voiceprint.install import weights
from offhook.testing.recordings import Recordings

MOST: Final = 30  # utterances of one speaker
ROOTS: Final = (Path("build/recordings/usr/share"), Path("build/voices/usr/share"), Path("/usr/share"))
PEOPLE: Final = {
    "Allison (en)": "asterisk/sounds/en_US_f_Allison",
    "June (fr)": "asterisk/sounds/fr_CA_f_June",
    "Carlo (it)": "asterisk/sounds/it_IT_m_Carlo",
    "Ivrvoice (ru)": "asterisk/sounds/ru_RU_f_IvrvoiceRU",
    "Austen's reader": "pocketsphinx/test/data/librivox",
}
Speakers = dict[str, list[bytes]]


def speakers(folders: list[Path]) -> Speakers:
    """Utterances of 2.5 to 16 s by speaker."""
    found: dict[str, list[Path]] = {}
    for folder in folders:
        for path in sorted(folder.iterdir()):
            if path.is_dir():
                found[f"{folder.name}/{path.name}"] = sorted(path.rglob("*.wav"))
    for name, place in PEOPLE.items():
        for root in ROOTS:
            if (root / place).is_dir():
                found.setdefault(name, sorted((root / place).rglob("*.wav")))
    made = {name: _utterances(paths) for name, paths in found.items()}
    spec = find_spec("moonshine_voice")
    if spec is not None and spec.origin is not None:
        (audio,) = wav.read_ulaw(Path(spec.origin).parent / "assets/two_cities.wav", channels=1)
        pcm = ulaw.to_float(audio)
        loud = ulaw.from_float(pcm * np.float32(0.5 / np.abs(pcm).max()))
        made["Dickens's reader"] = [loud[at : at + 28_000] for at in range(8000, len(loud) - 28_000, 28_000)]
    return {name: said for name, said in made.items() if len(said) >= 4}


def _utterances(paths: list[Path]) -> list[bytes]:
    order = np.random.default_rng(1).permutation(len(paths))
    said: list[bytes] = []
    for at in order:
        (audio,) = wav.read_ulaw(paths[at], channels=1)
        if 2.5 * ulaw.RATE < len(audio) < 16 * ulaw.RATE and "silence" not in paths[at].parts:
            said.append(audio)
        if len(said) == MOST:
            break
    return said


def scores(voices: dict[str, list[Float32]], enrolled: int, heard: dict[str, list[Float32]]) -> tuple[Float32, Float32]:
    """Genuine and impostor scores of everything in `heard` against templates of so many utterances."""
    rng = np.random.default_rng(0)

    def template(name: str, without: int | None) -> Float32:
        others = [at for at in range(len(voices[name])) if at != without]
        return unit(np.mean([voices[name][at] for at in rng.permutation(others)[:enrolled]], axis=0))

    genuine: list[float] = []
    impostors: list[float] = []
    for name, vectors in heard.items():
        for at, vector in enumerate(vectors):
            genuine.append(float(template(name, at) @ vector))
            impostors += [float(template(other, None) @ vector) for other in voices if other != name]
    return np.array(genuine, np.float32), np.array(impostors, np.float32)


def noisy(audio: bytes) -> bytes:
    rng = np.random.default_rng(5)
    pcm = ulaw.to_float(audio)
    level = float(np.sqrt(np.square(pcm).mean())) * 10 ** (-15 / 20)
    return ulaw.from_float(np.clip(pcm + level * rng.standard_normal(len(pcm)), -1, 1).astype(np.float32))


def echoing(audio: bytes) -> bytes:
    dry = ulaw.to_float(audio)
    pcm = dry.copy()
    for delay, gain in ((160, 0.5), (410, 0.35), (900, 0.25), (1700, 0.15)):
        pcm[delay:] += np.float32(gain) * dry[:-delay]
    return ulaw.from_float(np.clip(pcm, -1, 1))


def verification(encoder: Encoder, said: Speakers) -> None:
    began = time.process_time()
    voices = {name: [encoder.embed(audio).vector for audio in audios] for name, audios in said.items()}
    count = sum(map(len, voices.values()))
    print(f"{len(said)} voices, {count} utterances, {1000 * (time.process_time() - began) / count:.0f} ms CPU each")
    print(
        f"\n{'':32}equal error   at     genuine       impostor      "
        "others accepted / genuine rejected / genuine in doubt / others rejected"
    )
    damaged = {"in noise, 15 dB": noisy, "in an echoing room": echoing}
    rows = {"as recorded": voices} | {
        how: {name: [encoder.embed(spoil(audio)).vector for audio in said[name][:8]] for name in said}
        for how, spoil in damaged.items()
    }
    for how, heard in rows.items():
        for enrolled in (1, 3):
            genuine, others = scores(voices, enrolled, heard)
            error, at = equal_error(genuine, others)
            limits = threshold(enrolled)
            doubt = (genuine >= limits.reject) & (genuine < limits.accept)
            print(
                f"{how:20}{enrolled} enrolled   {100 * error:6.1f} %   {at:.3f}   "
                f"{genuine.mean():.2f} ± {genuine.std():.2f}   {others.mean():.2f} ± {others.std():.2f}   "
                f"{100 * (others >= limits.accept).mean():5.2f} % / {100 * (genuine < limits.reject).mean():5.2f} % / "
                f"{100 * doubt.mean():4.1f} % / {100 * (others < limits.reject).mean():4.1f} %"
            )


def replays(said: Speakers) -> None:
    chosen = [audio for audios in said.values() for audio in audios[:8]]
    prints = [replay.fingerprint(audio) for audio in chosen]
    print(f"\nReplay: share of bits that differ (one recording below {replay.SAME}), {len(chosen)} recordings")
    for how, spoil in (
        ("played again, as it was", lambda audio: audio),
        ("from another place, softer", lambda audio: ulaw.from_float(ulaw.to_float(audio[1237:]) * np.float32(0.4))),
        ("in noise, 15 dB", noisy),
        ("in an echoing room", echoing),
    ):
        apart = [
            replay.difference(bits, replay.fingerprint(spoil(audio)))
            for bits, audio in zip(prints, chosen, strict=True)
        ]
        print(f"  {how:30}median {np.median(apart):.3f}   worst {max(apart):.3f}")
    between = [replay.difference(one, other) for one, other in combinations(prints[:60], 2)]
    print(f"  {'other recordings':30}median {np.median(between):.3f}   nearest {min(between):.3f}")
    try:
        clips = Recordings.find()
    except OffhookError:
        return
    takes = [f"confbridge-begin-glorious-{take}" for take in "abc"]
    if clips.source == "asterisk":
        bits = [replay.fingerprint(clips.utterance([take]).audio) for take in takes]
        apart = [replay.difference(one, other) for one, other in combinations(bits, 2)]
        print(f"  {'the same words said again':30}median {np.median(apart):.3f}   nearest {min(apart):.3f}")


def main() -> None:
    try:
        encoder = Encoder.load(weights())
    except OffhookError as error:
        print(f"skipped: {error}")
        return
    said = speakers([Path(name) for name in sys.argv[1:]])
    if len(said) < 2:
        print("skipped: fewer than two speakers on this machine: make recordings, or name a folder")
        return
    print(f"speakers: {', '.join(f'{name} ({len(audios)})' for name, audios in said.items())}")
    verification(encoder, said)
    replays(said)


if __name__ == "__main__":
    main()
