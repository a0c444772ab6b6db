"""SIP calls as legs, and the door that they come in by. Of the stack beneath it knows the port in `sipstack` only.

The door is shut: who is not listed by address is refused before anybody hears of the call, whatever its headers say.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final
from urllib.parse import unquote

from ...audio import ulaw
from ...audio.dtmf import DtmfDetector
from ...errors import CallEnded, UsageError
from . import Caller, Cause, TransferFailed
from .inlet import Inlet
from .news import News
from .outlet import Outlet
from .sipstack import Account, Invitation, SipCall, SipStack, Unreached
from .socket import KEYS, Arrival

logger = logging.getLogger("offhook.connector")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_REFUSALS: Final[dict[str, tuple[int, str]]] = {
    "normal": (480, "Temporarily Unavailable"),
    "busy": (503, "Service Unavailable"),
    "no-route": (404, "Not Found"),
    "rejected": (403, "Forbidden"),
    "error": (500, "Server Internal Error"),
}
_ADDRESS: Final = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^<"]*?))\s*<([^>]*)>')
_URI: Final = re.compile(r"(?:sips?|tel):(?:([^@;?>]*)@)?([^;?>]*)", re.IGNORECASE)
#: Seconds that a trunk has until somebody is rung, if there is another one.
_REACH: Final = 6.0
#: Seconds that a caller has to be heard first, from look to look, and from a packet to the time for ticks to begin.
_FIRST: Final = 0.2
_LOOK: Final = 0.002
_AFTER: Final = 0.004
#: Samples within which a key that was found in the sound and one by RFC 4733 are one press.
_ONE_PRESS: Final = ulaw.RATE // 2
#: Strangers that are named in the log; the others would fill it.
_NAMED: Final = 100


def networks(peers: Sequence[str]) -> tuple[Network, ...]:
    """Addresses and networks of those who may call.

    Raises:
        UsageError: There is none, or one is no address.
    """
    if not peers:
        raise UsageError("nobody may call by SIP: list the addresses of your carrier or PBX in peers")
    try:
        return tuple(ipaddress.ip_network(peer, strict=False) for peer in peers)
    except ValueError as error:
        raise UsageError(f"peers: {error}: give addresses or networks, such as 192.0.2.7 or 192.0.2.0/24") from None


def party(header: str) -> tuple[str, str]:
    """Number or user, and display name, of a `From` or `To` header. What cannot be read is empty."""
    found = _ADDRESS.match(header)
    name = re.sub(r"\\(.)", r"\1", found[1] or found[2] or "") if found else ""
    uri = _URI.match((found[3] if found else header).strip())
    if uri is None:
        return "", name
    return unquote(uri[1] if uri[1] is not None else uri[2]), name


def caller_of(invitation: Invitation) -> Caller:
    """Who calls whom. What the network asserts (RFC 3325) counts more than what the caller says."""
    asserted = invitation.headers.get("P-Asserted-Identity", "")
    ani, name = party(asserted or invitation.sender)
    dnis, _ = party(invitation.target)
    return Caller(ani, dnis, name, kind="sip", headers=invitation.headers)


class SipLeg(News):
    """A `PhoneLeg`, and the `CallEvents` of its call; one that was `placed` is answered already.

    With `hears_keys` the tones of keys count too, until the first key comes by RFC 4733: each press once.

    Attributes:
        caller: Who calls.
        ended: Why it is over; empty while it is not.
    """

    def __init__(
        self, call: SipCall, left: Callable[[SipLeg], object], *, placed: bool = False, hears_keys: bool = False
    ) -> None:
        super().__init__()
        self.caller = caller_of(call.invitation)
        self.ended = ""
        self.inlet = Inlet()
        self.outlet = Outlet()
        self._call = call
        self._left = left
        self._answered = placed
        self._tones = DtmfDetector() if hears_keys else None
        self._found, self._found_ago = "", 0  # in the sound, and how many samples ago
        self._transferring = False
        call.listen(self)

    # CallEvents

    def key(self, digit: str) -> None:
        known = self._tones is not None and digit == self._found and self._found_ago < _ONE_PRESS
        self._tones = None
        if not known:
            self._pressed(digit)

    def _pressed(self, digit: str) -> None:
        if digit in KEYS and not self.ended:
            self._tell(lambda listener: listener.key(digit))

    def held(self, on: bool) -> None:
        if not self.ended:
            self._tell(lambda listener: listener.held(on))

    def over(self, reason: str) -> None:
        self._left(self)
        if not (self.ended or self._transferring):
            self._tell(lambda listener: listener.hung_up(reason))
        self.ended = self.ended or reason

    # PlacedLeg, and KeyedLeg

    @property
    def keying(self) -> bool:
        """See `KeyedLeg`."""
        return self._tones is not None and self._tones.sounding

    def send_key(self, digit: str) -> None:
        """See `PlacedLeg`."""
        if self._answered and not self.ended:
            self._call.send_key(digit)

    # PhoneLeg

    @property
    def ahead(self) -> int:
        """See `PhoneLeg`."""
        return 0 if self.ended else self.outlet.ahead(time.monotonic())

    async def answer(self) -> None:
        """See `PhoneLeg`."""
        if self.ended:
            raise CallEnded("the caller is gone")
        await self._call.answer()
        await self._fall_in()
        self._answered = True

    async def _fall_in(self) -> None:
        """Return a moment after a packet: ticks that begin now find each one there, and need not have one to spare."""
        loop = asyncio.get_running_loop()
        heard, end = 0, loop.time() + _FIRST
        while heard < 2 and not self.ended and loop.time() < end:  # the first may be several at once
            await asyncio.sleep(_LOOK)
            audio = self._call.read()
            heard += bool(audio)
        if heard:
            self.inlet.push(audio)
            await asyncio.sleep(_AFTER)

    def exchange(self, heard: bytes) -> tuple[bytes, bytes]:
        """See `Leg`."""
        if self._answered and not self.ended:
            self.inlet.push(self._call.read())
            self._call.write(self.outlet.pace(heard, time.monotonic()))
        said = self.inlet.take(len(heard))
        if self._tones is not None and not self.ended:
            self._found_ago += len(said)
            for digit, _ in self._tones.push(ulaw.decode(said)):
                self._found, self._found_ago = digit, 0
                self._pressed(digit)
        return said, heard

    def flush(self) -> int:
        """See `PhoneLeg`. What the stack has is a tick's audio, and is heard before it could be taken back."""
        return 0

    async def transfer(self, target: str) -> None:
        """See `PhoneLeg`. A number is one of the peer that the call came from."""
        if self.ended:
            raise CallEnded("the caller is gone")
        if not target.startswith(("sip:", "sips:")):
            source = self._call.invitation.source
            host = f"[{source}]" if ":" in source else source
            target = f"sip:{target.removeprefix('tel:')}@{host}"
        self._transferring = True
        try:
            await self._call.refer(target)
        except TransferFailed:
            self._transferring = False
            if self.ended:
                raise CallEnded("the caller is gone") from None
            raise
        self.ended = "transferred"

    def hang_up(self, cause: Cause = "normal") -> None:
        """See `PhoneLeg`."""
        if self.ended:
            return
        self.ended = f"ended: {cause}"
        if self._answered:
            self._call.end()
        else:
            self._call.refuse(*_REFUSALS[cause])
        self._left(self)


