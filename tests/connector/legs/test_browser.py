"""The wire between a page and its leg, what is served, and who may call."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from urllib.error import HTTPError

import pytest
from tests.session.sockets import Ear

from offhook.connector.legs.browser import TalkPage
from offhook.errors import UpgradeRejected
from offhook.session.dial import dial


async def served(arrival, **options) -> tuple[TalkPage, int]:
    page = TalkPage(arrival, **options)
    return page, await page.start("127.0.0.1", 0)


async def test_what_is_served_may_do_no_more_than_it_needs():
    page, port = await served(lambda leg: None)
    answer = await asyncio.to_thread(urllib.request.urlopen, f"http://127.0.0.1:{port}/")
    policy = answer.headers["Content-Security-Policy"]
    body = answer.read().decode()
    answer.close()
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "<script src=" in body
    with pytest.raises(HTTPError) as wrong:
        await asyncio.to_thread(urllib.request.urlopen, f"http://127.0.0.1:{port}/../../etc/passwd")
    wrong.value.close()
    assert wrong.value.code == 404
    await page.close()


async def test_pages_of_other_sites_may_not_call_and_lines_are_bounded():
    page, port = await served(lambda leg: None, max_calls=1, origins=["https://shop.example"])
    uri = f"ws://127.0.0.1:{port}/talk"
    with pytest.raises(UpgradeRejected) as refused:
        await dial(uri, Ear(), headers={"Origin": "https://evil.example"})
    assert refused.value.status == 403
    ear = Ear()
    await dial(uri, ear, headers={"Origin": "https://shop.example"})
    with pytest.raises(UpgradeRejected) as refused:
        await dial(uri, Ear(), headers={"Origin": f"http://127.0.0.1:{port}"})
    assert refused.value.status == 503
    await page.close()
    await ear.until_lost()


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("127.0.0.1:{port}", "http://127.0.0.1:{port}", 101),
        ("LOCALHOST:{port}", "http://localhost:{port}", 101),
        ("[::1]:{port}", "http://[::1]:{port}", 101),
        ("192.0.2.7:{port}", "http://192.0.2.7:{port}", 101),
        ("talk.example", "https://talk.example", 101),  # a proxy with TLS stands before us
        ("Talk.example:443", "https://talk.example", 101),
        ("talk.example", None, 101),
        ("talk.example:8090", "https://talk.example", 403),
        ("evil.example:{port}", "http://evil.example:{port}", 403),  # its name was made to lead here
        ("evil.example:{port}", None, 403),
        ("127.0.0.1.evil.example", "http://127.0.0.1.evil.example", 403),
        ("127.0.0.1:{port}", "http://192.0.2.66", 403),
        ("127.0.0.1:{port}", "null", 403),
        ("127.0.0.1:{port}", "http://[", 403),
        ("x@127.0.0.1", "http://x@127.0.0.1", 403),
        ("127.0.0.1:99999", "http://127.0.0.1:99999", 403),
        ("", "http://", 403),
    ],
)
async def test_a_name_that_was_made_to_lead_here_does_not_make_a_page_ours(host, origin, status):
    page, port = await served(lambda leg: None, names=["Talk.example"])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = ["GET /talk HTTP/1.1", f"Host: {host}", "Connection: Upgrade", "Upgrade: websocket"]
    lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA=="]
    lines += [] if origin is None else [f"Origin: {origin}"]
    writer.write("\r\n".join((*lines, "", "")).format(port=port).encode())
    answer = await reader.readline()
    writer.close()
    await page.close()
    assert int(answer.split()[1]) == status


async def until(condition) -> None:
    """It comes by a socket."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


class Listener:
    def __init__(self) -> None:
        self.told: list[object] = []

    def key(self, digit: str) -> None:
        self.told.append(digit)

    def held(self, on: bool) -> None:
        self.told.append(on)

    def hung_up(self, reason: str) -> None:
        self.told.append(reason)


async def test_the_words_between_page_and_leg():
    legs: asyncio.Queue = asyncio.Queue()
    page, port = await served(legs.put_nowait)
    ear = Ear()
    await dial(f"ws://127.0.0.1:{port}/talk?number=%2B1555", ear, headers={})
    ear.wire.send(b"\x01" * 160)  # nobody has answered: it is said to nobody
    for word in ({"type": "start"}, {"type": "key", "digit": "5"}, {"type": "key", "digit": "x"}, {"type": "level"}):
        ear.wire.send(json.dumps(word))
    ear.wire.send("no word at all")
    leg = await legs.get()
    assert leg.caller.dnis == "+1555"
    await leg.answer()
    assert json.loads((await ear.until_messages(1))[0]) == {"type": "answered"}
    listener = Listener()
    leg.attach(listener)
    ear.wire.send(json.dumps({"type": "hold", "on": True}))
    ear.wire.send(b"\x04" * 160)  # on hold: it is said to nobody either
    ear.wire.send(json.dumps({"type": "hold", "on": False}))
    ear.wire.send(json.dumps({"type": "level", "samples": 480}))
    ear.wire.send(b"\x02" * 160)
    await until(lambda: leg.inlet.waiting >= 160)
    assert leg.exchange(b"\x03" * 160) == (b"\x02" * 160, b"\x03" * 160)
    assert (await ear.until_messages(2))[1] == b"\x03" * 160
    assert leg.ahead == 480
    assert leg.flush() == 480
    assert json.loads((await ear.until_messages(3))[2]) == {"type": "flush"}
    ear.wire.send(json.dumps({"type": "hangup"}))
    await until(lambda: "hung up" in listener.told)
    assert listener.told == ["5", True, False, "hung up"]
    ear.wire.close()
    await page.close()
    assert listener.told[-1] == "hung up"
