"""What a run is to be: whom to call, how many at a time, for how long, saying what."""

from __future__ import annotations

import msgspec

from ...connector.parameters import Channels, offers, opening, profile_of
from ...errors import UsageError
from ...protocol import Open, Profile
from ...session.dial import parse_uri
from ...session.keys import decode_secret

PROFILES = ("monitor", "connector", "transcription")
TALKS = ("echo", "bot")

#: Milliseconds from which on a server that answers message by message keeps the platform's pace of five a second.
_PLATFORM_FRAME = 200
_KEYS_EVERY = 10.0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A run. It travels to the processes that carry it out.

    Attributes:
        uri: `ws://` or `wss://`.
        key: API key.
        secret: Client secret, base64; empty: unsigned.
        calls: At a time.
        ramp: New calls a second, all processes together.
        seconds: How long all of them are up.
        call_seconds: How long one call lasts before another takes its place; None: as long as the run needs it.
        profile: One of `PROFILES`.
        channels: Of the integration; None: those that the product usually has.
        frame_ms: Milliseconds of an audio message, 20 to 1000.
        wav: What callers say; None: quiet noise.
        talk: `echo`: all that is said is expected back. `bot`: the server speaks as it likes.
        dtmf_every: Seconds between keys; 0: none; None: ten, where the product has keys.
        input: Input variables.
        language: Of the calls; None to send none.
        organization_id: None: that of the vendor's examples.
        insecure: Believe any TLS certificate.
        timeout: Seconds for name, TCP, TLS and upgrade of one call.
        processes: How many share the calls.
    """

    uri: str
    key: str = ""
    secret: str = ""
    calls: int = 10
    ramp: float = 100.0
    seconds: float = 30.0
    call_seconds: float | None = None
    profile: str = "connector"
    channels: Channels | None = None
    frame_ms: int = 200
    wav: str | None = None
    talk: str = "bot"
    dtmf_every: float | None = None
    input: dict[str, str] = {}
    language: str | None = "en-US"
    organization_id: str | None = None
    insecure: bool = False
    timeout: float = 5.0
    processes: int = 1

    def check(self) -> None:
        """Say what cannot be carried out.

        Raises:
            UsageError: Anything.
        """
        parse_uri(self.uri)
        if self.secret:
            decode_secret(self.secret)
        if self.profile not in PROFILES:
            raise UsageError(f"there is no profile {self.profile!r} to put a load on: choose {', '.join(PROFILES)}")
        if self.talk not in TALKS:
            raise UsageError(f"a server talks as echo or bot, not as {self.talk!r}")
        if self.echoes and not self.product.speaks:
            raise UsageError(f"the {self.profile} profile has no audio of the server: leave out --talk echo")
        if self.dtmf_every and "dtmf" not in self.product.types:
            raise UsageError(f"the {self.profile} profile has no keys: leave out --dtmf-every")
        if not 20 <= self.frame_ms <= 1000:
            raise UsageError(f"messages of {self.frame_ms} ms cannot be sent: choose 20 to 1000; the platform has 200")
        for name, value in (("calls", self.calls), ("ramp", self.ramp), ("processes", self.processes)):
            if value <= 0:
                raise UsageError(f"--{name} must be above zero")
        if self.seconds < 0 or (self.call_seconds is not None and self.call_seconds <= 0):
            raise UsageError("a duration must be above zero")
        offers(self.product, self.channels)
        self.opening()

    @property
    def product(self) -> Profile:
        """The profile itself."""
        return profile_of(self.profile)

    @property
    def echoes(self) -> bool:
        """Whether all audio is expected back."""
        return self.talk == "echo"

    @property
    def keys_every(self) -> float | None:
        """Seconds between keys; None where there are none."""
        if "dtmf" not in self.product.types:
            return None
        return (_KEYS_EVERY if self.dtmf_every is None else self.dtmf_every) or None

    @property
    def enforces_rates(self) -> bool:
        """Whether calls judge the server's pace as the platform does: not where ours is not the platform's."""
        return self.frame_ms >= _PLATFORM_FRAME

    @property
    def climb(self) -> float:
        """Seconds until the last call has begun."""
        return (self.calls - 1) / self.ramp

    @property
    def hold(self) -> float:
        """Seconds from the beginning of a place's first call to the end of its last."""
        return self.climb + self.seconds

    def begins(self, number: int) -> float:
        """Seconds into the run at which a place has its first call."""
        return number / self.ramp

    def numbers(self, process: int) -> range:
        """The places that a process, counted from 0, has."""
        return range(process, self.calls, self.processes)

    def opening(self) -> Open:
        """The parameters of a new call's `open`."""
        return opening(
            self.product,
            channels=self.channels,
            language=self.language,
            input=self.input,
            organization_id=self.organization_id,
        )
