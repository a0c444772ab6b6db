"""What a SIP stack must be able to do to carry calls. Everything else about SIP legs is built on this and no more.

A stack speaks SIP and RTP: transactions, dialogs, codecs, jitter buffer, loss concealment, keys. It decides nothing:
who may call, and what becomes of a call, is said from outside. `baresip` is one; another has to be these three things.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from . import TransferFailed


@dataclass(frozen=True, slots=True)
class Account:
    """Who we are to a PBX or a carrier.

    Attributes:
        user: Name of the account, also that of its digest authentication.
        host: The PBX's or carrier's address, perhaps with a port.
        password: Of its digest authentication; empty where it goes by our address.
        register: Seconds between registrations; 0: it knows our address.
    """

    user: str
    host: str
    password: str = field(default="", repr=False)
    register: int = 0


@dataclass(frozen=True, slots=True)
class StackSettings:
    """How a stack works.

    Attributes:
        host: Address it listens on: of IPv4 or IPv6, not a name.
        port: Port of SIP, over UDP and TCP.
        rtp_ports: First and last port of audio. Two processes on one machine must not share any.
        rtp_timeout: Seconds without any RTP after which a caller counts as gone; 0: never.
        codecs: Names of those offered and taken, the preferred one first.
        jitter: Milliseconds that the jitter buffer may hold, at least and at most; it adapts itself between them.
        headers: SIP headers of the INVITE that calls bring along.
        accounts: Who we are to PBXs and carriers, for calls that we place there and for their questions (401, 407).
        srtp: Audio is enciphered (SRTP, keys in the SDP) where the other side can, or always: other calls are refused.
    """

    host: str
    port: int
    rtp_ports: tuple[int, int] = (20_000, 29_999)
    rtp_timeout: int = 30
    codecs: tuple[str, ...] = ("pcmu", "pcma")
    jitter: tuple[int, int] = (40, 400)
    headers: tuple[str, ...] = ()
    accounts: tuple[Account, ...] = ()
    srtp: Literal["off", "optional", "mandatory"] = "off"


@dataclass(frozen=True, slots=True)
class Invitation:
    """What an INVITE says.

    Attributes:
        source: IP address that it came from, as the socket says: nothing that the message claims.
        sender, target: Headers `From` and `To`, whole.
        headers: Others that were asked for and were there.
    """

    source: str
    sender: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Unreached(TransferFailed):
    """The trunk was not reached, or has failed (5xx): nobody was rung, and another trunk may do better."""


class CallEvents(Protocol):
    """What a stack tells of one call, on the event loop."""

    def key(self, digit: str) -> None:
        """A key was pressed (RFC 4733): once for each press."""

    def held(self, on: bool) -> None:
        """The other side has put us on hold, or taken us off it."""

    def over(self, reason: str) -> None:
        """The call has ended, whoever did it; said once, and nothing else comes behind it."""


LEAD: Final = 0.008
"""Seconds that the first packet of a call is kept, so that those behind it may come late by as much."""


class SipCall(Protocol):
    """One call. Audio is mu-law at 8 kHz whatever goes over the wire; none of it blocks."""

    invitation: Invitation

    def listen(self, events: CallEvents) -> None:
        """From now on tell these."""

    def refuse(self, status: int, reason: str) -> None:
        """Answer with a final response other than 200. Nothing happens if the call is over."""

    async def answer(self) -> None:
        """Answer with 200 and wait until audio may flow.

        Raises:
            CallEnded: The other side is gone, or has not confirmed.
        """

    def end(self) -> None:
        """Send BYE. Nothing happens if the call is over."""

    def read(self) -> bytes:
        """All audio that has come since the last time."""

    def write(self, ulaw_audio: bytes) -> None:
        """Send it as soon as 20 ms have passed since the packet before it. It is 20 ms, every 20 ms, or nothing.

        The first is sent after `LEAD`.
        """

    def send_key(self, digit: str) -> None:
        """Send a key (RFC 4733) behind those before it. Nothing happens if the call is over."""

    async def refer(self, uri: str) -> None:
        """Ask the other side to call somebody else (REFER), and wait until it has; our call is over then.

        Raises:
            TransferFailed: It would not, or could not; the call goes on.
            CallEnded: The call is over.
        """


class SipStack(Protocol):
    """The stack itself."""

    async def start(self, invited: Callable[[SipCall], None]) -> int:
        """Listen, and hand over each call that comes in; returns the port.

        Raises:
            UsageError: It is not installed, or the address cannot be had.
        """

    async def dial(
        self, uri: str, seconds: float, account: Account | None = None, *, reach: float | None = None
    ) -> SipCall:
        """Place a call, and wait until it is answered and audio may flow.

        Args:
            uri: Who is called.
            seconds: For how long it may ring.
            account: One of the settings', which tells who we are; None: nobody, and no question is answered.
            reach: Seconds in which it must ring or be answered, else nobody was reached; None: as long as `seconds`.

        Raises:
            Unreached: Whoever was to take the call on could not.
            TransferFailed: It was not answered in this time, or with something else than 200.
        """

    async def close(self) -> None:
        """End all calls, and listen no more."""
