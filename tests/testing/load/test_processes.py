"""Whole runs over sockets: several processes, our own server and those of another make."""

from __future__ import annotations

import pytest
from tests.testing.load.foreign import Manners, foreign

from offhook import Bot, Call
from offhook.errors import UsageError
from offhook.session.keys import KeyStore
from offhook.session.reception import Reception
from offhook.session.server import Server
from offhook.testing.load.plan import Plan
from offhook.testing.load.processes import run
from offhook.testing.load.result import Report, summarise

SECRET = "dGhpcyBpcyBubyBzZWNyZXQgYXQgYWxs"


async def result(uri: str, **plan: object) -> Report:
    made = Plan(**{"uri": uri, "calls": 6, "ramp": 30.0, "seconds": 1.5} | plan)  # type: ignore[arg-type]
    made.check()
    return summarise(await run(made))


async def test_our_own_server_signed_by_two_processes() -> None:
    bot = Bot(preload=False)

    @bot.handler
    async def echo(call: Call) -> None:
        async for audio in call.audio():
            call.send(audio)

    keys = KeyStore.from_pairs({"key": SECRET})
    async with Server(Reception(bot, keys=keys)) as server:
        uri = f"ws://127.0.0.1:{server.port}/bot"
        report = await result(uri, key="key", secret=SECRET, processes=2, talk="echo")
        refused = await result(uri, key="key", secret="d3JvbmcgYXMgaXQgY2FuIGJl", seconds=0.0)
    await bot.quiet()
    assert (report.ok, report.calls.opened, report.failures) == (True, 6, {})
    assert report.violations == {}
    assert report.audio.foreign_seconds == report.audio.missing_seconds == 0.0
    assert report.echo.count > 0
    assert len(report.generator.cpu) == 2
    assert [row.number for row in report.rows] == list(range(6))
    assert (refused.ok, refused.calls.failed) == (False, 6)
    assert any("401" in reason for reason in refused.failures)


async def test_an_echo_in_other_pieces() -> None:
    async with foreign(Manners(joins=3)) as uri:
        report = await result(uri, talk="echo", frame_ms=20)
    assert report.ok
    assert report.audio.missing_seconds < 6 * 3 * 0.02
    assert report.audio.foreign_seconds == 0.0


async def test_an_echo_with_losses() -> None:
    async with foreign(Manners(drops_every=5)) as uri:
        report = await result(uri, talk="echo", frame_ms=20)
    sent = sum(row.frames_out for row in report.rows) * 0.02
    assert report.audio.missing_seconds == pytest.approx(sent / 5, abs=6 * 0.02)


async def test_another_sound_is_no_echo() -> None:
    async with foreign(Manners(foreign=True)) as uri:
        report = await result(uri, talk="echo")
    assert report.failures == {"nothing of what was said came back": 6}
    assert report.audio.foreign_seconds > 1.0


@pytest.mark.parametrize(
    ("manners", "reason"),
    [
        (Manners(refuses=True), "refused: unauthorized"),
        (Manners(status=503), "the server refused the WebSocket upgrade: HTTP 503 Service Unavailable"),
        (Manners(hangs_up_after=3), "the server closed the socket in mid-call"),
    ],
)
async def test_bad_servers(manners: Manners, reason: str) -> None:
    async with foreign(manners) as uri:
        report = await result(uri, seconds=1.0)
    assert report.failures == {reason: 6}
    assert not report.ok


async def test_a_slow_opened_is_measured() -> None:
    async with foreign(Manners(opened_after=0.3)) as uri:
        report = await result(uri)
    assert report.ok
    assert report.opened.p50 == pytest.approx(300, abs=100)


async def test_wrong_pongs_are_violations() -> None:
    async with foreign(Manners(wrong_pong=True)) as uri:
        report = await result(uri)
    assert sum(report.violations.values()) >= 6


async def test_nobody_there() -> None:
    report = await result("ws://127.0.0.1:9/x", seconds=0.0)
    assert report.calls.failed == 6
    assert list(report.failures) == ["cannot connect to 127.0.0.1 port 9 (Connection refused): is the server up?"]


async def test_what_a_process_cannot_do_is_told() -> None:
    with pytest.raises(UsageError, match=r"absent\.wav"):
        await result("ws://127.0.0.1:9/x", wav="absent.wav")
