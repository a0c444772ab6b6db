"""Flaws by name: the suite for servers finds each, and our own client lives with all of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest

from offhook.connector import connect
from offhook.errors import OffhookError, UsageError
from offhook.protocol import PROFILES
from offhook.testing.conformance.caller import Caller, Target
from offhook.testing.conformance.case import CaseResult, Verdict
from offhook.testing.conformance.runner import run_case
from offhook.testing.conformance.suites import server_suite
from offhook.testing.misbehaving.flaw import serve
from offhook.testing.misbehaving.named import FLAWS, find

SUITE = server_suite()
#: What our client does not complain of, with the reason.
BORNE = {
    "starts-paused": "it is allowed",
    "no-parameters": "the production platform takes it",
    "no-pong": "the call is over before the next ping is due",
    "bad-transcript": "entities are not looked into",
    "zeros": "any byte is a sample",
    "leaves-first": "the call is over",
    "talks-behind-closed": "the call is over",
    "number-outputs": "they are taken as JSON",
}


async def called(name: str) -> tuple[str, int]:
    """Outcome of a call, or the error that came of it, and how many rules the client saw broken."""
    flaw = FLAWS[name]
    profile = PROFILES[flaw.profile]
    pinged = asyncio.Event()

    def watch(link: object, data: str | bytes) -> None:
        if isinstance(data, str) and '"ping"' in data:
            asyncio.get_running_loop().call_later(0.2, pinged.set)

    async with serve(profile, flaw.make(), watch=watch) as uri:
        try:
            async with connect(uri, profile=profile) as call:
                await call.wait(0.2)
                if profile.speaks and not call.link.over:
                    await call.dtmf("1")
                over = asyncio.create_task(call.result())
                await asyncio.wait([over, asyncio.create_task(pinged.wait())], return_when=asyncio.FIRST_COMPLETED)
                pinged.set()
                await call.hang_up()
                result = await call.result()
                return result.outcome, len(result.violations)
        except OffhookError as error:
            return type(error).__name__, 1


async def checked(name: str) -> CaseResult | None:
    flaw = FLAWS[name]
    if not flaw.case:
        return None
    profile = PROFILES[flaw.profile]
    async with serve(profile, flaw.make()) as uri:
        return await run_case(SUITE[flaw.case], Caller(Target(uri, profile=profile)))


@pytest.fixture(scope="module")
def trials() -> Iterator[dict[str, tuple[tuple[str, int], CaseResult | None]]]:
    async def all_of_them() -> list[tuple[tuple[str, int], CaseResult | None]]:
        return await asyncio.gather(*(asyncio.gather(called(name), checked(name)) for name in FLAWS))  # type: ignore[arg-type]

    logging.disable()
    yield dict(zip(FLAWS, asyncio.run(all_of_them()), strict=True))
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("name", FLAWS)
def test_the_suite_finds_it(trials: dict[str, tuple[tuple[str, int], CaseResult | None]], name: str) -> None:
    _, result = trials[name]
    if result is None:
        assert name == "starts-paused"
        return
    assert result.verdict in (Verdict.FAILED, Verdict.NON_STRICT), result.detail


@pytest.mark.parametrize("name", FLAWS)
def test_our_client_lives_with_it(trials: dict[str, tuple[tuple[str, int], CaseResult | None]], name: str) -> None:
    (outcome, violations), _ = trials[name]
    complained = bool(violations) or outcome not in ("hangup", "completed")
    if name in ("never-closed", "closed-late", "late-pong"):
        assert outcome == "lost", "`closed` never came"
    else:
        assert complained == (name not in BORNE), outcome


def test_an_unknown_name_is_told() -> None:
    with pytest.raises(UsageError, match="no-pong"):
        find("nonsense")
