"""Keys heard in the sound of the line."""

from __future__ import annotations

import numpy as np
import pytest
from tests.bots.fakes import calling, kept, make_bot, of

from offhook import Call
from offhook.audio import ulaw
from offhook.audio.dtmf import HIGH, KEYS, LOW
from offhook.records import events as happenings

pytestmark = [pytest.mark.virtual_time, pytest.mark.usefixtures("pool")]


def keyed(digits: str) -> bytes:
    """These keys as they sound: 80 ms each, 80 ms of silence behind."""
    time = np.arange(640) / ulaw.RATE
    sounds = []
    for digit in digits:
        low, high = LOW[KEYS.index(digit) // 4], HIGH[KEYS.index(digit) % 4]
        sounds += [0.2 * np.sin(2 * np.pi * low * time) + 0.2 * np.sin(2 * np.pi * high * time), np.zeros(640)]
    return ulaw.from_float(np.concatenate(sounds).astype(np.float32))


@pytest.mark.parametrize("inband", [True, False])
async def test_keys_are_heard_if_asked_for(inband: bool) -> None:
    got: list[str] = []

    async def handler(call: Call) -> None:
        got.append(await call.dtmf(4, first=3))

    bot = make_bot(handler, inband_keys=inband)
    events = kept(bot)
    async with calling(bot) as caller:
        await caller.wait(0.5)
        await caller.play(keyed("147#"))
        await caller.result()
    assert got == ["147" if inband else ""]
    assert [event.digit for event in of(events, happenings.Key)] == list("147#" if inband else "")


async def test_a_platform_that_tells_of_keys_as_well_is_believed_and_none_counts_twice() -> None:
    got: list[str] = []

    async def handler(call: Call) -> None:
        got.append(await call.dtmf(first=3, between=2))

    async with calling(make_bot(handler, inband_keys=True)) as caller:
        await caller.wait(0.4)
        await caller.play(keyed("1"))
        await caller.wait(0.2)
        await caller.dtmf("1")
        await caller.play(keyed("2"))
        await caller.dtmf("2")
        await caller.result()
    assert got == ["12"]
