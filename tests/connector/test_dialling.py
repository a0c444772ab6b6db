"""`connect()` over real sockets: both engines, signed and refused, real time."""

from __future__ import annotations

import asyncio

import pytest

from offhook.audio import wav
from offhook.connector import connect
from offhook.errors import AudioFileError, ConnectionLost, KeyFileError, UpgradeRejected, UsageError
from offhook.protocol import MONITOR, CloseRequested, Tolerated, Violation
from offhook.session.keys import SAMPLE_KEY, SAMPLE_SECRET, KeyStore, decode_secret
from offhook.session.reception import Reception
from offhook.session.server import Server

from .lines import Bot, echo, ramp

engines = pytest.mark.parametrize("engine", ["picows", "websockets"])
PATH = "/api/v1/audiohook/ws"


def uri(server: Server, path: str = PATH) -> str:
    return f"ws://127.0.0.1:{server.port}{path}"


@engines
async def test_what_comes_back_over_a_socket_is_what_was_sent(engine, tmp_path):
    bot = Bot(echo)
    wav.write_ulaw(tmp_path / "in.wav", [ramp(8_000)])
    async with Server(bot.reception, engine=engine) as server:
        async with connect(uri(server), engine=engine, record=tmp_path / "out.wav") as call:
            await call.play(tmp_path / "in.wav")
            await call.wait(0.6)
        result = await call.result()
    external, internal = wav.read_ulaw(tmp_path / "out.wav")
    assert ramp(8_000) in external
    assert ramp(8_000) in internal
    assert (result.outcome, result.violations, result.tolerated) == ("hangup", (), ())
    assert result.opened_ms is not None
    assert result.rtt_ms is not None
    assert not bot.of(Violation)
    assert not bot.of(Tolerated)
    assert bot.of(CloseRequested) == [CloseRequested("end")]


@engines
async def test_a_signed_call_comes_in_and_a_badly_signed_one_does_not(engine):
    bot = Bot()
    reception = Reception(bot, keys=KeyStore.sample())
    async with Server(reception, engine=engine) as server:
        for secret in (SAMPLE_SECRET, decode_secret(SAMPLE_SECRET)):
            async with connect(uri(server), key=SAMPLE_KEY, secret=secret, engine=engine, input={"n": 1}):
                pass
        for key, secret in ((SAMPLE_KEY, "bm90IHRoZSBzZWNyZXQ="), ("bm9ib2R5", SAMPLE_SECRET), (SAMPLE_KEY, None)):
            call = connect(uri(server), key=key, secret=secret, engine=engine)
            with pytest.raises(UpgradeRejected, match="401"):
                async with call:
                    pass
            assert call.snapshot().outcome == "unauthorized"
    assert [open.input_variables for open in bot.opens] == [{"n": "1"}] * 2


async def test_a_probe_over_a_socket():
    bot = Bot(profile=MONITOR)
    async with Server(bot.reception) as server, connect(uri(server), profile="monitor", probe=True) as call:
        result = await call.result()
    assert result.outcome == "hangup"
    assert bot.opens[0].is_probe


async def test_nobody_at_home():
    async with Server(Bot().reception) as server:
        port = server.port
    with pytest.raises(ConnectionLost, match="is the server up"):
        async with connect(f"ws://127.0.0.1:{port}/"):
            pass


async def test_the_socket_is_let_go_of_when_the_call_is_left():
    bot = Bot()
    async with Server(bot.reception) as server:
        async with connect(uri(server)) as call:
            await asyncio.wait_for(call.wait(0.1), 5)
        assert call.link.connection.gone.is_set()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"uri": "http://bot.example/"}, UsageError),
        ({"profile": "fax"}, UsageError),
        ({"channels": "both"}, UsageError),
        ({"secret": "no base64!"}, KeyFileError),
        ({"record": "/no/such/folder/out.wav"}, AudioFileError),
        ({"conversation_id": "7"}, UsageError),
        ({"frame_ms": 5}, UsageError),
    ],
)
def test_options_that_cannot_be_used_are_refused_before_anything_happens(options, error):
    with pytest.raises(error):
        connect(**{"uri": "ws://bot.example/"} | options)
