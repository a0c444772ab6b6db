"""A misbehaving server in its thread."""

from __future__ import annotations

import socket
import threading
from urllib.parse import urlsplit

import pytest

from offhook.connector import connect
from offhook.errors import KeyFileError, UpgradeRejected, UsageError
from offhook.testing.misbehaving import misbehaving


async def test_it_tells_what_clients_sent() -> None:
    with misbehaving() as server:
        async with connect(server.uri) as call:
            await call.dtmf("12")
            await call.wait(0.4)
        assert [message["parameters"]["digit"] for message in server.of("dtmf")] == ["1", "2"]
        assert server.received[0]["type"] == "open"
        assert server.sessions == [call.session.id]
        assert server.audio > 0


async def test_extra_messages_are_numbered_rightly() -> None:
    """The flaw is the pong that nobody asked for, and not its number, nor those of what follows."""
    with misbehaving("unasked-pong") as server:
        async with connect(server.uri) as call:
            call.update("es-ES")
            await call.wait(1.4)  # a ping and its pong
            await call.hang_up()
            result = await call.result()
    assert {fault.rule for fault in result.violations} == {"pong without a ping"}
    assert result.outcome == "hangup"


async def test_it_checks_signatures() -> None:
    with misbehaving(keys={"a2V5": "c2VjcmV0"}) as server:
        with pytest.raises(UpgradeRejected):
            async with connect(server.uri, key="a2V5", secret="b3RoZXI="):
                pass
        async with connect(server.uri, key="a2V5", secret="c2VjcmV0"):
            pass


def test_it_leaves_nothing_behind() -> None:
    before = threading.active_count()
    with misbehaving("never-opens") as server:
        address = urlsplit(server.uri)
        assert address.port
        left = socket.create_connection(("127.0.0.1", address.port))
    assert threading.active_count() == before
    left.close()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", address.port), timeout=1)


def test_wrong_use_is_told() -> None:
    with pytest.raises(UsageError, match="no flaw"), misbehaving("nonsense"):
        pass
    with pytest.raises(UsageError, match="no profile"), misbehaving(profile="nonsense"):
        pass
    with pytest.raises(KeyFileError), misbehaving(keys={"a2V5": "!"}):
        pass
