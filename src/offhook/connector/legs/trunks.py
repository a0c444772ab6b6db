"""`[legs.sip]`: what the settings say of calls by SIP, and the door with the stack behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Literal

import msgspec

from ...errors import UsageError
from . import Switchboard
from .bareconfig import check
from .baresip import BaresipStack
from .sip import SipDoor, Trunk, networks
from .sipstack import Account, StackSettings
from .tables import Count, LegTable, NotEmpty, Port, secret

#: Up to a day: the stack has no room for more than 49 days, and would silently make it less.
Seconds = Annotated[int, msgspec.Meta(ge=0, le=86_400)]


class TrunkTable(LegTable, frozen=True, kw_only=True):
    """`[[legs.sip.trunk]]`: a PBX or carrier at `host`, which takes the calls that we place to `numbers`.

    `user` is our name there, its password is in the environment variable that `password-env` names; `register` are the
    seconds between registrations.
    """

    host: NotEmpty
    numbers: Annotated[tuple[NotEmpty, ...], msgspec.Meta(min_length=1)] = ("*",)
    user: str = "offhook"
    password_env: str = ""
    register: Seconds = 0

    def trunk(self) -> Trunk:
        """As the door has it. Raises `UsageError` if the password is not in the environment."""
        account = Account(self.user, self.host, secret("trunk: password-env", self.password_env), self.register)
        return Trunk(account, self.numbers)


class Table(LegTable, frozen=True, kw_only=True):
    """`[legs.sip]`. `peers`: addresses and networks that may call; see `sipstack.StackSettings` for the others.

    `bridge`: transfers are second calls in place of REFER. `inband-keys`: keys are also heard in the sound.
    """

    port: Port = 5060
    host: str = "127.0.0.1"
    peers: tuple[str, ...] = ()
    max_calls: Count = 100
    rtp_ports: tuple[int, int] = (20_000, 29_999)
    rtp_timeout: Seconds = 30
    codecs: tuple[str, ...] = ("pcmu", "pcma")
    jitter: tuple[int, int] = (40, 400)
    headers: tuple[str, ...] = ()
    trunk: tuple[TrunkTable, ...] = ()
    bridge: bool = False
    inband_keys: bool = False
    srtp: Literal["off", "optional", "mandatory"] = "off"

    def stack(self, trunks: tuple[Trunk, ...]) -> StackSettings:
        """What the stack has to know."""
        return StackSettings(
            self.host,
            self.port,
            self.rtp_ports,
            self.rtp_timeout,
            self.codecs,
            self.jitter,
            self.headers,
            tuple(each.account for each in trunks),
            self.srtp,
        )


@asynccontextmanager
async def serve(table: Table, board: Switchboard) -> AsyncIterator[str]:
    """See `doors.Kind`."""
    networks(table.peers)
    trunks = tuple(each.trunk() for each in table.trunk)
    if len({each.account.host.lower() for each in trunks}) < len(trunks):
        raise UsageError("trunk: each has a host of its own; give one table all its numbers")
    stack = table.stack(trunks)
    check(stack)
    first, last = table.rtp_ports
    if table.max_calls > (last - first + 1) // 2:
        raise UsageError(
            f"rtp-ports: a call takes two, so {first} to {last} are too few for max-calls, {table.max_calls}"
        )
    door = SipDoor(
        BaresipStack(stack),
        board.take,
        peers=table.peers,
        max_calls=table.max_calls,
        trunks=trunks,
        hears_keys=table.inband_keys,
    )
    port = await door.start()
    if table.bridge:
        board.bridge = door.dial
    try:
        yield f"SIP at {table.host} port {port}, from {', '.join(table.peers)}"
    finally:
        await door.close()
