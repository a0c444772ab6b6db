"""The provider's media streams, played by a double of their end of the wire over real sockets."""

from __future__ import annotations

import asyncio
import base64
import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from tests.session.sockets import Ear

from offhook.audio import ulaw
from offhook.connector import happenings as h
from offhook.connector.exchange import Connector
from offhook.connector.integrations import Integration
from offhook.connector.legs import TransferFailed
from offhook.connector.legs.twilio import Account, TwilioStreams
from offhook.errors import UpgradeRejected, UsageError
from offhook.protocol import DtmfReceived
from offhook.session.dial import dial
from offhook.session.server import Server

from ..lines import Bot, echo, ramp

TOKEN = "12345"


class Provider(Ear):
    """Twilio's end: sends `start` and media, plays what comes in real time or at once, and returns marks."""

    def __init__(self) -> None:
        super().__init__()
        self.played = bytearray()
        self.cleared = 0

    def received(self, data: str | bytes) -> None:
        message = json.loads(data)
        assert message["streamSid"] == "MZ1"
        if message["event"] == "media":
            self.played += base64.b64decode(message["media"]["payload"])
        elif message["event"] == "mark":
            self.say("mark", mark={"name": message["mark"]["name"]})
        elif message["event"] == "clear":
            self.cleared += 1
        super().received(data)

    def say(self, event: str, **more: object) -> None:
        self.wire.send(json.dumps({"event": event, "sequenceNumber": "1", "streamSid": "MZ1", **more}))

    def start(self, **changes: object) -> None:
        self.say("connected", protocol="Call", version="1.0.0")
        start = {
            "streamSid": "MZ1", "accountSid": "AC1", "callSid": "CA1", "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"from": "+1999", "to": "+1888"},
        }  # fmt: skip
        self.say("start", start=start | changes)

    def media(self, audio: bytes) -> None:
        payload = base64.b64encode(audio).decode()
        self.say("media", media={"track": "inbound", "chunk": "1", "timestamp": "5", "payload": payload})


async def until(condition) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 (it comes by a socket)
            await asyncio.sleep(0.002)


async def test_a_call_of_the_provider_from_start_to_stop():
    bot, events = Bot(echo), []
    connector = Connector()
    connector.watch(lambda conversation, event: events.append(event))
    connector.add_flow(lambda call: call.audio_connector("bot"), "+1888")
    streams = TwilioStreams(Account(), connector.take)
    port = await streams.start("127.0.0.1", 0)
    async with Server(bot.reception) as server, connector:
        uri = f"ws://127.0.0.1:{server.port}/"
        connector.integrations.put(Integration(name="bot", uri=uri, active=True, frame_ms=20))
        provider = Provider()
        await dial(f"ws://127.0.0.1:{port}/twilio", provider, headers={})
        provider.start()
        await until(lambda: [event for event in events if isinstance(event, h.SessionBegan)])
        said = ramp(800)
        for at in range(0, 800, 160):
            provider.media(said[at : at + 160])
        await until(lambda: said in bytes(provider.played))
        provider.say("dtmf", dtmf={"track": "inbound_track", "digit": "7"})
        await until(lambda: bot.of(DtmfReceived))
        provider.say("stop", stop={"accountSid": "AC1", "callSid": "CA1"})
        await until(lambda: [event for event in events if isinstance(event, h.CallOver)])
        provider.wire.close()
    await streams.close()
    assert bot.opens[0].participant.ani == "tel:+1999"
    assert bot.opens[0].participant.dnis == "tel:+1888"
    assert [event.by for event in events if isinstance(event, h.CallOver)] == ["caller"]


async def streaming(account: Account | None = None):
    legs: asyncio.Queue = asyncio.Queue()
    streams = TwilioStreams(account or Account(), legs.put_nowait)
    port = await streams.start("127.0.0.1", 0)
    provider = Provider()
    return streams, port, provider, legs


