"""What is done when a bot fails: how often it is tried, what is tried behind it, what the caller hears meanwhile.

Data and small pure functions. The order of things: the same server again, its next endpoint, the next integration, a
prompt, a transfer, and in the end the flow itself, which is told of the failure, or a hang-up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..audio import wav
from ..errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Fallback:
    """The fallback of one step.

    Attributes:
        integrations: Bots that take over, in order, if the step's own cannot.
        prompt: Sound to play when no bot is left: a WAV file, or mu-law.
        transfer: Target to hand the caller to then.
        hang_up: Whether to end the call then.
        retries: How often an endpoint is tried again before the next one (P8.5: the platform has up to 5).
        backoff: Seconds before the first retry; doubled for each one behind it.
        patience: Seconds for the whole search for a bot, all retries together.
        dead_air: Seconds that a caller may hear nothing after speaking, before the bot is taken for dead; None: for
            ever.
        comfort: What the caller hears while it has to wait: a WAV file, mu-law, or None for the built-in sound; empty
            for silence.
    """

    integrations: Sequence[str] = ()
    prompt: wav.StrPath | bytes | None = None
    transfer: str = ""
    hang_up: bool = False
    retries: int = 2
    backoff: float = 0.25
    patience: float = 20.0
    dead_air: float | None = 10.0
    comfort: wav.StrPath | bytes | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.retries <= 5:
            raise UsageError("a bot is retried 0 to 5 times, as on the platform")
        silent = 1.0 if self.dead_air is None else self.dead_air
        if not (self.backoff >= 0 and self.patience > 0 and silent > 0):  # which a NaN is not either
            raise UsageError("backoff, patience and dead-air of a fallback are seconds above 0")

    def pause_before(self, retry: int) -> float:
        """Seconds before a retry, the first of which is 1."""
        return float(min(self.backoff * 2 ** (retry - 1), 5.0))


@dataclass(frozen=True, slots=True)
class Success:
    """The bot is done; `outputs` are its output variables."""

    outputs: dict[str, str]
    integration: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """No bot brought the call to its end. Names as in the vendor's action (P10).

    Attributes:
        error_type: `NoResourceError` if none was ever reached; see `failures` for the others.
        error_message: For the log: nothing personal.
    """

    error_type: str
    error_message: str


Outcome = Success | Failure
