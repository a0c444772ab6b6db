"""What can go wrong with a bot, in the words of the flow, and what follows from each: try again or not, and which
operational event is written. Pure functions; knows errors and events, not calls.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Final

from ..errors import ConnectionLost, OffhookError, UpgradeRejected, UsageError
from ..protocol import Disconnected, Finished, Violation

NO_RESOURCE: Final = "NoResourceError"
"""The bot was never reached. The one error type of the vendor's action that is known (P10); the others are ours."""
UNAUTHORIZED: Final = "UnauthorizedError"
BOT_ERROR: Final = "BotError"
PROTOCOL: Final = "ProtocolError"
TIMEOUT: Final = "TimeoutError"
LOST: Final = "ConnectionLostError"
RATE: Final = "RateLimitError"
DEAD_AIR: Final = "DeadAirError"
TOO_LONG: Final = "MaxDurationError"
CONFIGURATION: Final = "ConfigurationError"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a session did not open, or ended before it should have.

    Attributes:
        type, message: What the flow gets as errorType and errorMessage. Nothing of what was said is in them.
        retry: Whether the same server may be tried again (P8.5).
        resume: Whether a reconnect may follow, where the product has them (P8.6).
        operational: Number of the operational event (P11).
    """

    type: str
    message: str
    retry: bool = False
    resume: bool = False
    operational: int = 1


def of_error(error: OffhookError) -> Trouble:
    """Of what dialling has raised.

    P8.5: upgrade failures, unknown hosts and refused keys are not tried again; failures of the connection are.
    """
    if isinstance(error, UpgradeRejected):
        if error.status in (401, 403):
            return Trouble(UNAUTHORIZED, str(error), operational=3)
        return Trouble(NO_RESOURCE, str(error))
    if isinstance(error, UsageError):
        return Trouble(CONFIGURATION, str(error))
    if isinstance(error, ConnectionLost):
        unknown = isinstance(error.__cause__, socket.gaierror)
        late = "within" in str(error)
        return Trouble(NO_RESOURCE, str(error), retry=not unknown, resume=True, operational=2 if late else 1)
    return Trouble(NO_RESOURCE, str(error), retry=True, resume=True)


def of_disconnect(event: Disconnected) -> Trouble | None:
    """Of the server's `disconnect`; None where the bot is simply done."""
    if event.reason == "completed":
        return None
    told = f"the server ended the session: {event.reason}" + (f" ({event.info})" if event.info else "")
    if event.reason == "unauthorized":
        return Trouble(UNAUTHORIZED, told, operational=3)
    if event.reason == "rejected":
        return Trouble(NO_RESOURCE, told)
    return Trouble(BOT_ERROR, told, retry=True, resume=True)


def of_violation(event: Violation) -> Trouble:
    """Of a violation that ended the session."""
    told = f"{event.rule} (AudioHook error {event.code})"
    if event.code == 408:
        ping = "pong" in event.rule
        return Trouble(TIMEOUT, told, retry="open" in event.rule, resume=True, operational=6 if ping else 2)
    if event.code == 429:
        return Trouble(RATE, told, operational=12)
    return Trouble(PROTOCOL, told, operational=9 if event.code in (400, 413, 415) else 4)


def of_end(event: Finished, *, opened: bool) -> Trouble | None:
    """Of a session's end that nothing has explained; None where it was closed properly."""
    if event.clean:
        return None
    told = "the socket closed before the session did" if opened else "the server hung up before it answered `open`"
    return Trouble(LOST if opened else NO_RESOURCE, told, retry=True, resume=True, operational=1)


NAMES: Final = {
    1: "Integration error",
    2: "Connection timeout",
    3: "Authentication failure",
    4: "Message out of order",
    6: "Ping without pong",
    9: "Malformed message",
    12: "Rate limit exceeded",
}


def operational_id(number: int) -> str:
    """As the vendor writes it: `AUDIOHOOK-0012` (P11)."""
    return f"AUDIOHOOK-{number:04d}"