@dataclass(frozen=True, slots=True)
class Trunk:
    """Who takes the calls that we place to plain numbers.

    Attributes:
        account: Who we are there, and its address.
        numbers: Patterns of the numbers that go there: `+49*`.
    """

    account: Account
    numbers: tuple[str, ...] = ("*",)

    def fit(self, number: str) -> int:
        """How well a number fits: the letters of its longest pattern, -1 if none."""
        return max((len(each) for each in self.numbers if fnmatchcase(number, each)), default=-1)


class SipDoor:
    """Takes calls from listed peers, and places calls to targets.

    Args:
        stack: What speaks SIP.
        arrival: Takes each call.
        peers: Addresses and networks of those who may call.
        max_calls: Calls at once, placed ones too; further ones are answered with 503.
        trunks: Who takes calls to plain numbers: the one whose pattern fits best, and after it the next. Without one,
            none are placed.
        hears_keys: Callers' keys are found in the sound as well.

    Raises:
        UsageError: No peer is listed, or one is no address.
    """

    def __init__(
        self,
        stack: SipStack,
        arrival: Arrival,
        *,
        peers: Sequence[str],
        max_calls: int = 100,
        trunks: Sequence[Trunk] = (),
        hears_keys: bool = False,
    ) -> None:
        self._stack = stack
        self._arrival = arrival
        self._peers = networks(peers)
        self._max_calls = max_calls
        self._trunks = tuple(trunks)
        self._dialling = 0
        self._hears_keys = hears_keys
        self._legs: set[SipLeg] = set()
        self._strangers: set[str] = set()
        self._full = False

    async def start(self) -> int:
        """Listen; returns the port. Raises `UsageError`."""
        return await self._stack.start(self.invited)

    async def close(self) -> None:
        """Hang up what is on, and stop listening."""
        for leg in tuple(self._legs):
            leg.hang_up("normal")
        await self._stack.close()

    def invited(self, call: SipCall) -> None:
        """A call has come in."""
        source = call.invitation.source
        if not self._may_call(source):
            call.refuse(403, "Forbidden")
            if source not in self._strangers and len(self._strangers) < _NAMED:
                self._strangers.add(source)
                logger.warning("SIP calls from %s are refused: it is not among the peers", source or "an unknown peer")
            return None
        full = self._full_now
        if full and not self._full:
            logger.warning("SIP calls are refused: %d are on, which is max-calls", self._max_calls)
        self._full = full
        if full:
            return call.refuse(503, "Service Unavailable")
        leg = SipLeg(call, self._legs.discard, hears_keys=self._hears_keys)
        self._legs.add(leg)
        self._arrival(leg)
        return None

    @property
    def _full_now(self) -> bool:
        return len(self._legs) + self._dialling >= self._max_calls

    async def dial(self, target: str, seconds: float) -> SipLeg:
        """Place a call, and wait until it is answered. Whether the target may be called is asked elsewhere.

        Args:
            target: An address, or a number of the trunk.
            seconds: For how long it may ring.

        Raises:
            TransferFailed: Nobody has answered, or too many calls are on, or it is a number and there is no trunk.
        """
        if self._full_now:
            raise TransferFailed("max-calls are on")
        ways = self._ways(target)
        self._dialling += 1
        try:
            call = await self._first_of(ways, seconds)
        finally:
            self._dialling -= 1
        leg = SipLeg(call, self._legs.discard, placed=True)
        self._legs.add(leg)
        return leg

    def _ways(self, target: str) -> list[tuple[str, Account | None]]:
        """URIs that lead to a target, the best first, and who we are there."""
        if target.startswith(("sip:", "sips:")):
            host = (_URI.match(target) or ("", "", ""))[2].lower()
            known = (each.account for each in self._trunks if each.account.host.lower() == host)
            return [(target, next(known, None))]
        number = target.removeprefix("tel:")
        fits = sorted(self._trunks, key=lambda each: each.fit(number), reverse=True)
        found = [each.account for each in fits if each.fit(number) >= 0]
        if not found:
            raise TransferFailed("a plain number needs a trunk that takes it: set one in [[legs.sip.trunk]]")
        return [(f"sip:{number}@{account.host}", account) for account in found]

    async def _first_of(self, ways: Sequence[tuple[str, Account | None]], seconds: float) -> SipCall:
        """Try one after the other for as long as nobody was rung."""
        for uri, account in ways[:-1]:
            try:
                return await self._stack.dial(uri, seconds, account, reach=_REACH)
            except Unreached as error:
                logger.warning("trunk %s was not reached (%s): the next one is tried", account and account.host, error)
        uri, account = ways[-1]
        return await self._stack.dial(uri, seconds, account)

    def _may_call(self, source: str) -> bool:
        try:
            address = ipaddress.ip_address(source)
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self._peers)
