"""What all legs on WebSockets stand: ends that say nothing, too much, nonsense, or things at the wrong time."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from contextlib import asynccontextmanager

import pytest
from tests.session.sockets import Ear

from offhook.connector.legs import socket
from offhook.connector.legs.asterisk import AsteriskChannels
from offhook.connector.legs.browser import TalkPage
from offhook.connector.legs.socket_door import SocketDoor
from offhook.connector.legs.twilio import Account, TwilioStreams
from offhook.errors import UpgradeRejected
from offhook.session.dial import dial

from .test_browser import Listener, until

BEGIN = {
    "asterisk": {"event": "MEDIA_START", "format": "ulaw"},
    "talk": {"type": "start"},
    "twilio": {"event": "start", "streamSid": "MZ1", "start": {"streamSid": "MZ1"}},
}
END = {"talk": {"type": "hangup"}, "twilio": {"event": "stop"}}
KEY = {
    "asterisk": {"event": "DTMF_END", "digit": "%s"},
    "talk": {"type": "key", "digit": "%s"},
    "twilio": {"event": "dtmf", "dtmf": {"digit": "%s"}},
}
AUDIO = {"twilio": json.dumps({"event": "media", "media": {"payload": "/////w=="}})}


class Place:
    """A door that is open, and how it is called."""

    def __init__(self, kind: str, max_calls: int) -> None:
        self.kind = kind
        self.legs: asyncio.Queue = asyncio.Queue()
        take = self.legs.put_nowait
        doors: dict[str, Callable[[], SocketDoor]] = {
            "asterisk": lambda: AsteriskChannels(take, max_calls=max_calls),
            "talk": lambda: TalkPage(take, max_calls=max_calls),
            "twilio": lambda: TwilioStreams(Account(), take, max_calls=max_calls),
        }
        self.door = doors[kind]()

    async def dial(self) -> Ear:
        await dial(f"ws://127.0.0.1:{self.port}/{self.kind}", ear := Ear(), headers={"Sec-WebSocket-Protocol": "media"})
        return ear

    async def call(self) -> tuple[Ear, Listener, socket.SocketLeg]:
        ear, listener = await self.dial(), Listener()
        ear.wire.send(json.dumps(BEGIN[self.kind]))
        leg = await asyncio.wait_for(self.legs.get(), 10)
        leg.attach(listener)
        await leg.answer()
        return ear, listener, leg


@pytest.fixture(params=["asterisk", "talk", "twilio"])
def opened(request):
    @asynccontextmanager
    async def opened(max_calls: int = 5):
        place = Place(request.param, max_calls)
        place.port = await place.door.start("127.0.0.1", 0)
        try:
            yield place
        finally:
            await asyncio.wait_for(place.door.close(), 10)

    return opened


async def test_a_connection_that_never_becomes_a_call_gives_its_line_back(opened, monkeypatch):
    monkeypatch.setattr(socket, "BEGIN_WITHIN", 0.05)
    async with opened(max_calls=1) as place:
        idle = await place.dial()
        await idle.until_lost()
        await until(lambda: not place.door._legs)
        ear, listener, _ = await place.call()
        assert listener.told == []
        ear.wire.close()


async def test_a_caller_of_whom_nothing_comes_any_more_is_gone(opened):
    async with opened() as place:
        ear, listener, leg = await place.call()
        for _ in range(3):
            leg._came = False
            ear.wire.send(AUDIO.get(place.kind, b"\xff" * 160))
            await until(lambda: leg._came)
            leg._look()  # as it does every half minute
            assert leg.ended == ""
        leg._look()
        await ear.until_lost()
        assert listener.told == ["nothing comes from the caller any more"]


@pytest.mark.parametrize("opened", ["talk", "twilio"], indirect=True)
async def test_who_has_said_good_bye_and_stays_does_not_hold_the_door_open(opened):
    async with opened() as place:
        early = await place.dial()
        early.wire.send(json.dumps(END[place.kind]))  # before it has begun
        early.wire.send(json.dumps(BEGIN[place.kind]))
        ear, listener, _ = await place.call()
        ear.wire.send(json.dumps(END[place.kind]))
        await until(lambda: listener.told == ["hung up"])
        ear.wire.send(json.dumps(KEY[place.kind]).replace("%s", "5"))
        assert place.legs.empty()
    assert listener.told == ["hung up"]  # and the door has closed


async def test_a_call_begins_once(opened):
    async with opened() as place:
        ear, listener, _ = await place.call()
        ear.wire.send(json.dumps(BEGIN[place.kind]))
        for digit in ("12", "", "x", "A", "٣", "#"):
            ear.wire.send(json.dumps(KEY[place.kind]).replace("%s", digit))
        await until(lambda: len(listener.told) >= 2)
        assert listener.told == ["A", "#"]
        assert place.legs.empty()


async def test_hundreds_beyond_the_limit_are_told_so_and_the_next_gets_in(opened):
    async with opened(max_calls=2) as place:
        first, _, _ = await place.call()
        await place.call()
        statuses = []

        async def rejected() -> None:
            with pytest.raises(UpgradeRejected) as refused:
                await place.dial()
            statuses.append(refused.value.status)

        for _ in range(6):
            await asyncio.gather(*(rejected() for _ in range(50)))
        assert statuses == [503] * 300
        first.wire.close()
        await first.until_lost()
        await until(lambda: len(place.door._legs) < 2)
        await place.call()


def nonsense(kind: str) -> list[str | bytes]:
    dice = random.Random(7)
    begin, key = json.dumps(BEGIN[kind]), json.dumps(KEY[kind])
    values = (None, 7, -1, 1e300, 10**40, "", "x" * 3000, [], {}, [[[]]], True, "\ud800", "\x00")
    said: list[str | bytes] = [
        "",
        "{",
        "[" * 4000,
        "null",
        "7",
        '"start"',
        b"",
        b"\x00",
        b"\xff" * 4000,
        begin.encode(),
    ]
    for value in values:
        said += [json.dumps(dict.fromkeys(json.loads(text), value)) for text in (begin, key)]
        said += [json.dumps(json.loads(text) | {name: value}) for text in (begin, key) for name in json.loads(text)]
        said += [json.dumps({"event": "media", "media": {"payload": value}}), json.dumps({"event": "media"})]
        said += [
            json.dumps({"event": "mark", "mark": {"name": value}}),
            json.dumps({"type": "level", "samples": value}),
        ]
        said += [json.dumps({"event": "STATUS", "queue_length": value}), json.dumps({"type": "hold", "on": value})]
    for _ in range(300):
        text = bytearray(dice.choice((begin, key)).encode())
        for _ in range(dice.randrange(1, 6)):
            text[dice.randrange(len(text))] = dice.randrange(32, 127)
        said.append(text.decode())
    return [each for each in said if len(each) <= 4096]


async def test_nonsense_is_passed_over(opened, caplog):
    async with opened() as place:
        ear, listener, leg = await place.call()
        for said in nonsense(place.kind):
            ear.wire.send(said)
            leg.exchange(b"\xff" * 160)
        assert not leg.ended
        ear.wire.send(json.dumps(KEY[place.kind]).replace("%s", "D"))
        await until(lambda: listener.told[-1:] == ["D"])
        ear.wire.close()
        await ear.until_lost()
    assert [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []


async def test_a_message_that_is_too_long_ends_its_own_call_only(opened):
    async with opened() as place:
        other, _, leg = await place.call()
        ear, listener, _ = await place.call()
        ear.wire.send("x" * 70_000)
        code, _ = await ear.until_lost()
        assert code == 1009
        await until(lambda: listener.told == ["the connection was closed"])
        assert leg.ended == ""
        other.wire.close()
