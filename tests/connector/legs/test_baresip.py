"""Calls of SIPp through the real stack and the connector to a bot, and back."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from offhook.audio import alaw, tones, ulaw
from offhook.connector import happenings as h
from offhook.connector.exchange import Connector
from offhook.connector.integrations import Integration
from offhook.connector.legs.baresip import BaresipStack
from offhook.connector.legs.sip import SipDoor, Trunk
from offhook.connector.legs.sipstack import Account, StackSettings
from offhook.errors import UsageError
from offhook.protocol import DtmfReceived, Paused
from offhook.session.server import Server

from ..lines import Bot, echo
from . import sipp as s

TONE = ulaw.encode(tones.tone(440, 1.5, -12))

needs_sipp = pytest.mark.skipif(shutil.which("sipp") is None, reason="scripts/install_test_packages.sh brings SIPp")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="SIPp plays recorded packets by a raw socket: root")


def at(port: int) -> Account:
    """A trunk that asks for nothing."""
    return Account("offhook", f"127.0.0.1:{port}")


async def until(condition) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 (it comes by a socket)
            await asyncio.sleep(0.005)


class World:
    def __init__(self, connector: Connector) -> None:
        self.events: list[object] = []
        self.port = 0
        self.connector = connector

    async def call(self, folder: Path, *steps: str, calls: int = 1, **options) -> list[h.CallOver]:
        """Calls by SIPp that must go by these steps; how they ended here."""
        code, said = await s.sipp(folder, self.port, *steps, calls=calls, **options)
        assert code == 0, said
        await until(lambda: len(self.of(h.CallOver)) >= calls)
        return self.of(h.CallOver)[-calls:]

    def of(self, kind: type) -> list:
        return [event for event in self.events if isinstance(event, kind)]


@asynccontextmanager
async def answering(
    bot: Bot | None = None,
    *,
    peers=("127.0.0.1",),
    max_calls: int = 10,
    numbers=(),
    flow=None,
    targets=(),
    trunks=(),
    host="127.0.0.1",
    **settings,
) -> AsyncIterator[World]:
    connector = Connector(transfer_targets=targets)
    world = World(connector)
    connector.watch(lambda conversation, event: world.events.append(event))
    connector.add_flow(flow or (lambda call: call.audio_connector("bot")), *numbers)
    known = tuple(trunk if isinstance(trunk, Trunk) else Trunk(trunk) for trunk in trunks)
    stack = BaresipStack(StackSettings(host, 0, accounts=tuple(trunk.account for trunk in known), **settings))
    door = SipDoor(stack, connector.take, peers=peers, max_calls=max_calls, trunks=known)
    connector.bridge = door.dial if known else None
    world.port = await door.start()
    try:
        async with Server((bot or Bot()).reception) as server, connector:
            uri = f"ws://127.0.0.1:{server.port}/"
            connector.integrations.put(Integration(name="bot", uri=uri, active=True, frame_ms=20))
            yield world
    finally:
        await door.close()


def loud_at(pcm: np.ndarray, frequency: float) -> float:
    """Seconds in which a tone of this frequency rules."""
    pieces = [pcm[at : at + 400] for at in range(0, len(pcm) - 400, 400)]
    spectra = [np.abs(np.fft.rfft(piece * np.hanning(400))) for piece in pieces]
    return sum(
        piece.std() > 1000 and abs(int(spectrum.argmax()) * 20 - frequency) <= 20
        for piece, spectrum in zip(pieces, spectra, strict=True)
    ) * 0.05  # fmt: skip


def likeness(said: np.ndarray, heard: np.ndarray) -> float:
    """The best correlation of 200 ms of what was said with any of what was heard: a busy machine may lose others."""
    pieces = [said[at : at + 1600].astype(float) for at in range(0, len(said) - 1600, 800)]
    heard = heard.astype(float)
    power = np.convolve(heard**2, np.ones(1600), "valid")
    return max(
        float((np.correlate(heard, piece, "valid") / np.sqrt(power * (piece**2).sum() + 1)).max()) for piece in pieces
    )


@needs_sipp
async def test_a_call_is_heard_both_ways_and_hung_up_by_the_caller(tmp_path):
    (tmp_path / "tone.ul").write_bytes(TONE)
    bot, ear = Bot(echo), await s.Ear().open()
    async with answering(bot, headers=("X-Ticket",)) as world:
        steps = (s.invite(), s.answered(), s.play("tone.ul"), s.pause(2200), s.bye())
        (over,) = await world.call(tmp_path, *steps, ear=ear.port)
    ear.close()
    arrived = world.of(h.CallArrived)[0]
    assert (arrived.leg, arrived.ani, arrived.dnis, arrived.ani_name) == ("sip", "+15550001111", "+15550002222", "Ada")
    assert (over.by, over.reason) == ("caller", "hung up")
    assert loud_at(ulaw.decode(bot.heard), 440) > 1.2
    assert loud_at(ulaw.decode(bytes(ear.heard[0])), 440) > 1.2
    assert ear.sizes == {160}


async def waiting(call: object) -> None:
    await asyncio.Event().wait()


class Pin(Bot):
    """Ends at the first key."""

    def __init__(self) -> None:
        super().__init__(self._key)

    def _key(self, bot: Bot, event: object) -> None:
        if isinstance(event, DtmfReceived):
            self.session.disconnect("completed", output={"key": event.digit})


@needs_sipp
@needs_root
async def test_recorded_speech_in_30_ms_packets_of_a_law_and_keys_of_another_source(tmp_path):
    bot, ear = Bot(echo), await s.Ear().open()
    async with answering(bot) as world:
        keys = [step for key in ("1", "9", "star") for step in (s.pcap(f"dtmf_2833_{key}.pcap"), s.pause(600))]
        steps = (s.invite(8), s.answered(), s.pcap("g711a.pcap"), s.pause(2900), *keys, s.bye())
        await world.call(tmp_path, *steps, ear=ear.port)
    ear.close()
    assert [event.digit for event in bot.of(DtmfReceived)] == ["1", "9", "*"]
    recorded = alaw.decode(s.payloads("g711a.pcap"))[13_000:19_000]  # the first words
    assert likeness(recorded, ulaw.decode(bot.heard)) > 0.9
    assert likeness(recorded, alaw.decode(bytes(ear.heard[8]))) > 0.9


@needs_sipp
@needs_root
async def test_a_bot_that_is_done_hangs_up(tmp_path):
    async with answering(Pin()) as world:
        steps = (s.invite(), s.answered(), s.pause(300), s.pcap("dtmf_2833_5.pcap"), s.HUNG_UP)
        (over,) = await world.call(tmp_path, *steps)
    assert over.by == "flow"


@needs_sipp
async def test_who_is_not_listed_is_refused_whatever_it_says(tmp_path):
    bot = Bot()
    async with answering(bot, peers=("192.0.2.0/24", "2001:db8::/32")) as world:
        code, said = await s.sipp(tmp_path, world.port, s.invite(), s.response(403), s.request("ACK"))
        assert code == 0, said
    assert world.events == []


@needs_sipp
async def test_calls_above_the_limit_get_503_and_the_others_go_on(tmp_path):
    async with answering(flow=waiting, max_calls=1) as world:
        first = asyncio.create_task(
            s.sipp(tmp_path, world.port, s.invite(), s.answered(), s.pause(1500), s.bye())
        )  # fmt: skip
        await until(lambda: world.of(h.CallAnswered))
        code, said = await s.sipp(tmp_path, world.port, s.invite(), s.response(503), s.request("ACK"))
        assert code == 0, said
        code, said = await first
        assert code == 0, said
        code, said = await s.sipp(tmp_path, world.port, s.invite(), s.answered(), s.bye())
        assert code == 0, said


@needs_sipp
async def test_a_number_without_a_flow_is_not_found(tmp_path):
    async with answering(Bot(), numbers=("+1999",)) as world:
        code, said = await s.sipp(tmp_path, world.port, s.invite(), s.response(404), s.request("ACK"))
        assert code == 0, said
    assert [event.by for event in world.of(h.CallOver)] == ["refused"]


@needs_sipp
async def test_hold_pauses_the_bot_and_ends(tmp_path):
    bot = Bot()
    async with answering(bot) as world:
        steps = (
            s.invite(), s.answered(), s.pause(400), s.invite(number=2, direction="sendonly"), s.answered(2),
            s.pause(400), s.invite(number=3), s.answered(3), s.pause(400), s.bye(4),
        )  # fmt: skip
        (over,) = await world.call(tmp_path, *steps)
    assert len(bot.of(Paused)) == 1
    assert over.by == "caller"


@needs_sipp
async def test_calls_come_over_tcp_too(tmp_path):
    async with answering(Bot()) as world:
        steps = (s.invite(), s.answered(), s.pause(300), s.bye())
        (over,) = await world.call(tmp_path, *steps, options=("-t", "t1"))
    assert over.by == "caller"


@needs_sipp
async def test_a_caller_of_whom_nothing_comes_counts_as_gone(tmp_path):
    async with answering(Bot(), rtp_timeout=1) as world:
        (over,) = await world.call(tmp_path, s.invite(), s.answered(), s.HUNG_UP)
    assert "no audio" in over.reason


@needs_sipp
async def test_twenty_calls_at_once(tmp_path):
    async with answering(flow=waiting, max_calls=20) as world:
        steps = (s.invite(), s.answered(), s.pause(1000), s.bye())
        overs = await world.call(tmp_path, *steps, calls=20, options=("-l", "20", "-r", "50"))
    assert [over.by for over in overs] == ["caller"] * 20


async def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "baresip", None)
    with pytest.raises(UsageError, match=r"pip install 'offhook\[sip\]'"):
        await BaresipStack(StackSettings("127.0.0.1", 0)).start(lambda call: None)


@needs_sipp
@pytest.mark.parametrize(("status", "by", "is_taken"), [(200, "transfer", True), (603, "flow", False)])
async def test_callers_are_handed_on_by_refer(tmp_path, status, by, is_taken):
    taken: list[bool] = []

    async def flow(call) -> None:
        taken.append(await call.transfer("sip:desk@pbx.example"))

    async with answering(flow=flow, targets=("sip:*@pbx.example",)) as world:
        steps = (s.invite(), s.answered(), s.refer("sip:desk@pbx.example"), s.notify(status), s.HUNG_UP)
        (over,) = await world.call(tmp_path, *steps)
    assert (over.by, taken) == (by, [is_taken])


async def handed_on(call) -> None:
    await call.transfer("+15550009999")
    call.note("flow")


@needs_sipp
@pytest.mark.parametrize("by", ["caller", "callee"])
async def test_two_legs_are_joined_until_one_hangs_up(tmp_path, by):
    """The second leg echoes: what comes back to the caller has been there."""
    (tmp_path / "tone.ul").write_bytes(TONE)
    listener, ear, port = Bot(), await s.Ear().open(), s.free_port()

    async def flow(call) -> None:
        call.monitor("ears")
        await call.transfer("+15550009999")

    async with answering(listener, flow=flow, targets=("+1555*",), trunks=[at(port)]) as world:
        uri = world.connector.integrations.get("bot").uri
        world.connector.integrations.put(Integration(name="ears", uri=uri, active=True, profile="monitor"))
        end = s.HUNG_UP if by == "caller" else s.pause(3000) + s.bye_of_callee()
        callee = asyncio.create_task(s.callee(tmp_path, port, *s.taken(), end))
        await s.listening(port)
        mine = s.bye() if by == "caller" else s.HUNG_UP
        steps = (s.invite(), s.answered(), s.pause(800), s.play("tone.ul"), s.pause(2000), mine)
        (over,) = await world.call(tmp_path, *steps, ear=ear.port)
        code, said = await callee
        assert code == 0, said
    ear.close()
    assert over.by == ("caller" if by == "caller" else "transfer")
    assert loud_at(ulaw.decode(bytes(ear.heard[0])), 440) > 1.0
    assert loud_at(ulaw.decode(listener.heard)[0::2], 440) > 1.0
    assert loud_at(ulaw.decode(listener.heard)[1::2], 440) > 1.0


@needs_sipp
async def test_a_callee_that_is_busy_leaves_the_caller_with_the_flow(tmp_path):
    port, taken = s.free_port(), []

    async def flow(call) -> None:
        taken.append(await call.transfer("+15550009999"))

    async with answering(flow=flow, targets=("+1555*",), trunks=[at(port)]) as world:
        steps = ('<recv request="INVITE"/>', s.reply("486 Busy Here"), '<recv request="ACK"/>')
        callee = asyncio.create_task(s.callee(tmp_path, port, *steps))
        await s.listening(port)
        (over,) = await world.call(tmp_path, s.invite(), s.answered(), s.HUNG_UP)
        code, said = await callee
        assert code == 0, said
    assert (over.by, taken) == ("flow", [False])


@needs_sipp
async def test_a_caller_who_hangs_up_while_it_rings_cancels_the_second_call(tmp_path):
    port = s.free_port()
    async with answering(flow=handed_on, targets=("+1555*",), trunks=[at(port)]) as world:
        steps = (
            '<recv request="INVITE"/>', s.reply("180 Ringing"), '<recv request="CANCEL"/>', s.reply("200 OK"),
        )  # fmt: skip
        callee = asyncio.create_task(s.callee(tmp_path, port, *steps))
        await s.listening(port)
        (over,) = await world.call(tmp_path, s.invite(), s.answered(), s.pause(600), s.bye())
        code, said = await callee
        assert code == 0, said
    assert over.by == "caller"


@needs_sipp
async def test_no_call_is_placed_to_a_target_that_is_not_listed(tmp_path):
    taken = []

    async def flow(call) -> None:
        taken.append(await call.transfer("+19000009999"))

    async with answering(flow=flow, targets=("+1555*",), trunks=[at(s.free_port())]) as world:
        await world.call(tmp_path, s.invite(), s.answered(), s.HUNG_UP)
    assert taken == [False]


@needs_sipp
@pytest.mark.parametrize("status", ["401 Unauthorized", "407 Proxy Authentication Required"])
async def test_a_carrier_that_asks_who_we_are_is_told(tmp_path, status):
    port = s.free_port()
    account = Account("desk7", f"127.0.0.1:{port}", "open sesame")
    async with answering(flow=handed_on, targets=("+1555*",), trunks=[account]) as world:
        asked = s.asked("desk7", "open sesame", status=status)
        callee = asyncio.create_task(s.callee(tmp_path, port, asked, *s.taken()[1:], s.HUNG_UP))
        await s.listening(port)
        await world.call(tmp_path, s.invite(), s.answered(), s.pause(800), s.bye())
        code, said = await callee
        assert code == 0, said


@needs_sipp
async def test_we_register_and_let_go(tmp_path, caplog):
    caplog.set_level("INFO", "offhook.connector")
    port = s.free_port()
    account = Account("desk7", f"127.0.0.1:{port}", "open sesame", 600)
    registrar = asyncio.create_task(s.callee(tmp_path, port, *s.registrar("desk7", "open sesame")))
    async with answering(flow=handed_on, trunks=[account]):
        await until(lambda: "SIP: registered with" in caplog.text)
    code, said = await registrar
    assert code == 0, said


@needs_sipp
@pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="this machine has no IPv6")
async def test_calls_come_over_ipv6(tmp_path):
    async with answering(flow=waiting, peers=("::1",), host="::1") as world:
        process = await asyncio.create_subprocess_exec(
            "sipp", "-sn", "uac", "-i", "::1", "-p", str(s.free_port()), "-m", "1", "-d", "400", "-nostdin",
            "-timeout", "20", "-timeout_error", f"[::1]:{world.port}",
            cwd=tmp_path, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, said = await process.communicate()
        assert process.returncode == 0, said.decode()
        await until(lambda: world.of(h.CallOver))
    assert [over.by for over in world.of(h.CallOver)] == ["caller"]
