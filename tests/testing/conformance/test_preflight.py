"""A first look at a server leaves it in order."""

from __future__ import annotations

import pytest

from offhook.errors import ConnectionLost, PeerError, SessionFailed, SessionRejected
from offhook.protocol import CONNECTOR
from offhook.testing.conformance.caller import Target
from offhook.testing.conformance.preflight import look
from offhook.testing.misbehaving import misbehaving
from offhook.testing.misbehaving.kinds import Edits


async def test_a_good_server_is_left_in_order() -> None:
    with misbehaving() as server:
        await look(Target(server.uri, profile=CONNECTOR))
        assert [message["type"] for message in server.received] == ["open", "close"]


async def test_one_that_declines_is_told_with_its_own_words() -> None:
    declines = Edits("opened", lambda m: m | {"type": "disconnect", "parameters": {"reason": "error", "info": "full"}})
    with misbehaving(declines) as server, pytest.raises(SessionRejected, match="full"):
        await look(Target(server.uri, profile=CONNECTOR))


@pytest.mark.parametrize(
    ("flaw", "error", "says"),
    [
        ("overloaded", PeerError, "503"),
        ("garbage", None, ""),
        ("cuts-at-open", SessionFailed, "closing the connection"),
    ],
)
async def test_what_is_worth_checking(flaw: str, error: type[PeerError] | None, says: str) -> None:
    with misbehaving(flaw) as server:
        if error is None:
            return await look(Target(server.uri, profile=CONNECTOR))
        with pytest.raises(error, match=says):
            await look(Target(server.uri, profile=CONNECTOR))


async def test_nobody_there() -> None:
    with pytest.raises(ConnectionLost, match="is the server up"):
        await look(Target("ws://127.0.0.1:1/", profile=CONNECTOR))
