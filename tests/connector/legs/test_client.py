"""Calls with Debian's baresip, a client that shares no code with the test caller: speech, keys, hold, hang-up, SRTP."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from tests.session.conftest import certificate  # noqa: F401 (a fixture)
from tests.spoken import says

from offhook.audio import tones, ulaw
from offhook.connector import happenings as h
from offhook.connector.legs.wav import WavLeg
from offhook.protocol import DtmfReceived, Paused

from ..lines import Bot, echo
from .phone import NUMBER, free, phone
from .sipp import listening
from .test_baresip import Pin, answering, at, likeness, loud_at, until

pytestmark = pytest.mark.skipif(shutil.which("baresip") is None, reason="scripts/install_test_packages.sh brings it")

TONE = ulaw.encode(tones.tone(440, 2.0, -12))


async def test_recorded_speech_both_ways_keys_hold_and_the_callers_hang_up(tmp_path):
    said, bot = says("confbridge-lock-no-join"), Bot(echo)
    async with answering(bot) as world, phone(tmp_path, said) as caller:
        await caller.tell("dial", f"sip:+15550002222@127.0.0.1:{world.port}")
        await caller.until("CALL_ESTABLISHED")
        await until(lambda: len(bot.heard) > len(said) + 8_000)
        await caller.tell("sndcode", "7")
        await until(lambda: bot.of(DtmfReceived))
        await caller.tell("hold")
        await until(lambda: bot.of(Paused))
        await caller.tell("resume")
        await until(lambda: [event.on for event in world.of(h.Held)] == [True, False])
        heard = len(bot.heard)
        await until(lambda: len(bot.heard) > heard + 1_600)
        await caller.tell("hangup")
        await until(lambda: world.of(h.CallOver))
    arrived, over = world.of(h.CallArrived)[0], world.of(h.CallOver)[0]
    assert (arrived.dnis, over.by, over.reason) == ("+15550002222", "caller", "hung up")
    assert [event.digit for event in bot.of(DtmfReceived)] == ["7"]
    assert likeness(ulaw.decode(said), ulaw.decode(bot.heard)) > 0.9
    assert likeness(ulaw.decode(said), caller.heard) > 0.9


async def test_our_hang_up_ends_its_call(tmp_path):
    async with answering(Pin()) as world, phone(tmp_path, TONE) as caller:
        await caller.tell("dial", f"sip:+15550002222@127.0.0.1:{world.port}")
        await until(lambda: world.of(h.SessionBegan))
        await caller.tell("sndcode", "1")
        await caller.until("CALL_CLOSED")
        await until(lambda: world.of(h.CallOver))
    assert [event.by for event in world.of(h.CallOver)] == ["flow"]


@pytest.mark.parametrize("by", ["caller", "desk"])
async def test_a_caller_is_joined_to_it_gets_keys_across_and_hears_a_sound_on_hold(tmp_path, by):
    async def flow(call: object) -> None:
        await call.transfer(NUMBER)

    caller = WavLeg(ulaw.encode(tones.tone(880, 3.0, -12)))
    async with phone(tmp_path, TONE, answers=True) as desk:  # noqa: SIM117
        async with answering(flow=flow, targets=("+1555*",), trunks=[at(desk.port)]) as world:
            call = world.connector.take(caller)
            await desk.until("CALL_ESTABLISHED")
            await until(lambda: loud_at(ulaw.decode(bytes(caller.heard)), 440) > 1.0)
            for key in "4#":
                caller.press(key)
            await until(lambda: desk.keys == ["4", "#"])
            await desk.tell("hold")
            await until(lambda: [event.on for event in world.of(h.Comforted)][-1:] == [True])
            await desk.tell("resume")
            await until(lambda: [event.on for event in world.of(h.Comforted)][-1:] == [False])
            if by == "desk":
                await desk.tell("hangup")
            else:
                caller.leave()
            await call
            await desk.until("CALL_CLOSED")
    assert [event.by for event in world.of(h.CallOver)] == ["transfer" if by == "desk" else "caller"]
    assert loud_at(desk.heard, 880) > 1.0


@pytest.mark.parametrize(
    ("ours", "theirs", "is_taken"),
    [
        ("optional", "", True),
        ("optional", ";mediaenc=srtp", True),
        ("optional", ";mediaenc=srtp-mandf", True),
        ("mandatory", ";mediaenc=srtp-mandf", True),
        ("mandatory", "", False),
        ("off", ";mediaenc=srtp-mandf", False),
    ],
)
async def test_audio_is_enciphered_where_both_can(tmp_path, ours, theirs, is_taken):
    bot = Bot(echo)
    long = ulaw.encode(tones.tone(440, 4.0, -12))
    async with answering(bot, srtp=ours) as world, phone(tmp_path, long, account=theirs) as caller:
        await caller.tell("dial", f"sip:+15550002222@127.0.0.1:{world.port}")
        if not is_taken:
            await caller.until("CALL_CLOSED")
            assert "CALL_ESTABLISHED" not in caller.events
            assert world.events == []
            return
        await until(lambda: loud_at(ulaw.decode(bot.heard), 440) > 2.4)  # what comes back is behind it
        await caller.tell("hangup")
        await until(lambda: world.of(h.CallOver))
    assert loud_at(caller.heard, 440) > 1.0
    assert ("CALL_MENC" in caller.events) == bool(theirs)  # it tells of a cipher only if there is one


async def test_calls_that_we_place_are_enciphered_too(tmp_path):
    async def flow(call: object) -> None:
        await call.transfer(NUMBER)

    caller = WavLeg(ulaw.encode(tones.tone(880, 2.0, -12)))
    async with phone(tmp_path, TONE, answers=True, account=";mediaenc=srtp-mandf") as desk:  # noqa: SIM117
        async with answering(flow=flow, targets=("+1555*",), trunks=[at(desk.port)], srtp="mandatory") as world:
            call = world.connector.take(caller)
            await until(lambda: loud_at(ulaw.decode(bytes(caller.heard)), 440) > 1.0)
            caller.leave()
            await call
    assert "CALL_MENC" in desk.events
    assert np.abs(desk.heard).max() > 5_000


@pytest.mark.skipif(shutil.which("kamailio") is None, reason="needs Debian's kamailio and kamailio-tls-modules")
@pytest.mark.parametrize("by", ["caller", "bot"])
async def test_a_proxy_as_the_manual_has_it_takes_calls_by_tls(tmp_path, certificate, by):  # noqa: F811
    bot = Pin() if by == "bot" else Bot(echo)
    async with answering(bot) as world, proxy(tmp_path, certificate, world.port) as tls_port:  # noqa: SIM117
        async with phone(tmp_path, TONE, account=";transport=tls") as caller:
            await caller.tell("dial", f"sip:+15550002222@127.0.0.1:{tls_port};transport=tls")
            await caller.until("CALL_ESTABLISHED")
            await until(lambda: loud_at(ulaw.decode(bot.heard), 440) > 1.0)
            await caller.tell(*(("hangup", "") if by == "caller" else ("sndcode", "1")))
            await caller.until("CALL_CLOSED")
            await until(lambda: world.of(h.CallOver))
    assert [event.by for event in world.of(h.CallOver)] == ["caller" if by == "caller" else "flow"]


@asynccontextmanager
async def proxy(folder: Path, certificate: tuple[Path, Path], port: int) -> AsyncIterator[int]:  # noqa: F811
    """Kamailio with the configuration of docs/sip.md before a SIP port, all on this machine; its port of TLS."""
    manual = (Path(__file__).parents[3] / "docs" / "sip.md").read_text()
    config = "#!KAMAILIO" + manual.split("```\n#!KAMAILIO")[1].split("```")[0]
    tls_port, udp_port = free(), free()
    for old, new in {
        "192.0.2.10:5060": f"127.0.0.1:{port}", "192.0.2.10:5061": f"127.0.0.1:{tls_port}",
        "192.0.2.10:5070": f"127.0.0.1:{udp_port}", "192.0.2.10": "127.0.0.1", "198.51.100.7": "127.0.0.1",
        "/etc/kamailio/cert.pem": str(certificate[0]), "/etc/kamailio/key.pem": str(certificate[1]),
    }.items():  # fmt: skip
        assert old in config
        config = config.replace(old, new)
    (folder / "kamailio.cfg").write_text(config)
    process = await asyncio.create_subprocess_exec(
        "kamailio", "-f", str(folder / "kamailio.cfg"), "-DD", "-E", "-m", "64", "-M", "4", "-w", str(folder),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await listening(udp_port)
        yield tls_port
    finally:
        process.terminate()
        await process.wait()
