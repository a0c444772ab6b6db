"""The connector's own streams as the client under test: they reconnect, which a single call does not."""

from __future__ import annotations

import asyncio
import base64

from tests.testing.conformance.mutant_clients import URI

from offhook.connector.exchange import Connector
from offhook.connector.integrations import Integration
from offhook.connector.legs.wav import WavLeg
from offhook.connector.phonecall import PhoneCall
from offhook.protocol import PROFILES
from offhook.testing.conformance.case import CaseResult
from offhook.testing.conformance.listener import ClientCheck
from offhook.testing.conformance.suites import client_suite

SUITE = client_suite()
KEY, SECRET = "a2V5", b"s" * 32


async def meet(numbers: list[str], profile: str) -> list[CaseResult]:
    """What a connector's monitor gets in these cases, one call after the other."""
    check = ClientCheck(SUITE.select(numbers), PROFILES[profile], secret=SECRET)
    async with await check.serve("127.0.0.1", 0) as server:
        uri = URI.format(port=server.sockets[0].getsockname()[1])
        connector = Connector()
        secret = base64.b64encode(SECRET).decode()
        connector.integrations.put(
            Integration(name="watch", uri=uri, key=KEY, secret=secret, profile=profile, active=True, reconnect=True)
        )

        @connector.flow()
        async def flow(call: PhoneCall) -> None:
            await call.monitor("watch").ended()

        async def call() -> None:
            while not check.done.is_set():
                await connector.answer(WavLeg())

        caller = asyncio.create_task(call())
        await check.done.wait()
        caller.cancel()
        await asyncio.gather(caller, return_exceptions=True)
    return check.results
