"""The flow that is written in TOML: welcome, monitors, bot, and the way from there."""

from __future__ import annotations

import pytest

from offhook.audio import wav
from offhook.connector import happenings as h
from offhook.connector.tomlflow import FallbackTable, FlowTable, Route, flow_of
from offhook.errors import UsageError

from .exchanges import TONE, World, says

pytestmark = pytest.mark.virtual_time


@pytest.mark.parametrize(("intent", "target"), [("a", "+15551"), ("else", "+15559")])
async def test_all_of_it(tmp_path, intent, target):
    wav.write_ulaw(tmp_path / "welcome.wav", [TONE])
    world = World(transfer_targets=["+1555*"])
    world.serve("bot", says((0.5, {"intent": intent})), suffix="x")
    world.monitor("watch")
    table = FlowTable(
        integration="bot",
        connector_id="x",
        monitors=("watch", "nobody"),
        welcome=str(tmp_path / "welcome.wav"),
        fallback=FallbackTable(dead_air=0, comfort=""),
        route=Route("intent", {"a": "+15551"}, "+15559"),
    )
    leg = await world.call(flow_of(table))
    assert TONE in bytes(leg.heard)
    assert leg.transferred == target
    assert [event.text for event in world.of(h.Noted)] == ["there is no integration 'nobody'; there is bot, watch"]
    assert {event.strand for event in world.of(h.SessionBegan)} == {"bot", "watch"}


async def test_a_bot_that_fails_follows_the_fallback_and_no_route():
    world = World(transfer_targets=["+1555*"])
    world.serve("bot")
    del world.servers["wss://bot.example/"]
    fallback = FallbackTable(retries=0, transfer="+15550")
    table = FlowTable(integration="bot", fallback=fallback, route=Route("intent", {}, "+15559"))
    assert (await world.call(flow_of(table))).transferred == "+15550"


def test_a_fallback_that_cannot_be_meant_is_refused():
    with pytest.raises(UsageError):
        flow_of(FlowTable(integration="x", fallback=FallbackTable(retries=7)))
