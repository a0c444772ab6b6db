"""How right is `Playback.heard` where the engine does not tell when its words are over? Words off, by way of telling.

    python benchmarks/heard.py [--json]        (needs libespeak-ng1: apt-get install espeak-ng)

espeak-ng says 40 sentences, ten of them full of numbers, in three voices and paces. Its library tells where each word
begins; a word is over with the last sound before the next one. At every 10 ms of a sentence the words that are over by
that are counted, and those by our telling: with hibari's reading beside it (what is done for English), and by letters
(without hibari, and in other languages). hibari's own times are those of its network, to 25 ms, and are not measured.
"""

from __future__ import annotations

import argparse
import base64
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rig import judge

from offhook.audio.resample import resample
from offhook.audio.ulaw import RATE
from offhook.speech.alignment import by_letters, timed
from offhook.speech.edges import Edges
from offhook.speech.engines import Float32
from offhook.speech.sentences import word_ends

SENTENCES = """\
Thank you for calling, how can I help you today?
Your order will arrive on Tuesday, the fifth of March.
The balance of your account is four hundred and twelve dollars.
I am sorry, but I did not understand that.
Please tell me the number of your order, one digit after the other.
All of our agents are busy at the moment, so please stay on the line.
Your appointment with Doctor Miller is on Friday at half past nine in the morning.
If you would like to speak to somebody, just say agent at any time.
The train to the coast leaves every half hour from platform nine.
We have received your payment, and your subscription is active again.
Is there anything else that I can do for you?
To hear your messages, press one; to change your greeting, press two.
Your call may be recorded for training and quality purposes.
The office is closed now, but it opens again on Monday at eight.
I can offer you Wednesday afternoon or Thursday morning, which do you prefer?
Unfortunately the flight to Amsterdam has been cancelled because of the weather.
Yes.
One moment, please.
Let me check that for you, it will only take a few seconds.
For security reasons, please say your full name and your date of birth.
The package was delivered yesterday and signed for by your neighbour.
You can reset your password on our website, under settings and then security.
Somebody will call you back within the next two hours.
The warranty covers parts and labour, though not damage caused by water.
Your new card is on its way, and the old one has been blocked.
We could not find a customer with this telephone number.
Would you like me to send the confirmation to your email address?
The technician will come between ten and twelve, so please make sure that somebody is at home.
Good evening, and welcome to the automated reservation service of the Grand Hotel.
A single room costs ninety euros a night, breakfast included.
Your ticket number is 4711, and it is valid until June 30.
The total is $49.95, including tax.
Please call 555 0199 before 6 p.m. on May 3.
Invoice 20817 of January 12 was paid on February 2.
Between 1999 and 2004 the price rose by 35 percent.
It weighs 2.5 kilograms and measures 40 by 60 centimetres.
Dr. Smith works at 221 Baker Street, on the 2nd floor.
Your reference is A7 K9 3 4.
I heard: fourteen, fifty, and sixteen; is that right?
Hold on, I'm looking into it - yes, here it is: everything's been shipped.
""".splitlines()
VOICES = (("en-us", 175), ("en-gb", 140), ("en-us+f3", 210))
OTHERS = {
    "de": [
        "Guten Tag, wie kann ich Ihnen helfen?", "Ihre Bestellung kommt am Dienstag zwischen zehn und zwölf Uhr.",
        "Bitte nennen Sie mir Ihre Kundennummer, eine Ziffer nach der anderen.",
        "Einen Augenblick bitte, ich sehe nach.",
        "Leider sind im Moment alle unsere Mitarbeiter im Gespräch.",
    ],
    "es": [
        "Buenos días, ¿en qué puedo ayudarle?", "Su pedido llegará el martes, entre las diez y las doce.",
        "Dígame por favor su número de cliente, cifra por cifra.", "Un momento por favor, voy a comprobarlo.",
        "Lo siento, todos nuestros agentes están ocupados en este momento.",
    ],
    "fr": [
        "Bonjour, comment puis-je vous aider?", "Votre commande arrivera mardi, entre dix heures et midi.",
        "Donnez-moi votre numéro de client, un chiffre après l'autre.", "Un instant s'il vous plaît, je vais vérifier.",
        "Tous nos conseillers sont occupés pour le moment, veuillez patienter.",
    ],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence as it was said, 8 kHz without silence at its ends, and the sample behind each of its words."""

    text: str
    sound: Float32
    ends: list[float]


@dataclass
class Off:
    """By how many words, at each 10 ms; the most of each sentence; and how far each word's end lies off, ms."""

    words: list[int] = field(default_factory=list)
    most: list[int] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    seconds: float = 0.0
    cpu: float = 0.0

    def take(self, said: Said, told: list[tuple[int, int]]) -> None:
        ends = word_ends(said.text)
        samples = np.interp(ends, [0, *(count for count, _ in told)], [0, *(sample for _, sample in told)])
        at = np.arange(0, len(said.sound), RATE // 100)
        true = np.searchsorted(said.ends, at, side="right")
        off = np.abs(true - np.searchsorted(samples, at, side="right"))
        self.words += off.tolist()
        self.most.append(int(off.max()))
        self.milliseconds += (np.abs(samples - said.ends) * 1000 / RATE).tolist()
        self.seconds += len(said.sound) / RATE

    def row(self) -> dict[str, float]:
        off = np.asarray(self.words)
        return {
            "right": 100 * float((off == 0).mean()),
            "one": 100 * float((off <= 1).mean()),
            "sentences": 100 * float((np.asarray(self.most) <= 1).mean()),
            "p50": float(np.median(self.milliseconds)),
            "p95": float(np.percentile(self.milliseconds, 95)),
            "cpu": 1000 * self.cpu / self.seconds,
        }


def spoken(voice: str, pace: int, texts: list[str]) -> Iterator[Said]:
    """What espeak-ng says, and when."""
    asked = "".join(f"{voice}\t{pace}\t{text}\n" for text in texts)
    program = Path(__file__).parent / "corpus" / "espeak.py"
    done = subprocess.run([sys.executable, str(program)], input=asked, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise SystemExit("this needs the library of espeak-ng: apt-get install espeak-ng")
    for text, line in zip(texts, done.stdout.splitlines(), strict=True):
        told = json.loads(line)
        pcm = np.frombuffer(base64.b64decode(told["pcm"]), np.int16).astype(np.float32) / 32768
        edges = Edges()
        sound = edges.push(resample(pcm, told["rate"], RATE), last=True)
        starts = [(count, sample * RATE / told["rate"] - edges.lead) for count, sample in told["words"]]
        yield Said(text, sound, over(text, starts, sound))


def over(text: str, starts: list[tuple[int, float]], sound: Float32) -> list[float]:
    """Where each written word is over: with the last sound before the next one that is told; between, evenly."""
    block = RATE // 100
    powers = np.square(sound[: len(sound) // block * block].reshape(-1, block)).mean(axis=1)
    voice = np.flatnonzero(powers > powers.max() * 1e-4)
    ends = word_ends(text)
    known: list[tuple[int, float]] = []
    for number, end in enumerate(ends):
        following = ends[number + 1] if number + 1 < len(ends) else len(text) + 1
        nexts = [sample for count, sample in starts if end <= count < following]
        if not nexts and end != ends[-1]:
            continue
        limit = min(nexts) if nexts else float(len(sound))
        last = voice[voice < max(1, limit // block)]
        known.append((end, float((last[-1] + 1) * block)))
    return np.interp(ends, [end for end, _ in known], [sample for _, sample in known]).tolist()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    timed("Hello.", np.full(RATE, 0.1, np.float32), "en")  # loads what it needs
    rows: dict[str, dict[str, float]] = {}
    beside, letters, foreign = Off(), Off(), Off()
    for voice, pace in VOICES:
        for said in spoken(voice, pace, SENTENCES):
            began = time.process_time()
            told = timed(said.text, said.sound, "en")
            beside.cpu += time.process_time() - began
            beside.take(said, told)
            letters.take(said, by_letters(said.text, said.sound))
    for language, texts in OTHERS.items():
        for said in spoken(language, 175, texts):
            foreign.take(said, timed(said.text, said.sound, language))
    rows = {"beside hibari": beside.row(), "by letters": letters.row(), "de, es, fr": foreign.row()}
    if given.json:
        print(json.dumps({"sentences": len(SENTENCES), "voices": len(VOICES), "heard": rows}))
        return
    print(f"{len(SENTENCES)} sentences, {len(VOICES)} voices: how often the count of words heard is right, or one off")
    print(f"{'':16}{'right':>8}{'<= 1 off':>10}{'sentences':>11}{'p50 ms':>8}{'p95 ms':>8}{'CPU ms/s':>10}")
    for name, row in rows.items():
        print(f"{name:16}{row['right']:7.1f}%{row['one']:9.2f}%{row['sentences']:10.1f}%"
              f"{row['p50']:8.0f}{row['p95']:8.0f}{row['cpu']:10.1f}")  # fmt: skip
    judge("`Playback.heard` within a word, engine without times", rows["beside hibari"]["one"], 99.0, at_least=True,
          form=".1f", unit=" %")  # fmt: skip


if __name__ == "__main__":
    main()
