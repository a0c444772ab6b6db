"""Two bots with the real engines talk for a minute: no sample is missing anywhere, nor too many."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tests.bots.fakes import pool

from offhook import Bot
from offhook.connector.dialling import connect
from offhook.records.store import CallStore
from offhook.session.reception import Reception
from offhook.session.server import Server
from offhook.speech.voiceprint.phrase import same_words
from offhook.testing.calling import call_in_memory
from offhook.testing.conversation import Drift, OnDisk, bridge, differing, drift, talker, until_over

__all__ = ["pool"]

ONE = [
    "Good morning, this is the river street book shop.",
    "Your parcel will come on Tuesday at ten.",
    "You are welcome.",
]
TWO = ["I am waiting for a book that I ordered.", "Could you tell me when it comes?", "Thank you very much."]


async def talk(folder: Path, seconds: float, *, sockets: bool) -> list[Drift]:
    """Two bots talk for so long, and until both have understood something; then it is looked at what there is."""
    talkers = [talker(Bot("one"), ONE, begins=True), talker(Bot("two"), TWO, begins=False)]
    async with AsyncExitStack() as stack:
        calls = []
        for number, (talk, end) in enumerate(zip(talkers, bridge(), strict=True)):
            store = talk.bot.store = CallStore(folder / str(number))
            stack.callback(store.close)
            await talk.bot.load()
            if sockets:
                server = await stack.enter_async_context(Server(Reception(talk.bot)))
                call = connect(f"ws://127.0.0.1:{server.port}/", trace=talk.tap)
            else:
                call = call_in_memory(talk.bot, trace=talk.tap)
            call._leg = end  # type: ignore[assignment]
            calls.append(call)
        for number, call in enumerate(calls):
            await stack.enter_async_context(call)
            call.link.recorder = disk = OnDisk(call.link.recorder, folder / f"platform-{number}")
            stack.callback(disk.close)
        await asyncio.sleep(seconds)
        async with asyncio.timeout(45):
            await asyncio.gather(*(talk.answered.wait() for talk in talkers))
        await until_over(calls, talkers)
        for call, talk in zip(calls, talkers, strict=True):
            await call.hang_up()
            await talk.bot.quiet()
            talk.bot.store.close()  # type: ignore[union-attr]
        found = [
            drift(call, talk, (folder / str(number)).glob("*/").__next__())
            for number, (call, talk) in enumerate(zip(calls, talkers, strict=True))
        ]
    for talk, sentences in zip(talkers, (TWO, ONE), strict=True):
        for text in talk.understood:
            assert any(same_words(sentence, text) for sentence in sentences), text
    return found


@pytest.mark.virtual_time
@pytest.mark.usefixtures("pool")
async def test_a_minute(tmp_path: Path) -> None:
    for found in await talk(tmp_path, 60.0, sockets=False):
        assert found.seconds > 60
        assert found.none, found


async def test_some_seconds_on_real_sockets(tmp_path: Path) -> None:
    for found in await talk(tmp_path, 0.0, sockets=True):
        assert found.none, found


@pytest.mark.parametrize(
    ("one", "other", "count"),
    [(b"abc", b"abc", 0), (b"abc", b"abd", 1), (b"abc\xff", b"abc", 0), (b"abc", b"abcd\xff", 1), (b"xbc", b"abcd", 2)],
)
def test_what_differs(one: bytes, other: bytes, count: int) -> None:
    assert differing(one, other) == count
