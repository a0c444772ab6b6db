"""`offhook voiceprint`: from recordings to a verdict, and everything erased again."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from tests.cli.running import offhook, wrong_use
from tests.spoken import encoder, reader, says

from offhook.audio import wav


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    for name in ("KEY", "KEY_FILE"):
        monkeypatch.delenv(f"OFFHOOK_VOICEPRINT_{name}", raising=False)
    key = tmp_path / "key"
    assert offhook("voiceprint", "key", str(key)).code == 0
    return ["--voiceprints", str(tmp_path / "prints"), "--voiceprint-key", str(key)]


def file(folder: Path, name: str, speech: bytes) -> str:
    path = folder / f"{name}.wav"
    wav.write_ulaw(path, [speech])
    return str(path)


def test_a_key_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert "keep it apart" in offhook("voiceprint", "key", str(path)).out
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_text()
    assert "exists" in wrong_use(offhook("voiceprint", "key", str(path)))
    assert path.read_text() == before
    assert "No such file" in wrong_use(offhook("voiceprint", "key", str(tmp_path / "none" / "key")))


def test_from_enrolment_to_erasure(place: list[str], tmp_path: Path) -> None:
    encoder()
    hers = [file(tmp_path, key, says(key)) for key in ("agent-pass", "vm-invalidpassword", "vm-whichbox")]
    fresh, his = file(tmp_path, "fresh", says("vm-newpassword")), file(tmp_path, "his", reader(1))
    done = offhook("voiceprint", "enrol", "allison", *hers, *place)
    assert (done.code, done.out.startswith("3 utterances, ")) == (0, True)
    again = offhook("voiceprint", "enrol", "allison", hers[0], "--json", *place)
    assert (again.code, again.json["refused"], again.json["utterances"]) == (1, ["replayed"], 3)

    good = offhook("voiceprint", "verify", "allison", fresh, "--json", *place)
    assert (good.code, good.json["verdict"]) == (0, "accepted")
    assert 0.5 < good.json["probability"] <= 1
    said = offhook("voiceprint", "verify", "allison", his, *place)
    assert (said.code, said.out.split(",")[0]) == (1, "rejected")
    assert "must not decide alone" in said.out
    assert offhook("voiceprint", "verify", "nobody", his, *place).out.startswith("unknown (")

    (kept,) = json.loads(offhook("voiceprint", "list", "--json", *place).out)
    assert (kept["speaker"], kept["utterances"], kept["current"]) == ("allison", 3, True)
    assert offhook("voiceprint", "list", *place).out.startswith("allison  3 utterances")
    assert offhook("voiceprint", "erase", "allison", *place).out == "erased: 1\n"
    assert offhook("voiceprint", "erase", "allison", *place).code == 1
    assert offhook("voiceprint", "list", *place).err == "nobody is enrolled\n"


def test_wrong_use(place: list[str], tmp_path: Path) -> None:
    assert "name one speaker" in wrong_use(offhook("voiceprint", "erase", *place))
    assert "name one speaker" in wrong_use(offhook("voiceprint", "erase", "a", "--all", *place))
    assert "OFFHOOK_VOICEPRINT_KEY" in wrong_use(offhook("voiceprint", "list", "--voiceprints", str(tmp_path)))
    encoder()
    assert "none.wav" in wrong_use(offhook("voiceprint", "verify", "a", str(tmp_path / "none.wav"), *place))


def test_without_the_encoder_it_says_what_to_do(
    place: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFHOOK_MODELS", str(tmp_path / "empty"))
    ran = offhook("voiceprint", "verify", "a", file(tmp_path, "a", b"\xff" * 800), *place)
    assert (ran.code, ran.err) == (
        1,
        "offhook: the voice encoder is not installed: offhook engines install voiceprint\n",
    )
