"""`offhook run` as a program, with tables `[legs]` as docs/connector.md and docs/sip.md have them, and mistakes."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.cli.running import offhook, wrong_use
from tests.cli.test_run import Pin, serving, settings
from tests.connector.exchanges import TONE
from tests.connector.legs import sipp as s
from tests.connector.legs.test_asterisk import Pbx, until
from tests.session.conftest import certificate  # noqa: F401 (a fixture)
from tests.session.sockets import Ear

from offhook.session.dial import dial

needs_sipp = pytest.mark.skipif(shutil.which("sipp") is None, reason="scripts/install_test_packages.sh brings SIPp")


class Program:
    """`offhook run`, up.

    Attributes:
        events: Those that it has told.
        log: What it had logged until it was up.
    """

    def __init__(self, process: subprocess.Popen[str], log: list[str], found: re.Match[str]) -> None:
        self.process = process
        self.log = log
        self.found = found

    def stop(self) -> str:
        """Let it drain; all that it has logged. It must end well."""
        self.process.send_signal(signal.SIGTERM)
        rest = self.process.communicate(timeout=30)[1]
        assert self.process.returncode == 0, rest
        return "".join(self.log) + rest


@contextmanager
def running(config: str, up: str, *options: str, **environment: str) -> Iterator[Program]:
    """The program, once its log says `up`, a pattern."""
    process = subprocess.Popen(
        [sys.executable, "-m", "offhook", "run", config, "--no-probe", "--drain", "0", *options],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=os.environ | environment,
    )  # fmt: skip
    log: list[str] = []
    try:
        assert process.stderr is not None
        found = None
        for line in process.stderr:
            log.append(line)
            if found := re.search(up, line):
                break
        assert found, "it has ended: " + "".join(log)
        yield Program(process, log, found)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


class Channel(Pbx):
    """A channel of Asterisk, with the words of its log in."""

    async def dial(self, port: int, password: str) -> None:
        login = base64.b64encode(f"offhook:{password}".encode()).decode()
        headers = {"Sec-WebSocket-Protocol": "media", "Authorization": f"Basic {login}"}
        await dial(f"ws://127.0.0.1:{port}/asterisk", self, headers=headers)


def test_a_channel_of_asterisk_is_answered_hears_the_bot_and_is_hung_up(tmp_path):
    async def call(port: int) -> Channel:
        channel = Channel()
        await channel.dial(port, "open sesame")
        channel.start(OFFHOOK_FROM="+13175550142", OFFHOOK_TO="+13175550199")
        await until(lambda: TONE[:800] in bytes(channel.played))
        channel.say("DTMF_END", digit="1")
        await until(lambda: "HANGUP" in channel.commands)
        await channel.until_lost()
        return channel

    with serving(Pin) as (_, bot_port):
        config = settings(tmp_path, bot_port, '[legs.asterisk]\nport = 0\nhost = "127.0.0.1"\nuser = "offhook"')
        up = r"channels of Asterisk at ws://127\.0\.0\.1:(\d+)/asterisk"
        with running(config, up, ASTERISK_PASSWORD="open sesame") as program:
            channel = asyncio.run(call(int(program.found[1])))
            log = program.stop()
    assert channel.commands[0] == "ANSWER"
    assert "5550142" not in log
    assert "open sesame" not in log


@needs_sipp
def test_a_sip_call_goes_by_a_flow_to_a_second_call_at_the_trunk_for_its_number(tmp_path):
    """One trunk wants a registration and its password, the other takes the numbers of the transfer."""
    registrar, desk = s.free_port(), s.free_port()
    table = f"""
