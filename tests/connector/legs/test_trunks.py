"""The table `[legs.sip]`, and calls by several trunks through the real stack."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from offhook.connector.legs import sip, trunks
from offhook.connector.legs.sip import Trunk
from offhook.connector.legs.sipstack import Account
from offhook.connector.legs.tables import convert
from offhook.errors import UsageError

from . import sipp as s
from .test_baresip import answering, at, handed_on, needs_sipp


def table(**given: object) -> trunks.Table:
    return convert({"port": 0, "peers": ["127.0.0.1"]} | given, trunks.Table, Path(), "[legs.sip]")


class Board:
    bridge = None

    def take(self, leg: object) -> None:
        raise AssertionError("nobody calls")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"peers": []}, "peers"),
        ({"peers": "127.0.0.1"}, r"\[legs.sip\] peers: expected array, got str"),
        ({"peers": ["pbx.example"]}, "peers: "),
        ({"bridge": "yes"}, r"\[legs.sip\] bridge: expected bool, got str"),
        ({"max-calls": 0}, r"\[legs.sip\] max-calls: expected int >= 1"),
        ({"rtp-timeout": -1}, r"\[legs.sip\] rtp-timeout: expected int >= 0"),
        ({"rtp-ports": [20_000]}, r"\[legs.sip\] rtp-ports: expected array of length 2"),
        ({"srtp": "always"}, r"\[legs.sip\] srtp: invalid enum value 'always'"),
        ({"trunk": "pbx.example"}, r"\[legs.sip\] trunk: expected array, got str"),
        ({"trunk": [{"hst": "x"}]}, r"\[legs.sip\] trunk\[0\]"),
        ({"trunk": [{"host": "x", "password-env": "NOT_THERE"}]}, "trunk: password-env: .* no NOT_THERE"),
        ({"trunk": [{"host": "x", "register": 5}]}, "trunk x: register is 60 to 86400"),
        ({"trunk": [{"host": "x"}, {"host": "x"}]}, "trunk: each has a host of its own"),
        ({"trunk": [{"host": "x", "numbers": []}]}, r"trunk\[0\].numbers"),
        ({"trunk": [{"host": "pbx.example"}, {"host": "PBX.example"}]}, "trunk: each has a host of its own"),
        ({"trunk": [{"host": "x", "numbers": [""]}]}, r"trunk\[0\].numbers\[0\]: expected str of length >= 1"),
        ({"rtp-timeout": 2**32 + 1}, r"\[legs.sip\] rtp-timeout: expected int <= 86400"),
        ({"rtp-ports": [20_000, 20_001]}, "rtp-ports: a call takes two, so .* too few for max-calls, 100"),
        ({"host": "localhost"}, "host: SIP listens on an address"),
        ({"headers": ["two words"]}, "headers: "),
    ],
)
async def test_mistakes_are_told_with_their_key(given, says):
    with pytest.raises(UsageError, match=says):
        async with trunks.serve(table(**given), Board()):
            raise AssertionError("it is open")


def test_trunks_have_their_numbers_and_secrets(monkeypatch):
    monkeypatch.setenv("DESK_PASSWORD", "open sesame")
    (pbx, carrier) = table(
        trunk=[
            {
                "host": "pbx.example",
                "user": "desk7",
                "password-env": "DESK_PASSWORD",
                "register": 600,
                "numbers": ["2??"],
            },
            {"host": "198.51.100.7:5060"},
        ]
    ).trunk
    assert pbx.trunk() == Trunk(Account("desk7", "pbx.example", "open sesame", 600), ("2??",))
    assert carrier.trunk() == Trunk(Account("offhook", "198.51.100.7:5060"), ("*",))


@needs_sipp
async def test_who_is_no_trunk_is_shown_no_password_of_one(tmp_path):
    elsewhere, taken = s.free_port(), []

    async def flow(call) -> None:
        taken.append(await call.transfer(f"sip:desk@127.0.0.1:{elsewhere}"))

    account = Account("desk7", f"127.0.0.1:{s.free_port()}", "open sesame")
    async with answering(flow=flow, targets=("sip:desk@*",), trunks=[account]) as world:
        asked = s.asked("offhook", "")  # what answers is a name that is no secret, and an empty password
        steps = (asked, s.reply("403 Forbidden"), '<recv request="ACK"/>')
        callee = asyncio.create_task(s.callee(tmp_path, elsewhere, *steps))
        await s.listening(elsewhere)
        await world.call(tmp_path, s.invite(), s.answered(), s.HUNG_UP)
        code, said = await callee
        assert code == 0, said
    assert taken == [False]


@needs_sipp
@pytest.mark.parametrize("fails", ["dead", "503"])
async def test_a_trunk_that_fails_is_followed_by_the_next(tmp_path, fails, monkeypatch):
    monkeypatch.setattr(sip, "_REACH", 0.5)
    first, second = s.free_port(), s.free_port()
    async with answering(flow=handed_on, targets=("+1555*",), trunks=[at(first), at(second)]) as world:
        refusal = ('<recv request="INVITE"/>', s.reply("503 Service Unavailable"), '<recv request="ACK"/>')
        tasks = [asyncio.create_task(s.callee(tmp_path, second, *s.taken(), s.HUNG_UP))]
        if fails == "503":
            tasks.append(asyncio.create_task(s.callee(tmp_path, first, *refusal)))
            await s.listening(first)
        await s.listening(second)
        await world.call(tmp_path, s.invite(), s.answered(), s.pause(1500), s.bye())
        for code, said in await asyncio.gather(*tasks):
            assert code == 0, said
