"""`offhook serve` with a name in place of a file: one line serves a whole monitor."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.running import offhook, wrong_use
from tests.cli.test_serve import serving
from tests.spoken import encoder

from offhook import connect
from offhook.audio import ulaw
from offhook.cli.ready import served
from offhook.errors import UsageError
from offhook.speech.voiceprint import new_key

NONE = dict.fromkeys(("languages", "knowledge", "knowledge_uri", "voiceprints", "voiceprint_key", "password", "enrol"))


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    (tmp_path / "a.md").write_text("# Hours\n\nOpen from ten to two.")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["assist"], "assist needs --knowledge"),
        (["assist", "--knowledge", "/none-such"], "no such folder"),
        (["transcribe", "--knowledge", "."], "transcribe has no setting --knowledge"),
        (["transcribe", "--enrol"], "transcribe has no setting --enrol"),
        (["voiceprint"], "voiceprint needs --voiceprints"),
        (["voiceprint", "--voiceprints", "x"], "offhook voiceprint key"),
        (["transcribe", "--password", "open sesame"], "transcribe has no setting --password"),
        (["examples/echo.py", "--languages", "en-US"], "--languages goes with a ready-made monitor"),
        (["transcribed"], "no such file"),
    ],
)
def test_wrong_use(arguments: list[str], says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KEY", "KEY_FILE"):
        monkeypatch.delenv(f"OFFHOOK_VOICEPRINT_{name}", raising=False)
    monkeypatch.delenv("OFFHOOK_VOICEPRINTS", raising=False)
    assert says in wrong_use(offhook("serve", *arguments, "--port", "0"))


def test_settings_reach_the_monitor(notes: Path) -> None:
    assert served("transcribe", NONE | {"languages": "en-US, de-DE,"}).languages == ("en-US", "de-DE")
    assert served("assist", NONE | {"knowledge": notes}).name == "assist"
    # What the environment says of voiceprints is not meant for the others.
    assert served("transcribe", NONE | {"voiceprints": notes, "voiceprint_key": notes}).name == "transcribe"


def test_voiceprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder()
    monkeypatch.setenv("OFFHOOK_VOICEPRINT_KEY", new_key())
    assert served("voiceprint", NONE | {"voiceprints": tmp_path, "enrol": True}).name == "voiceprint"
    (tmp_path / "key").write_text("nonsense")
    with pytest.raises(UsageError, match="holds no key"):
        served("voiceprint", NONE | {"voiceprints": tmp_path, "voiceprint_key": tmp_path / "key"})


async def test_a_process_that_is_a_bot_tells_the_flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder()
    monkeypatch.setenv("OFFHOOK_VOICEPRINT_KEY", new_key())
    options = ["--voiceprints", str(tmp_path), "--password", "Please let me in."]
    async with (
        serving(*options, target="voiceprint") as server,
        connect(server.uri, input={"speaker": "4711"}) as call,
    ):
        result = await call.result()
    assert result.output == {
        "verified": "false",
        "speaker": "4711",
        "voice_verdict": "unknown",
        "voice_probability": "",
    }


@pytest.mark.parametrize("name", ["transcribe", "assist"])
async def test_a_process_that_serves_one(name: str, notes: Path) -> None:
    more = ["--knowledge", str(notes)] if name == "assist" else []
    async with serving(*more, target=name) as server:
        assert server.host == "127.0.0.1"
        async with connect(server.uri, profile="monitor") as call:
            await call.play(ulaw.silence(1600))
        result = await call.result()
    assert result.outcome == "hangup"
