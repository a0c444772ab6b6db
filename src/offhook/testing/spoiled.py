"""Many sessions over a spoiled line against one server, and whether it still serves a good one afterwards."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from ..connector import connect
from ..errors import OffhookError
from ..protocol import Profile
from ..session.dial import parse_uri
from .faults import FaultProxy

#: Seconds after which a session that has not ended is one that hangs: longer than all timers of the protocol.
_HANGS = 40.0


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
    sessions: int = 200,
    seed: int = 0,
    parallel: int = 40,
    on_session: Callable[[], None] | None = None,
) -> Spoiled:
    """Call a server over bad lines.

    Args:
        uri: `ws://`: within TLS a proxy can do nothing but cut.
        profile: The product.
        key: API key, signed with `secret`. The proxy changes the port and so the authority: it passes `Host` on, and
            a server that checks signatures refuses; leave them out for such a server.
        secret: Decoded.
        sessions: How many.
        seed: Of faults and callers.
        parallel: Sessions at a time.
        on_session: Called at the end of each.
    """
    address = parse_uri(uri)
    room, outcomes, hung = asyncio.Semaphore(parallel), Counter[str](), list[int]()

    async def one(port: int, number: int) -> None:
        source = random.Random(f"{seed} {number}")
        async with room:
            try:
                async with asyncio.timeout(_HANGS):
                    outcomes[await _call(f"ws://127.0.0.1:{port}{address.target}", source)] += 1
            except TimeoutError:
                hung.append(number)
        if on_session is not None:
            on_session()

    async def _call(near: str, source: random.Random) -> str:
        try:
            async with connect(near, key=key, secret=secret, profile=profile, timeout=5.0) as call:
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
        async with connect(uri, key=key, secret=secret, profile=profile) as call:
            await call.hang_up()
            result = await call.result()
        return Spoiled(dict(outcomes), tuple(hung), result.ok, "" if result.ok else result.outcome)
    except OffhookError as error:
        return Spoiled(dict(outcomes), tuple(hung), False, str(error))
