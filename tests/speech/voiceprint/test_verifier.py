"""Enrolment and verification, with an encoder that does what a test says, and with the real one."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from tests.speech.voiceprint.test_replay import chirps
from tests.spoken import encoder, reader, says

from offhook.errors import UsageError
from offhook.speech.voiceprint import TemplateStore, Verifier
from offhook.speech.voiceprint.encoder import Embedding

KEY = bytes(32)


class Angles:
    """An encoder by whom an utterance's voice is an angle, written down for each."""

    def __init__(self) -> None:
        self.voices: dict[bytes, tuple[float, float]] = {}
        self.number = 0

    def say(self, likeness: float, seconds: float = 3.0) -> bytes:
        """A new utterance whose voice is so like that of likeness 1."""
        self.number += 1
        audio = chirps(self.number)
        self.voices[audio] = likeness, seconds
        return audio

    def embed(self, speech: bytes) -> Embedding:
        likeness, seconds = self.voices[speech]
        vector = np.zeros(256, np.float32)
        vector[:2] = likeness, (1 - likeness**2) ** 0.5
        return Embedding(vector, seconds)


@pytest.fixture
def angles() -> Angles:
    return Angles()


@pytest.fixture
def verifier(angles: Angles, tmp_path: Path) -> Verifier:
    made = Verifier(angles, TemplateStore(tmp_path, KEY))  # type: ignore[arg-type]
    done = made.enrol("alice", [angles.say(1.0) for _ in range(3)])
    assert (done.taken, done.refused, done.utterances, done.complete) == (3, (), 3, True)
    return made


@pytest.mark.parametrize(
    ("likeness", "verdict"),
    [(1.0, "accepted"), (0.85, "accepted"), (0.81, "unsure"), (0.7, "unsure"), (0.6, "rejected"), (0.2, "rejected")],
)
def test_verdicts(verifier: Verifier, angles: Angles, likeness: float, verdict: str) -> None:
    check = verifier.verify("alice", [angles.say(likeness)])
    assert check.verdict == verdict
    assert check.accepted is (verdict == "accepted")
    assert check.likeness == pytest.approx(likeness, abs=1e-5)
    assert check.probability is not None
    assert check.output() == {"voice_verdict": verdict, "voice_probability": f"{check.probability:.3f}"}


def test_the_same_recording_is_refused_whether_it_was_enrolled_or_accepted(verifier: Verifier, angles: Angles) -> None:
    said, enrolled = angles.say(1.0), chirps(1)
    assert verifier.verify("alice", [said]).verdict == "accepted"
    assert verifier.verify("alice", [said]).verdict == "replayed"
    assert verifier.verify("alice", [enrolled]).verdict == "replayed"
    assert verifier.verify("alice", [angles.say(1.0), said]).verdict == "replayed", "one of several is enough"
    assert verifier.verify("alice", [said]).output()["voice_probability"] == ""


def test_strangers_cannot_push_out_what_is_remembered(verifier: Verifier, angles: Angles) -> None:
    before = verifier.store.load("alice")
    assert verifier.verify("alice", [angles.say(0.1)]).verdict == "rejected"
    assert verifier.store.load("alice") == before


def test_what_was_compared_earlier_in_a_call_counts_and_is_no_replay(verifier: Verifier, angles: Angles) -> None:
    first = angles.say(0.81)
    assert verifier.verify("alice", [first]).verdict == "unsure"
    second = verifier.verify("alice", [angles.say(1.0, seconds=9.0)], earlier=[first])
    assert (second.verdict, second.seconds) == ("accepted", 12.0)


def test_a_spoken_password_is_the_right_words_and_the_right_voice(verifier: Verifier, angles: Angles) -> None:
    def verdict(likeness: float, heard: str) -> str:
        return verifier.verify("alice", [angles.say(likeness)], phrase="open the door please", heard=heard).verdict

    assert verdict(1.0, "Open the door, please.") == "accepted"
    assert verdict(1.0, "Close the window, thanks.") == "wrong_words"
    assert verdict(1.0, "") == "wrong_words"
    assert verdict(0.1, "Open the door, please.") == "rejected"


def test_who_is_not_enrolled_or_says_too_little(verifier: Verifier, angles: Angles) -> None:
    assert verifier.verify("bob", [angles.say(1.0)]).verdict == "unknown"
    assert verifier.verify("", [angles.say(1.0)]).verdict == "unknown"
    assert verifier.verify("alice", [angles.say(1.0, seconds=0.4)]).verdict == "too_short"
    assert verifier.verify("alice", []).verdict == "too_short"


def test_a_voiceprint_of_another_model_is_outdated_until_enrolled_anew(verifier: Verifier, angles: Angles) -> None:
    kept = verifier.store.load("alice")
    assert kept is not None
    verifier.store.save(msgspec.structs.replace(kept, model="resemblyzer-0.1.4/39373b86/0"))
    assert verifier.verify("alice", [angles.say(1.0)]).verdict == "outdated"
    assert verifier.enrol("alice", [angles.say(1.0)]).utterances == 1
    assert verifier.verify("alice", [angles.say(1.0)]).verdict == "accepted"


def test_what_enrolment_refuses(verifier: Verifier, angles: Angles) -> None:
    twice = angles.say(1.0)
    done = verifier.enrol("alice", [twice, twice, angles.say(0.3), angles.say(1.0, seconds=0.5)])
    assert done.taken == 1
    assert done.refused == ("replayed", "other_voice", "too_short")
    assert done.utterances == 4
    with pytest.raises(UsageError, match="needs a name"):
        verifier.enrol("", [angles.say(1.0)])


def test_with_people(tmp_path: Path) -> None:
    verifier = Verifier(encoder(), TemplateStore(tmp_path, KEY))
    assert verifier.enrol(
        "allison", [says(key) for key in ("agent-pass", "vm-invalidpassword", "vm-whichbox")]
    ).complete
    assert verifier.verify("allison", [says("vm-newpassword")]).verdict == "accepted"
    assert verifier.verify("allison", [says("vm-newpassword")]).verdict == "replayed"
    assert verifier.verify("allison", [reader(1)]).verdict == "rejected"
