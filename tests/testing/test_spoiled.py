"""Calls over bad lines, and the verdict on the server."""

from __future__ import annotations

from offhook.protocol import MONITOR
from offhook.session.keys import KeyStore
from offhook.testing.misbehaving import flaw as mutants
from offhook.testing.misbehaving.kinds import ShutsOut
from offhook.testing.spoiled import spoil


async def test_a_good_server_serves_on() -> None:
    async with mutants.serve(MONITOR) as uri:
        done: list[None] = []
        found = await spoil(uri, profile=MONITOR, sessions=30, seed=1, on_session=lambda: done.append(None))
    assert found.ok
    assert sum(found.outcomes.values()) == len(done) == 30
    assert len(found.outcomes) > 1, "some lines were too bad"


async def test_signed_requests_pass_the_bad_line() -> None:
    async with mutants.serve(MONITOR, keys=KeyStore({"a2V5": b"secret"})) as uri:
        found = await spoil(uri, profile=MONITOR, key="a2V5", secret=b"secret", sessions=30, seed=1)
        assert found.ok
        assert found.outcomes["hangup"] > 10
        assert found.outcomes.get("UpgradeRejected", 0) == 0
        unsigned = await spoil(uri, profile=MONITOR, key="a2V5", sessions=5, seed=1)
    assert not unsigned.ok
    assert "401" in unsigned.detail


async def test_one_that_refuses_is_told() -> None:
    async with mutants.serve(MONITOR, ShutsOut(lambda _: True, 503)) as uri:
        found = await spoil(uri, profile=MONITOR, sessions=3)
    assert not found.ok
    assert "503" in found.detail
