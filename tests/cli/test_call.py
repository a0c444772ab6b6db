"""`offhook call`, from the command line to the server's end."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from ssl import SSLContext

import pytest
from tests.connector.lines import Bot, call_to, echo, ramp

from offhook.audio import tones, ulaw, wav
from offhook.cli import call as verb
from offhook.cli.callview import CallView
from offhook.cli.main import run
from offhook.connector.player import CUSHION
from offhook.protocol import (
    BARGE_IN,
    MONITOR,
    TRANSCRIPTION,
    AudioReceived,
    CloseRequested,
    DtmfReceived,
    Entity,
    Event,
    Paused,
    PlaybackStarted,
    Tolerated,
    Violation,
    bot_turn_response,
    trace,
    transcript,
)
from offhook.session.keys import SAMPLE_KEY, SAMPLE_SECRET, KeyStore
from offhook.session.listen import ssl_context
from offhook.session.reception import Decline, Reception
from offhook.session.server import Server

UUID = "30b0e395-84d3-4570-ac13-9a62d8f514c0"


@contextmanager
def serving(
    make: Callable[[], Bot], keys: KeyStore | None = None, tls: SSLContext | None = None
) -> Iterator[tuple[Bot, str]]:
    """A bot behind a socket, in a thread: the command line has the main one."""
    ready = threading.Event()
    shared: dict[str, object] = {}

    async def main() -> None:
        bot = make()
        if keys is not None:
            bot.reception = Reception(bot, keys=keys)
        shared["loop"], shared["stop"] = asyncio.get_running_loop(), asyncio.Event()
        async with Server(bot.reception, ssl=tls) as server:
            scheme = "wss" if tls else "ws"
            shared["bot"], shared["uri"] = bot, f"{scheme}://127.0.0.1:{server.port}/api/v1/audiohook/ws"
            ready.set()
            await shared["stop"].wait()

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    assert ready.wait(10)
    try:
        yield shared["bot"], shared["uri"]
    finally:
        shared["loop"].call_soon_threadsafe(shared["stop"].set)
        thread.join(10)


@pytest.fixture
def sound(tmp_path) -> Path:
    wav.write_ulaw(tmp_path / "in.wav", [ramp(4_000)])
    return tmp_path / "in.wav"


def test_what_comes_back_from_an_echo_is_what_was_sent(sound, tmp_path, capsys):
    with serving(lambda: Bot(echo)) as (bot, uri):
        code = run(["call", uri, "--wav", str(sound), "--record", str(tmp_path / "out.wav"), "--wait", "0.5", "--json"])
    assert code == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    result = json.loads(out)
    assert (result["outcome"], result["output"], result["violations"]) == ("hangup", {}, [])
    assert 0 < result["opened_ms"] < 1_000
    assert {"rtt_ms", "sent_seconds", "heard_seconds", "messages", "session_id"} <= set(result)
    external, internal = wav.read_ulaw(tmp_path / "out.wav")
    assert ramp(4_000) in external
    assert ramp(4_000) in internal
    assert not bot.of(Violation)
    assert not bot.of(Tolerated)
    assert bot.of(CloseRequested) == [CloseRequested("end")]


def test_a_person_sees_the_call_happen(capsys):
    said = transcript(UUID, 0, "my \x1b[31mname", final=True, offset=0, duration=8_000, confidence=0.9)

    def talk(bot: Bot, event: Event) -> None:
        if isinstance(event, DtmfReceived):
            bot.session.send_event(said, bot_turn_response("match", "yes"), BARGE_IN, Entity("mood", {"good": True}))
            bot.session.send_audio(ramp(400))
        elif isinstance(event, PlaybackStarted):
            bot.session.pause()
        elif isinstance(event, Paused):
            bot.session.resume()
            bot.session.disconnect("completed", "goodbye", {"intent": "agent"})

    with serving(lambda: Bot(talk)) as (_, uri):
        code = run(["call", uri, "--dtmf", "7@0.1"])
    assert code == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    expected = """opened in
        PCMU external
        key 7
        heard on channel 0: my �[31mname
        turn match: yes
        barge-in
        mood {"good":true}
        bot speaks
        bot pauses
        bot ends the call: completed: goodbye
        completed (goodbye)
        intent = agent
        said """
    for text in expected.split("\n"):
        assert text.strip() in captured.out
    assert "\x1b[31mname" not in captured.out


def test_a_server_that_breaks_a_rule_is_told_so_and_fails(capsys):
    def talk(bot: Bot, event: Event) -> None:
        if isinstance(event, DtmfReceived):
            bot.link.connection._wire.send("{")

    with serving(lambda: Bot(talk)) as (_, uri):
        assert run(["call", uri, "--dtmf", "1@0"]) == 1
        human = capsys.readouterr().out
        assert run(["call", uri, "--dtmf", "1@0", "--json"]) == 1
        result = json.loads(capsys.readouterr().out)
    assert "error 400" in human
    assert "malformed" in human
    assert result["outcome"] == "error"
    assert [fault["code"] for fault in result["violations"]] == [400]


def test_sounds_are_said_in_order_and_keys_at_their_time(sound):
    with serving(Bot) as (bot, uri):
        assert (
            run(["call", uri, "--tone", "400:0.2", "--wav", str(sound), "--dtmf", "12@0.1,#@0.6", "--wait", "0"]) == 0
        )
    tone = ulaw.encode(tones.tone(400, 0.2))
    begin = bot.heard.index(tone)
    assert bot.heard[begin:].startswith(tone + ramp(4_000))
    keys = bot.of(DtmfReceived)
    assert [key.digit for key in keys] == ["1", "2", "#"]
    assert [key.position - begin for key in keys] == [800, 2_400, 4_800]


def test_what_open_carries(tmp_path):
    (tmp_path / "config.json").write_text('{"voice":"low"}')
    with serving(Bot) as (bot, uri):
        options = ["--input", "lang=en", "--input", "note=a=b", "--language", "de-DE", "--ani", "+15550001111"]
        options += ["--dnis", "tel:+15550002222", "--custom-config", f"@{tmp_path / 'config.json'}"]
        options += ["--organization-id", UUID, "--wait", "0"]
        assert run(["call", uri, *options]) == 0
    open = bot.opens[0]
    assert open.input_variables == {"lang": "en", "note": "a=b"}
    assert (open.language, open.custom_config, open.organization_id) == ("de-DE", {"voice": "low"}, UUID)
    assert (open.participant.ani, open.participant.dnis) == ("tel:+15550001111", "tel:+15550002222")


@pytest.mark.parametrize(
    ("options", "profile", "channels"),
    [
        (["--channels", "both"], MONITOR, ("external", "internal")),
        (["--channels", "internal"], MONITOR, ("internal",)),
        (["--profile", "transcription"], TRANSCRIPTION, ("external", "internal")),
        (["--profile", "transcription", "--channels", "external"], TRANSCRIPTION, ("external",)),
    ],
)
def test_channels_and_products(options, profile, channels):
    with serving(lambda: Bot(profile=profile)) as (bot, uri):
        assert run(["call", uri, "--wait", "0.2", *options]) == 0
    assert bot.opens[0].media[0].channels == channels
    assert bot.of(AudioReceived)


def test_keys_come_from_the_environment(monkeypatch, capsys):
    monkeypatch.setenv("OFFHOOK_KEY", SAMPLE_KEY)
    monkeypatch.setenv("OFFHOOK_SECRET", SAMPLE_SECRET)
    with serving(Bot, KeyStore.sample()) as (_, uri):
        assert run(["call", uri, "--wait", "0"]) == 0
        capsys.readouterr()
        assert run(["call", uri, "--wait", "0", "--secret", "bm90IGl0", "--json"]) == 1
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert (result["outcome"], result["opened_ms"]) == ("unauthorized", None)
    assert "401" in result["reason"]
    assert "bm90IGl0" not in captured.out + captured.err


def test_a_session_that_is_refused(capsys):
    with serving(lambda: Bot(answer=Decline("error", "no such bot"))) as (_, uri):
        assert run(["call", uri]) == 1
        assert "refused (error: no such bot)" in capsys.readouterr().out
        assert run(["call", uri, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["outcome"] == "refused"


def test_nobody_at_home(capsys):
    with serving(Bot) as (_, uri):
        pass
    assert run(["call", uri, "--json"]) == 1
    result = json.loads(capsys.readouterr().out)
    assert result["outcome"] == "lost"
    assert "is the server up" in result["reason"]


def test_a_probe(capsys):
    with serving(Bot) as (bot, uri):
        assert run(["call", uri, "--probe", "--json"]) == 0
    assert bot.opens[0].is_probe
    assert json.loads(capsys.readouterr().out)["sent_seconds"] == 0


def test_every_message_is_traced(tmp_path, sound):
    path = tmp_path / "out.ndjson"
    with serving(Bot) as (bot, uri):
        assert run(["call", uri, "--wav", str(sound), "--trace", str(path), "--wait", "0"]) == 0
    with path.open("rb") as lines:
        read = trace.read(lines)
    assert (read.header.role, read.header.profile) == ("client", "connector")
    assert read.end is not None
    assert read.end.end == "hangup"
    assert read.messages[0].t == 0
    sent = [message.data for message in read.messages if message.sender == "client"]
    assert b"".join(data for data in sent if isinstance(data, bytes)) == bot.heard
    assert '"closed"' in read.messages[-1].data


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--wav", "nowhere.wav"], "nowhere.wav"),
        (["--wav", __file__], "test_call.py"),
        (["--tone", "loud"], "440:2.5"),
        (["--tone", "5000"], "4000 Hz"),
        (["--dtmf", "1"], "KEYS@SECONDS"),
        (["--dtmf", "x@1"], "0-9"),
        (["--dtmf", "1@1", "--profile", "monitor"], "no keys"),
        (["--input", "x"], "NAME=VALUE"),
        (["--custom-config", "{"], "JSON"),
        (["--custom-config", "@nowhere.json"], "nowhere.json"),
        (["--frame-ms", "7"], "20 to 4000"),
        (["--frame-ms", "x"], "frame-ms"),
        (["--profile", "fax"], "fax"),
        (["--profile", "connector", "--channels", "both"], "external channel alone"),
        (["--secret", "?"], "base64"),
        (["--record", "nowhere/out.wav"], "nowhere"),
        (["--trace", "nowhere/out.ndjson"], "nowhere"),
        (["--probe", "--tone", "400"], "probe"),
        (["--nonsense"], "--nonsense"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(options, words, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert run(["call", "ws://127.0.0.1:1/", *options]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert words in captured.err


def test_a_missing_speech_engine_says_what_to_install(monkeypatch, capsys):
    from offhook.errors import EngineMissing

    async def synthesise(text: str, *, language: str | None) -> bytes:
        raise EngineMissing("hibari", "speech")

    monkeypatch.setattr(verb, "synthesise", synthesise)
    assert run(["call", "ws://127.0.0.1:1/", "--say", "hello"]) == 2
    assert "offhook[speech]" in capsys.readouterr().err


def test_words_are_made_before_the_call(monkeypatch):
    async def synthesise(text: str, *, language: str | None) -> bytes:
        return f"<{text} in {language}>".encode()

    monkeypatch.setattr(verb, "synthesise", synthesise)
    with serving(Bot) as (bot, uri):
        assert run(["call", uri, "--say", "hello", "--say", "you", "--wait", "0"]) == 0
    assert b"<hello in en-US>\xff" in bot.heard
    assert bot.heard.index(b"<hello") < bot.heard.index(b"<you in en-US>")


def test_a_certificate_of_nobody_is_believed_if_told_to(tmp_path, capsys):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-subj", "/CN=elsewhere", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(command, check=True, capture_output=True)
    with serving(Bot, tls=ssl_context(cert, key)) as (bot, uri):
        assert run(["call", uri, "--wait", "0"]) == 1
        assert "certificate" in capsys.readouterr().out
        for engine in ("picows", "websockets"):
            assert run(["call", uri, "--wait", "0", "--insecure", "--engine", engine]) == 0
    assert len(bot.opens) == 2


def test_ctrl_c_hangs_up_and_still_reports():
    with serving(Bot) as (bot, uri):
        # Tests that run in the background inherit that Ctrl-C is ignored.
        heeding = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        code = heeding + "from offhook.cli.main import main; main()"
        command = [sys.executable, "-c", code, "call", uri, "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert b"opened" in process.stderr.readline()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err == b""
    assert json.loads(out)["outcome"] == "hangup"
    assert bot.of(CloseRequested) == [CloseRequested("end")]


# How long a call lasts, in virtual time.


async def lasted(bot: Bot, *sounds: bytes, wait: float | None = None) -> float:
    """Seconds of a call with this script."""
    call = call_to(bot)
    script = verb._Script([(sound,) for sound in sounds], [], wait)
    await verb._place(call, script, CallView(to_stderr=True))
    return call.link.position / ulaw.RATE


@pytest.mark.virtual_time
async def test_a_call_ends_two_seconds_behind_the_last_sound_of_the_bot():
    answers = iter([ramp(16_000)])

    def reply(bot: Bot, event: Event) -> None:
        if isinstance(event, AudioReceived) and event.position > 12_000:
            for answer in answers:
                bot.session.send_audio(answer)

    bot = Bot(reply)
    seconds = await lasted(bot, ramp(8_000))
    begin = bot.of(PlaybackStarted)[0].position / ulaw.RATE
    assert begin > 1.5
    assert seconds == pytest.approx(begin + 2 + verb.QUIET, abs=0.05)


@pytest.mark.virtual_time
async def test_silence_that_a_bot_sends_is_silence():
    seconds = await lasted(Bot(echo), ramp(8_000))
    assert seconds == pytest.approx(1 + 0.2 + CUSHION / ulaw.RATE + verb.QUIET, abs=0.1)


@pytest.mark.virtual_time
async def test_a_bot_that_never_stops_is_left():
    def babble(bot: Bot, event: Event) -> None:
        if isinstance(event, AudioReceived):
            bot.session.send_audio(ramp(len(event.data)))

    assert await lasted(Bot(babble), ramp(800)) == pytest.approx(60.1, abs=0.1)


@pytest.mark.virtual_time
async def test_without_a_script_the_bot_has_a_minute():
    assert await lasted(Bot()) == pytest.approx(60, abs=0.1)


@pytest.mark.virtual_time
@pytest.mark.parametrize("wait", [0.0, 7.0])
async def test_or_as_long_as_one_likes(wait):
    assert await lasted(Bot(), ramp(800), wait=wait) == pytest.approx(0.1 + wait, abs=0.05)
