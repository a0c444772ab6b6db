"""Many sessions over a spoiled line against one server, and whether it still serves a good one afterwards."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from ssl import SSLContext
from typing import TypedDict

from ..connector import connect
from ..errors import OffhookError
from ..protocol import Profile
from ..session.dial import parse_uri
from .faults import FaultProxy

#: Seconds after which a session that has not ended is one that hangs: longer than all timers of the protocol.
_HANGS = 40.0


class _Options(TypedDict):
    key: str
    secret: bytes
    profile: Profile
    ssl: SSLContext | None


@dataclass(frozen=True)
class Spoiled:
    """How it went.

    Attributes:
        outcomes: How many sessions ended how: outcomes of calls, and names of errors where none came about.
        hung: Seeds of sessions that did not end.
        serves: Whether a session on a good line went well afterwards.
        detail: Why not.
    """

    outcomes: dict[str, int]
    hung: tuple[int, ...]
    serves: bool
    detail: str = ""

    @property
    def ok(self) -> bool:
        return self.serves and not self.hung


async def spoil(
    uri: str,
    *,
    profile: Profile,
    key: str = "",
    secret: bytes = b"",
    ssl: SSLContext | None = None,
    sessions: int = 200,
    seed: int = 0,
    parallel: int = 40,
    on_session: Callable[[], None] | None = None,
) -> Spoiled:
    """Call a server over bad lines.

    Args:
        uri: Of the server. Requests are made, signed and verified for it, whatever passes them on.
        profile: The product.
        key: API key.
        secret: Decoded; requests are signed with it.
        ssl: For `wss://`.
        sessions: How many.
        seed: Of faults and callers.
        parallel: Sessions at a time.
        on_session: Called at the end of each.
    """
    address = parse_uri(uri)
    options: _Options = {"key": key, "secret": secret, "profile": profile, "ssl": ssl}
    room, outcomes, hung = asyncio.Semaphore(parallel), Counter[str](), list[int]()

    async def one(port: int, number: int) -> None:
        source = random.Random(f"{seed} {number}")
        async with room:
            try:
                async with asyncio.timeout(_HANGS):
                    outcomes[await _call(("127.0.0.1", port), source)] += 1
            except TimeoutError:
                hung.append(number)
        if on_session is not None:
            on_session()

    async def _call(near: tuple[str, int], source: random.Random) -> str:
        try:
            async with connect(uri, via=near, **options) as call:
                await call.wait(source.choice((0.02, 0.1, 0.3)))
                if profile.speaks and source.random() < 0.5:
                    await call.dtmf("12")
                await call.hang_up()
                return (await call.result()).outcome
        except OffhookError as error:
            return type(error).__name__

    async with FaultProxy(address.host, address.port, seed=seed) as proxy:
        await asyncio.gather(*(one(proxy.port, number) for number in range(sessions)))
    try:
        async with connect(uri, **options) as call:
            await call.hang_up()
            result = await call.result()
        return Spoiled(dict(outcomes), tuple(hung), result.ok, "" if result.ok else result.outcome)
    except OffhookError as error:
        return Spoiled(dict(outcomes), tuple(hung), False, str(error))
