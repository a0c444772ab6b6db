"""Asterisk's end of `chan_websocket`, played by a double of its wire over real sockets."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest
from tests.connector.lines import Bot, echo, ramp
from tests.session.sockets import Ear

from offhook.audio import ulaw
from offhook.connector import happenings as h
from offhook.connector.exchange import Connector
from offhook.connector.integrations import Integration
from offhook.connector.legs import TransferFailed
from offhook.connector.legs.asterisk import AsteriskChannels, AsteriskLeg
from offhook.errors import UpgradeRejected, UsageError
from offhook.protocol import DtmfReceived
from offhook.session.dial import dial
from offhook.session.server import Server

MEDIA = {"Sec-WebSocket-Protocol": "media"}
LOUD = bytes([0x90, 0x10]) * 80


class Pbx(Ear):
    """Asterisk: begins with MEDIA_START, keeps what it is to play, counts commands, and says how long its queue is."""

    def __init__(self) -> None:
        super().__init__()
        self.played = bytearray()
        self.commands: list[str] = []
        self.queue = 0

    def received(self, data: str | bytes) -> None:
        if isinstance(data, bytes):
            self.played += data
        else:
            command = json.loads(data)["command"]
            self.commands.append(command)
            if command == "GET_STATUS":
                self.say("STATUS", queue_length=self.queue, xon_level=800, xoff_level=900, queue_full=False)
        super().received(data)

    def say(self, event: str, **more: object) -> None:
        assert self.wire is not None
        self.wire.send(json.dumps({"event": event, "channel_id": "1", **more}))

    def start(self, format: str = "ulaw", **variables: str) -> None:
        self.say(
            "MEDIA_START", connection_id="c", channel="WebSocket/offhook/0x1", format=format, optimal_frame_size=160,
            ptime=20, channel_variables=variables,
        )  # fmt: skip

    def media(self, audio: bytes) -> None:
        assert self.wire is not None
        for at in range(0, len(audio), 160):
            self.wire.send(audio[at : at + 160])


async def until(condition) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 (it comes by a socket)
            await asyncio.sleep(0.002)


async def dialled(**options: object) -> tuple[AsteriskChannels, Pbx, asyncio.Queue]:
    legs: asyncio.Queue = asyncio.Queue()
    channels = AsteriskChannels(legs.put_nowait, **options)
    port = await channels.start("127.0.0.1", 0)
    pbx = Pbx()
    await dial(f"ws://127.0.0.1:{port}/asterisk", pbx, headers=MEDIA)
    return channels, pbx, legs


async def test_a_call_from_start_to_hang_up():
    bot, events = Bot(echo), []
    connector = Connector()
    connector.watch(lambda conversation, event: events.append(event))
    connector.add_flow(lambda call: call.audio_connector("bot"), "+1888")
    channels = AsteriskChannels(connector.take)
    port = await channels.start("127.0.0.1", 0)
    async with Server(bot.reception) as server, connector:
        uri = f"ws://127.0.0.1:{server.port}/"
        connector.integrations.put(Integration(name="bot", uri=uri, active=True, frame_ms=20))
        pbx = Pbx()
        await dial(f"ws://127.0.0.1:{port}/asterisk", pbx, headers=MEDIA)
        pbx.start(__OFFHOOK_FROM="+1999", OFFHOOK_TO="+1888")
        await until(lambda: [event for event in events if isinstance(event, h.SessionBegan)])
        assert pbx.commands[0] == "ANSWER"
        said = ramp(800)
        pbx.media(said)
        await until(lambda: said in bytes(pbx.played))
        pbx.say("DTMF_END", digit="7")
        await until(lambda: bot.of(DtmfReceived))
        pbx.wire.close()
        await until(lambda: [event for event in events if isinstance(event, h.CallOver)])
    await channels.close()
    assert bot.opens[0].participant.ani == "tel:+1999"
    assert bot.opens[0].participant.dnis == "tel:+1888"
    assert [event.by for event in events if isinstance(event, h.CallOver)] == ["caller"]


async def test_our_hang_up_ends_the_channel():
    channels, pbx, legs = await dialled()
    pbx.start()
    leg: AsteriskLeg = await legs.get()
    await leg.answer()
    leg.hang_up()
    await until(lambda: pbx.end is not None)
    assert pbx.commands == ["ANSWER", "HANGUP"]
    await channels.close()


async def test_barge_in_empties_asterisks_queue():
    channels, pbx, legs = await dialled()
    pbx.start()
    leg: AsteriskLeg = await legs.get()
    await leg.answer()
    pbx.queue = 9
    for _ in range(50):
        leg.exchange(LOUD)
    await until(lambda: leg.ahead)
    assert leg.flush() == 9 * 160
    assert leg.ahead == 0
    await until(lambda: "FLUSH_MEDIA" in pbx.commands)
    await channels.close()


@pytest.mark.parametrize(("queue", "frame", "left_out"), [(3, ulaw.silence(160), 0), (8, ulaw.silence(160), 5 * 160),
                                                          (8, LOUD, 0), (14, LOUD, 4 * 160)])  # fmt: skip
async def test_what_gathers_in_asterisk_is_taken_back_in_silence(queue: int, frame: bytes, left_out: int):
    channels, pbx, legs = await dialled()
    pbx.start()
    leg: AsteriskLeg = await legs.get()
    await leg.answer()
    pbx.queue = queue
    for _ in range(50):
        leg.exchange(LOUD)
    await until(lambda: leg.ahead)
    for _ in range(20):
        leg.exchange(frame)
    assert leg.drained == left_out
    await channels.close()


async def test_it_cannot_be_transferred_and_says_so():
    channels, pbx, legs = await dialled()
    pbx.start()
    leg = await legs.get()
    with pytest.raises(TransferFailed):
        await leg.transfer("sip:agent@pbx.example")
    await channels.close()


@pytest.mark.parametrize("message", ["DTMF_END digit:1", "[]", "{", '{"event":7}', '{"event":"DTMF_END","digit":"x"}'])
async def test_what_is_not_known_is_passed_over(message: str):
    channels, pbx, legs = await dialled()
    pbx.wire.send(message)
    pbx.start()
    assert (await legs.get()).caller.kind == "asterisk"
    await channels.close()


async def test_a_channel_whose_control_is_plain_text_is_refused_with_advice(caplog):
    """As Asterisk writes it by default."""
    channels, pbx, legs = await dialled()
    pbx.wire.send("MEDIA_START connection_id:c channel:WebSocket/offhook/0x1 format:ulaw optimal_frame_size:160")
    await until(lambda: pbx.end is not None)
    assert legs.empty()
    await channels.close()
    assert "set control_message_format = json in the section [global]" in caplog.text


async def test_another_codec_is_refused():
    channels, pbx, legs = await dialled()
    pbx.start("slin16")
    await until(lambda: pbx.end is not None)
    assert legs.empty()
    await channels.close()


async def test_who_may_call():
    channels = AsteriskChannels(lambda leg: None, login=("offhook", "secret"), max_calls=1)
    port = await channels.start("127.0.0.1", 0)
    right = {"Authorization": "Basic " + base64.b64encode(b"offhook:secret").decode()}
    wrong = {"Authorization": "Basic " + base64.b64encode(b"offhook:guess").decode()}
    refusals = []
    for path, headers in (
        ("asterisk", MEDIA),
        ("asterisk", MEDIA | wrong),
        ("asterisk", right),
        ("else", MEDIA | right),
    ):
        with pytest.raises(UpgradeRejected) as refused:
            await dial(f"ws://127.0.0.1:{port}/{path}", Ear(), headers=headers)
        refusals.append(refused.value.status)
    assert refusals == [401, 401, 400, 404]
    await dial(f"ws://127.0.0.1:{port}/asterisk", Ear(), headers=MEDIA | right)
    with pytest.raises(UpgradeRejected) as refused:
        await dial(f"ws://127.0.0.1:{port}/asterisk", Ear(), headers=MEDIA | right)
    assert refused.value.status == 503
    await channels.close()


async def test_other_machines_need_a_password():
    with pytest.raises(UsageError, match="password"):
        await AsteriskChannels(lambda leg: None).start("0.0.0.0", 0)
