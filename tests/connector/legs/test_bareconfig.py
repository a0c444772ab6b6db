"""What the stack would take silently for something else is told, and the rest is what it reads."""

from __future__ import annotations

import socket

import pytest

from offhook.connector.legs.bareconfig import account_line, check, configuration, free_port
from offhook.connector.legs.sipstack import Account, StackSettings
from offhook.errors import UsageError

PBX = Account("desk7", "pbx.example:5070", "open sesame", 600)


def settings(**changes: object) -> StackSettings:
    return StackSettings(**({"host": "127.0.0.1", "port": 0} | changes))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"host": "pbx.example"}, "host: .*an address"),
        ({"rtp_ports": (30_000, 20_000)}, "rtp-ports"),
        ({"rtp_ports": (80, 90)}, "rtp-ports"),
        ({"jitter": (400, 40)}, "jitter"),
        ({"codecs": ("opus",)}, "codecs are pcmu and pcma"),
        ({"codecs": ()}, "codecs are pcmu and pcma"),
        ({"codecs": ("pcmu", "pcmu")}, "codecs are pcmu and pcma, each once"),
        ({"headers": tuple(f"X-{n}" for n in range(13))}, "12 headers"),
        ({"headers": ("two words",)}, "headers: 'two words'"),
        ({"accounts": (Account("desk7", "two words"),)}, "trunk: host"),
        ({"accounts": (Account("desk7", "pbx.example:0"),)}, "trunk: host"),
        ({"accounts": (Account("desk7", "pbx.example:70000"),)}, "trunk: host"),
        ({"accounts": (Account("desk7", "[:::]"),)}, "trunk: host"),
        ({"accounts": (Account("desk7", "pbx..example"),)}, "trunk: host"),
        ({"accounts": (Account("desk7", "-"),)}, "trunk: host"),
        ({"accounts": (Account("a@b", "pbx.example"),)}, "trunk pbx.example: user"),
        ({"accounts": (Account("desk7", "pbx.example", 'say "x"'),)}, "password"),
        ({"accounts": (Account("desk7", "pbx.example", "", 5),)}, "register is 60 to 86400"),
    ],
)
def test_settings_that_cannot_be_are_told(changes, says):
    with pytest.raises(UsageError, match=says):
        check(settings(**changes))


def test_settings_that_can_be():
    check(settings(accounts=(PBX, Account("+1555", "[2001:db8::1]:5060")), headers=("X-Ticket",), srtp="optional"))


def test_the_configuration_holds_what_was_set():
    told = configuration(
        settings(host="::1", jitter=(20, 200), rtp_ports=(30_000, 30_100), headers=("X-A", "To")), 5070
    )
    assert told["net_interface"] == "::1"
    assert told["expose_headers"] == ("From", "To", "P-Asserted-Identity", "Diversion", "X-A")
    lines = told["extra_config_text"].splitlines()
    assert {"sip_listen [::1]:5070", "rtp_ports 30000-30100", "audio_jitter_buffer_ms 20-200"} <= set(lines)
    assert configuration(settings(host="0.0.0.0"), 5060)["net_interface"] is None


def test_accounts_are_ourselves_and_one_for_each_trunk():
    given = settings(accounts=(PBX,), codecs=("pcma",), srtp="mandatory")
    ours, theirs = account_line(given, None, 5070), account_line(given, PBX, 5070)
    assert ours.startswith("<sip:offhook@127.0.0.1:5070>;regint=0;catchall=yes")
    assert "open sesame" not in ours
    assert theirs.startswith('<sip:desk7@pbx.example:5070>;auth_user=desk7;auth_pass="open sesame";regint=600')
    assert all("audio_codecs=pcma" in line and "mediaenc=srtp-mandf" in line for line in (ours, theirs))
    assert "mediaenc" not in account_line(settings(), None, 5070)
    assert account_line(settings(host="0.0.0.0"), None, 1).startswith("<sip:offhook@localhost:1>")
    assert "open sesame" not in repr(PBX)


def test_a_port_that_is_taken_is_told():
    port = free_port("127.0.0.1", 0)
    assert free_port("127.0.0.1", port) == port
    with pytest.raises(UsageError, match=r"cannot listen on host 192.0.2.1 port 0"):
        free_port("192.0.2.1", 0)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(UsageError, match=rf"cannot listen on host 127.0.0.1 port {taken}: Address already in use"):
            free_port("127.0.0.1", taken)