[legs.sip]
port = 0
peers = ["127.0.0.1"]
bridge = true
[[legs.sip.trunk]]
host = "127.0.0.1:{registrar}"
user = "desk7"
password-env = "SIP_PASSWORD"
register = 600
numbers = ["+1999*"]
[[legs.sip.trunk]]
host = "127.0.0.1:{desk}"
numbers = ["+1555*"]
"""

    async def call(program: Program) -> None:
        taking = asyncio.create_task(s.callee(tmp_path, desk, *s.taken(), s.HUNG_UP))
        await s.listening(desk)
        port = int(program.found[1])
        steps = (s.invite(), s.answered(), s.pause(600), s.pcap("dtmf_2833_7.pcap"), s.pause(2500), s.bye())
        code, why = await s.sipp(tmp_path, port, *steps)
        assert code == 0, why
        code, why = await taking
        assert code == 0, why

    async def all_of_it(config: str) -> str:
        registering = asyncio.create_task(s.callee(tmp_path, registrar, *s.registrar("desk7", "open sesame")))
        await s.listening(registrar)
        with running(
            config, r"SIP at 127\.0\.0\.1 port (\d+), from 127\.0\.0\.1", SIP_PASSWORD="open sesame"
        ) as program:
            await call(program)
            log = await asyncio.to_thread(program.stop)
        code, why = await registering
        assert code == 0, why
        return log

    with serving(Pin) as (_, bot_port):
        config = settings(tmp_path, bot_port, table)
        log = asyncio.run(all_of_it(config))
    assert "registered with 127.0.0.1" in log
    assert not re.search("5550001111|5557|open sesame", log)


@needs_sipp
def test_sip_by_options_alone_answers_and_drains(tmp_path):
    config = settings(tmp_path, s.free_port(), "")
    up = r"SIP at 127\.0\.0\.1 port (\d+), from 127\.0\.0\.1"
    with running(config, up, "--sip", "0", "--sip-peer", "127.0.0.1") as program:
        steps = (s.invite(), s.answered(), s.HUNG_UP)  # there is no bot: the flow ends
        code, why = asyncio.run(s.sipp(tmp_path, int(program.found[1]), *steps))
        assert code == 0, why
        assert "5550001111" not in program.stop()


def test_the_page_is_served_by_tls(tmp_path, certificate):  # noqa: F811
    """Browsers give a microphone to `https` only, on other machines than their own."""
    cert, key = certificate
    context = ssl.create_default_context(cafile=str(cert))
    with serving(Pin) as (_, bot_port):
        config = settings(tmp_path, bot_port)
        up = r"talk at https://127\.0\.0\.1:(\d+)/"
        with running(config, up, "--talk", "0", "--tls-cert", str(cert), "--tls-key", str(key)) as program:
            port = int(program.found[1])
            with urllib.request.urlopen(f"https://127.0.0.1:{port}/", context=context) as answer:
                assert b"Call" in answer.read()

            async def ring() -> Ear:
                ear = Ear()
                await dial(f"wss://127.0.0.1:{port}/talk", ear, headers={}, ssl=context)
                assert ear.wire is not None
                ear.wire.send(json.dumps({"type": "start"}))
                await ear.until(lambda ear: TONE[:160] in ear.messages)
                ear.wire.send(json.dumps({"type": "key", "digit": "1"}))
                await ear.until_lost()
                return ear

            ear = asyncio.run(ring())
            program.stop()
    assert json.loads(ear.messages[0]) == {"type": "answered"}


SIP = '[legs.sip]\nport = 0\npeers = ["127.0.0.1"]\n'
TRUNK = SIP + "[[legs.sip.trunk]]\n"


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("[legs.asterisk]", "[legs.asterisk] object missing required field port"),
        ('[legs.asterisk]\nport = "8092"', "[legs.asterisk] port: expected int, got str"),
        ("[legs.asterisk]\nport = 70000", "[legs.asterisk] port: expected int <= 65535"),
        ('[legs.asterisk]\nport = 0\npassword = "x"', "unknown field password"),
        ('[legs.asterisk]\nport = 0\npath = "asterisk"', "[legs.asterisk] path: expected a path"),
        ('[legs.asterisk]\nport = 0\nuser = ""', "[legs.asterisk] user: expected a name"),
        ("[legs.asterisk]\nport = 0\nmax-calls = 0", "[legs.asterisk] max-calls: expected int >= 1"),
        ('[legs.asterisk]\nport = 0\npassword-env = "NOT_THERE"', "[legs.asterisk] password-env: "),
        ('[legs.asterisk]\nport = 0\nhost = "0.0.0.0"', "[legs.asterisk] channels from other machines"),
        ('[legs.talk]\nport = 0\nhost = "192.0.2.1"', "[legs.talk] cannot listen on port 0 on 192.0.2.1"),
        ('[legs.talk]\nport = 0\ntls-cert = "cert.pem"', "[legs.talk] tls-cert and tls-key go together"),
        ('[legs.twilio]\nport = 0\npublic-url = "you.example"', "[legs.twilio] public-url: expected a URL"),
        ('[legs.twilio]\nport = 0\ntoken-env = "NOT_THERE"', "[legs.twilio] token-env: "),
        ("[legs.fax]\nport = 0", "[legs.fax] there is no such kind of leg; there are: asterisk, sip, talk, twilio"),
        ("[legs]\nsip = 3", "legs"),
        ("[legs.sip]\nport = 0", "[legs.sip] nobody may call by SIP: list the addresses"),
        (SIP + "bridge = 1", "[legs.sip] bridge: expected bool, got int"),
        (SIP + 'host = "localhost"', "[legs.sip] host: SIP listens on an address"),
        (SIP + 'host = "192.0.2.1"', "[legs.sip] SIP cannot listen on host 192.0.2.1"),
        (SIP + "rtp-ports = [9, 10]", "[legs.sip] rtp-ports must be"),
        (SIP + "jitter = [0, 5]", "[legs.sip] jitter must be"),
        (SIP + 'codecs = ["opus"]', "[legs.sip] codecs are pcmu and pcma"),
        (SIP + 'headers = ["two words"]', "[legs.sip] headers: 'two words'"),
        (SIP + "register = 600", "[legs.sip] object contains unknown field register"),
        (SIP + 'trunk = "192.0.2.9"', "[legs.sip] trunk: expected array, got str"),
        (TRUNK + 'host = "192.0.2.9"\npassword-env = "NOT_THERE"', "[legs.sip] trunk: password-env: the environment"),
        (TRUNK + 'host = "192.0.2.9"\nregister = 5', "[legs.sip] trunk 192.0.2.9: register is 60 to 86400"),
        (TRUNK + 'host = "192.0.2.9"\nuser = "a@b"', "[legs.sip] trunk 192.0.2.9: user is a plain name"),
        (TRUNK + 'host = "two words"', "[legs.sip] trunk: host is an address"),
    ],
)
def test_a_mistake_is_one_line_with_the_name_of_its_key(tmp_path, lines, says):
    config = settings(tmp_path, 9, lines)
    assert says in wrong_use(offhook("run", config, "--no-probe"))


def test_options_that_do_not_go_together(tmp_path):
    config = settings(tmp_path, 9)
    assert "peers" in wrong_use(offhook("run", config, "--no-probe", "--sip", "0"))
    assert "--tls-cert and --tls-key are for --talk" in wrong_use(
        offhook(
            "run", config, "--no-probe", "--sip", "0", "--sip-peer", "127.0.0.1", "--tls-cert", "x", "--tls-key", "y"
        )
    )
    missing = str(Path(tmp_path) / "none.pem")
    assert f"cannot read the TLS file {missing}" in wrong_use(
        offhook("run", config, "--no-probe", "--talk", "0", "--tls-cert", missing, "--tls-key", missing)
    )
