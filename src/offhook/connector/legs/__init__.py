"""Call legs: where a caller's voice comes from and where the bot's voice goes. A leg knows no session and no flow.

Two ports. `Leg` is audio alone: 20 ms go out, the 20 ms that passed meanwhile come back. `PhoneLeg` is a real caller on
a line: it also tells of keys, hold and hang-up, and can flush, transfer and end. Every leg speaks mu-law at 8 kHz.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

from ...errors import OffhookError


class Leg(Protocol):
    """One caller on the line, exchanged with in ticks."""

    def exchange(self, heard: bytes) -> tuple[bytes, bytes]:
        """Play bot audio to the caller, and take what happened on the line in the same time.

        Args:
            heard: Mu-law from the playback queue, silence included.

        Returns:
            Two lanes as long as `heard`: external, what the caller said; internal, all that the caller heard.
        """


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls whom, as the leg was told. All of it personal but `kind`.

    Attributes:
        ani: The caller's number or address; empty where it is withheld.
        dnis: The number or address that was called.
        ani_name: The name beside it.
        kind: Name of the leg: `sip`, `browser`, `wav` and so on.
        headers: What else came with the call: SIP headers, parameters of a stream.
    """

    ani: str = ""
    dnis: str = ""
    ani_name: str = ""
    kind: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


Cause = Literal["normal", "busy", "no-route", "rejected", "error"]
"""Why we end a call: SIP legs make BYE of it, or 480, 503, 404, 403 and 500 if it is not answered yet: 503,
not 486, as it is we who are busy, and a carrier may try another way."""


class LegListener(Protocol):
    """What a leg tells of its caller. Plain calls on the event loop; none of them raises."""

    def key(self, digit: str) -> None:
        """A key was pressed: one of `0`-`9`, `*`, `#`, `A`-`D`. Each press once, from one source only."""

    def held(self, on: bool) -> None:
        """The caller was put on hold, or taken off it."""

    def hung_up(self, reason: str) -> None:
        """The caller is gone; said once. Nothing else comes behind it."""


class TransferFailed(OffhookError):
    """The other end did not take the transfer; the caller is still there."""


class PhoneLeg(Leg, Protocol):
    """A real caller. Made when a call arrives, answered when a flow is there for it.

    A leg is driven by the connector's ticks and keeps its caller's own clock to itself: what comes from the caller
    waits in a queue that is short (`Inlet`), and what goes to the caller at most some 200 ms ahead.

    Attributes:
        caller: Who calls whom.
        ahead: Samples that `exchange` has taken and the caller has not heard yet, as far as the leg knows.
    """

    caller: Caller

    @property
    def ahead(self) -> int: ...

    def attach(self, listener: LegListener) -> None:
        """From now on tell this listener. What happened before is told at once."""

    async def answer(self) -> None:
        """Take the call: audio flows from here on.

        Raises:
            CallEnded: The caller is gone already.
        """

    def flush(self) -> int:
        """Throw away what the caller has not heard yet, now; returns its samples."""

    async def transfer(self, target: str) -> None:
        """Hand the caller to somebody else. Once this returns, the caller is no longer ours: no `hung_up` follows.

        Args:
            target: A number or an address that the connector has allowed.

        Raises:
            TransferFailed: It was not taken, or this kind of leg cannot.
            CallEnded: The caller is gone already.
        """

    def hang_up(self, cause: Cause = "normal") -> None:
        """End the call, or refuse it if it is not answered yet. Nothing happens if it is over. No `hung_up` follows."""


@runtime_checkable
class KeyedLeg(Protocol):
    """What a leg is beside all else whose other end takes keys that are not in the sound.

    Attributes:
        keying: Whether a key that its listener was told of sounds in what it gives now.
    """

    @property
    def keying(self) -> bool: ...

    def send_key(self, digit: str) -> None:
        """See `PlacedLeg`."""


class PlacedLeg(PhoneLeg, Protocol):
    """The leg of a call that we have placed: whoever answers it is asked for nothing, and hears keys as well."""

    def send_key(self, digit: str) -> None:
        """Let the other side have a key, one of those of `LegListener.key`. Nothing happens if the call is over."""


Dialler = Callable[[str, float], Awaitable[PlacedLeg]]
"""Places a call to a target that is allowed and waits for so many seconds until it is answered; raises
`TransferFailed`."""


class Switchboard(Protocol):
    """What kinds of legs know of the connector.

    Attributes:
        bridge: Places calls for transfers; a kind of leg that can may set it.
    """

    bridge: Dialler | None

    def take(self, leg: PhoneLeg) -> object:
        """A call has arrived."""
