"""Which case a connection meets, above all where a client reconnects while a case still holds its old session."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest
from tests.testing.conformance.client_mutants_c import Reconnects
from tests.testing.conformance.connectors import meet
from tests.testing.conformance.mutant_clients import URI, ClientFlaw, run_cases, run_client

from offhook.protocol import PROFILES
from offhook.testing.conformance.case import CaseResult, Verdict
from offhook.testing.conformance.listener import ClientCheck
from offhook.testing.conformance.suites import client_suite

SUITE, MONITOR = client_suite(), PROFILES["monitor"]


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


def told(results: list[CaseResult]) -> list[tuple[str, Verdict, str]]:
    return [(result.number, result.verdict, result.detail) for result in results]


@pytest.mark.parametrize("at_once", [1, 6])
async def test_a_client_that_reconnects_meets_each_case_once(at_once: int) -> None:
    results = await run_cases(SUITE.select(["13"]), MONITOR, Reconnects(), at_once=at_once)
    assert [each for each in told(list(results.values())) if each[1] is not Verdict.OK] == []
    assert len(results) == 6


@pytest.mark.parametrize("profile", ["monitor", "transcription"])
async def test_our_connector_reconnects_as_it_should(profile: str) -> None:
    results = await meet(["13"], profile)
    assert [each for each in told(results) if each[1] is not Verdict.OK] == []
    assert len(results) == 6


async def test_calls_of_others_are_no_reconnection() -> None:
    """Clients that just call again, side by side, while a case waits: they meet the next cases."""
    results = await run_cases(SUITE.select(["13.3", "13.4", "13.5"]), MONITOR, at_once=3)
    assert {result.detail for result in results.values()} == {"this client does not reconnect"}


@pytest.mark.parametrize("odd", ["old", ["old"], [{"id": 7}], {"id": "old"}])
async def test_a_predecessor_that_is_named_oddly_is_found(odd: object) -> None:
    def change(message: dict[str, dict[str, object]]) -> dict[str, dict[str, object]]:
        return message | {"parameters": message["parameters"] | {"continuedSessions": odd}}

    results = await run_cases(SUITE.select(["13.3"]), MONITOR, Reconnects(change))
    assert results["13.3"].verdict is Verdict.FAILED
    assert "without the session" in results["13.3"].detail


async def test_the_trace_holds_both_connections_in_their_order() -> None:
    results = await run_cases(SUITE.select(["13.3"]), MONITOR, Reconnects())
    trace = results["13.3"].trace
    assert sum(line.kind == "http" and line.sender == "client" for line in trace) == 2
    assert [line.t for line in trace] == sorted(line.t for line in trace)


@pytest.mark.parametrize("sent", [b"", b"hello\r\n", b"hello\r\n\r\n"])
async def test_a_look_at_the_port_meets_no_case(sent: bytes) -> None:
    check = ClientCheck(SUITE.select(["2.1"]), MONITOR)
    async with await check.serve("127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
        if not sent:
            assert check.next_case is not None
            await run_client(URI.format(port=port), MONITOR, ClientFlaw())
        await check.done.wait()
    (result,) = check.results
    assert result.verdict is (Verdict.FAILED if sent else Verdict.OK)


async def test_who_comes_when_all_cases_were_met_is_let_go() -> None:
    check = ClientCheck([], MONITOR)
    async with await check.serve("127.0.0.1", 0) as server:
        await run_client(URI.format(port=server.sockets[0].getsockname()[1]), MONITOR)
    assert check.results == []