async def test_marks_tell_what_was_heard_and_clear_takes_the_rest_back():
    streams, port, provider, legs = await streaming()
    provider.received = Ear.received.__get__(provider)  # it plays nothing: no marks come back
    await dial(f"ws://127.0.0.1:{port}/twilio", provider, headers={})
    provider.start()
    leg = await legs.get()
    await leg.answer()
    for _ in range(50):
        leg.exchange(ulaw.silence(160))
    assert leg.ahead == 50 * 160 - 1600
    messages = [json.loads(data) for data in await provider.until_messages(55)]
    marks = [message["mark"]["name"] for message in messages if message["event"] == "mark"]
    assert len(marks) == 5
    provider.say("mark", mark={"name": marks[1]})
    await until(lambda: leg.ahead == 30 * 160 - 1600)
    assert leg.flush() == 30 * 160 - 1600
    assert leg.ahead == 0
    assert json.loads((await provider.until_messages(56))[-1]) == {"event": "clear", "streamSid": "MZ1"}
    leg.hang_up()
    await provider.until_lost()
    await streams.close()


async def test_only_signed_streams_of_the_account_are_taken():
    account = Account(TOKEN, "AC1", "wss://voice.example/twilio")
    streams, port, provider, legs = await streaming(account)
    uri = f"ws://127.0.0.1:{port}/twilio"
    for signature in ("", "wrong", account.signature("wss://other.example/twilio")):
        with pytest.raises(UpgradeRejected) as refused:
            await dial(uri, Ear(), headers={"X-Twilio-Signature": signature})
        assert refused.value.status == 403
    await dial(uri, provider, headers={"X-Twilio-Signature": account.signature("wss://voice.example/twilio")})
    provider.start(accountSid="AC2")
    await provider.until_lost()
    assert legs.empty()
    await streams.close()


def test_the_signature_is_the_providers():
    # HMAC-SHA1 of the URL, keyed with the token, in base64: computed by openssl.
    assert Account(TOKEN).signature("wss://example.com/stream") == "KG4JbhDlv15BMlxSTOWKt9btbgg="


async def test_without_a_token_only_this_machine_is_listened_to():
    with pytest.raises(UsageError, match="signed"):
        await TwilioStreams(Account(), lambda leg: None).start("0.0.0.0", 0)


async def test_a_transfer_changes_the_call_by_rest():
    asked: list[tuple[str, str, str]] = []
    status = [201]

    class Rest(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            asked.append((self.path, self.headers["Authorization"], body))
            self.send_response(status[0])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    rest = HTTPServer(("127.0.0.1", 0), Rest)
    thread = Thread(target=rest.serve_forever)
    thread.start()
    account = Account(TOKEN, api=f"http://127.0.0.1:{rest.server_port}")
    streams, port, provider, legs = await streaming(account)
    uri = f"ws://127.0.0.1:{port}/twilio"
    signature = account.signature(f"wss://127.0.0.1:{port}/twilio")
    await dial(uri, provider, headers={"X-Twilio-Signature": signature})
    provider.start()
    leg = await legs.get()
    await leg.answer()
    status[0] = 404
    with pytest.raises(TransferFailed, match="404"):
        await leg.transfer("+15551&2")
    status[0] = 200
    await leg.transfer("sip:agent@pbx.example")
    rest.shutdown()
    thread.join()
    rest.server_close()
    path, login, body = asked[-1]
    assert path == "/2010-04-01/Accounts/AC1/Calls/CA1.json"
    assert base64.b64decode(login.removeprefix("Basic ")) == b"AC1:12345"
    assert "%3CSip%3Esip%3Aagent%40pbx.example%3C%2FSip%3E" in body
    assert "%26amp%3B" in asked[0][2]
    assert leg.ended == "transferred"
    provider.wire.close()
    await streams.close()


async def test_what_is_no_message_of_theirs_is_passed_over():
    streams, port, provider, legs = await streaming()
    await dial(f"ws://127.0.0.1:{port}/twilio", provider, headers={})
    for data in ("{", b"\x00", '{"event": 5}', '{"event":"media"}', '{"event":"media","media":{"payload":"***"}}'):
        provider.wire.send(data)
    provider.start()
    leg = await legs.get()
    await leg.answer()
    provider.wire.send('{"event":"media","streamSid":"MZ1","media":{"track":"inbound","payload":"a"}}')
    provider.media(b"\x05" * 160)
    await until(lambda: leg.inlet.waiting == 160)
    leg.hang_up()
    await provider.until_lost()
    await streams.close()
