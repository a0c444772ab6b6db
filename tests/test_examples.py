"""The examples run, are short, and the README shows them as they are."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.bots.llm_server import Model, serving
from tests.spoken import prompts

from offhook import connect
from offhook.audio import tones, ulaw
from offhook.bots import Engines
from offhook.bots.llm import LLMBot
from offhook.cli.target import load_host
from offhook.errors import UsageError
from offhook.protocol import ClientSession
from offhook.session.reception import Reception
from offhook.session.server import Server
from offhook.speech.engines import Float32, Transcription
from offhook.speech.voiceprint.phrase import same_words
from offhook.testing.pair import SESSION_ID, opening
from offhook.testing.recordings import Recordings

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
RUN = [*EXAMPLES, *sorted((ROOT / "examples" / "flows").glob("*.py"))]
README = (ROOT / "README.md").read_text()


def server_of(name: str) -> Server:
    return Server(Reception(load_host(str(ROOT / "examples" / name))))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 40


@pytest.mark.parametrize("path", RUN, ids=lambda path: path.name)
def test_each_example_is_run_by_a_test(path: Path) -> None:
    """As a file, a module or a program; what it does is for that test to say."""
    ways = (rf'\w+\("{path.name}"\)', rf"examples\.{path.stem} import", rf'"examples" / "{path.name}"')
    tests = [test.read_text() for test in (ROOT / "tests").rglob("test_*.py")]
    assert any(re.search(way, text) for way in ways for text in tests)


@pytest.mark.parametrize("name", ["support.py", "transcribe.py"])
def test_the_readme_shows_the_example(name: str) -> None:
    code = (ROOT / "examples" / name).read_text().split('"""\n', 1)[1].strip()
    assert code in README


async def test_echo() -> None:
    spoken = ulaw.encode(tones.tone(440, 0.5))
    async with server_of("echo.py") as server:
        async with connect(f"ws://127.0.0.1:{server.port}/api/v1/audiohook/ws") as call:
            await call.play(spoken)
            await call.listen(timeout=5)
        assert spoken in call.recording()[1]
        assert (await call.result()).outcome == "hangup"


async def test_keypad_by_the_program_that_calls_it(capfd: pytest.CaptureFixture[str]) -> None:
    async with server_of("keypad.py") as server:
        uri = f"ws://127.0.0.1:{server.port}/api/v1/audiohook/ws"
        program = await asyncio.create_subprocess_exec(
            sys.executable, str(ROOT / "examples" / "place_call.py"), uri, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await program.communicate()
    assert program.returncode == 0
    assert re.search(r"the bot spoke for 0\.\d s", out.decode())
    assert "completed {'verified': 'true', 'attempts': '1'}" in out.decode()


def test_own_loop() -> None:
    sys.path.insert(0, str(ROOT))
    from examples.own_loop import Recorder

    client, recorder = ClientSession(SESSION_ID, opening()), Recorder(SESSION_ID)

    def carry(now: float) -> None:
        for data in client.data_to_send(now):
            for answer in recorder.feed(data, now):
                client.receive(answer, now)

    client.open()
    carry(0.0)
    client.send_audio(b"\x01\x02\x03")
    carry(0.1)
    client.close()
    carry(0.2)
    assert bytes(recorder.audio) == b"\x01\x02\x03"
    assert client.finished


async def test_mounted_in_fastapi() -> None:
    import uvicorn

    sys.path.insert(0, str(ROOT))
    from examples.mount import app

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", ws="websockets-sansio", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
        await asyncio.sleep(0)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with connect(f"ws://127.0.0.1:{port}/audiohook/ws", input={"pin": "42"}) as call:
        await call.listen(timeout=5)
        await call.dtmf("42#")
        result = await call.result()
    server.should_exit = True
    await serving
    assert result.output == {"verified": "true", "attempts": "1"}


async def test_order_status_by_keys_and_by_voice() -> None:
    pytest.importorskip("hibari")
    try:
        recordings = Recordings.find()
    except UsageError:
        pytest.skip("no recorded speech: make recordings")
    if recordings.source != "asterisk":
        pytest.skip("the recordings that are here hold no digits: make recordings")
    async with server_of("order_status.py") as server:
        uri = f"ws://127.0.0.1:{server.port}/api/v1/audiohook/ws"
        async with connect(uri) as call:
            await call.listen(timeout=8, quiet=0.8)
            await call.play(recordings.utterance([f"digits/{digit}" for digit in (4, 7, 1, 1)]).audio)
            await call.listen(timeout=12, quiet=1.0)
            await call.dtmf("2")
            result = await call.result()
        told = [entity.data["disposition"] for entity in call.entities if entity.type == "bot_turn_response"]
    assert result.output == {"order": "4711", "known": "true", "by": "speech"}
    assert told == ["match", "match"]


async def test_an_appointment_in_two_languages() -> None:
    """The example's handler, with a Spanish recogniser that says what it is told to."""
    host = load_host(str(ROOT / "examples" / "appointment.py"))
    heard = {"en-US": "Spanish, please.", "es-ES": "El martes."}

    class Told:
        rate, languages = 8000, ("en", "es")

        def transcribe(self, pcm: Float32, language: str | None) -> Transcription:
            return Transcription(heard[language or "en-US"], 0.9, (), (language or "en")[:2])

    class Beep:
        rate, languages, voices, name = 8000, ("en", "es"), ("beep",), "beep"

        def synthesise(self, text: str, *, voice: str | None = None, language: str | None = None) -> Iterator[Float32]:
            yield tones.tone(500, 0.2).astype(np.float32) / 32768

    host.engines = Engines("earshot", Told(), Beep(), recognisers={"es": Told()}, synthesisers={"es": Beep()})
    speech = Recordings.find().utterance([next(iter(Recordings.find().clips))]).audio[:12000]
    async with (
        Server(Reception(host)) as server,
        connect(f"ws://127.0.0.1:{server.port}/api/v1/audiohook/ws") as call,
    ):
        for _ in range(2):
            await call.listen(timeout=20)
            await call.play(speech)
        result = await call.result()
    assert result.output == {"day": "martes", "language": "es"}


async def test_a_language_model_is_asked_what_a_person_says(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("hibari")
    prompts()
    async with serving(Model([("order_status", '{"number": "4721"}')], "It arrives on Friday.")) as model:
        monkeypatch.setenv("LLM_URL", model.url)
        bot = load_host(str(ROOT / "examples" / "llm_bot.py"))
        assert isinstance(bot, LLMBot)
        await bot.load()
        async with (
            contextlib.aclosing(bot),
            Server(Reception(bot)) as server,
            connect(f"ws://127.0.0.1:{server.port}/api/v1/audiohook/ws") as call,
        ):
            greeting = await call.listen(timeout=30, quiet=0.8)
            await call.play(prompts().utterance([f"digits/{digit}" for digit in (4, 7, 2, 1)]).audio)
            answer = await call.listen(timeout=30, quiet=0.8)
    assert greeting.seconds > 1.5
    question = model.asked[0]["messages"][-1]["content"]
    assert same_words("four seven two one", question) or re.sub(r"\D", "", question) == "4721", question
    assert model.asked[1]["messages"][-1]["content"] == "on its way, and arrives on Friday"
    assert answer.seconds > 0.8


async def test_custom_voice() -> None:
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng is not installed")
    async with server_of("custom_voice.py") as server:
        call = connect(f"ws://127.0.0.1:{server.port}/api/v1/audiohook/ws", language="en-US")
        async with call:
            result = await call.result()
    assert result.outcome == "completed"
    assert result.heard_seconds > 2.5
