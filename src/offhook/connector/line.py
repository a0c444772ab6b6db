"""The caller's line in one call: what the caller hears in each 20 ms, and who is given what was said and heard.

One tick does it all, by plain calls: the bot's audio, a prompt and the comfort sound become what the caller hears; the
leg takes it and gives what the caller said; bot, monitors and recording get both. It must not know sessions or flows.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Protocol

from ..audio import mix_ulaw, ulaw
from .legs import Leg, PhoneLeg
from .player import TICK, Played
from .sounds import EDGE, is_audible, soften
from .ticker import PERIOD, Ticker

logger = logging.getLogger("offhook.connector")

_SILENCE: Final = ulaw.silence(TICK)
_NOTHING: Final = Played(_SILENCE)
#: Samples of silence after which a waiting caller hears the comfort sound: silence stays under a second.
COMFORT_AFTER: Final = ulaw.RATE * 7 // 10


class Ear(Protocol):
    """Gets what is said and heard on the line: a monitor, say. It must be quick."""

    def capture(self, played: Played, external: bytes, internal: bytes, ahead: int) -> None:
        """See `Stream.capture`."""

    def dropped(self) -> None:
        """It has raised, and is called no more."""


class Voice(Ear, Protocol):
    """And speaks: a bot."""

    def play(self) -> Played:
        """See `Stream.play`."""


class Partner(Leg, Protocol):
    """Somebody else whom the caller is joined to."""

    def send_key(self, digit: str) -> None:
        """The caller has pressed a key."""


class Sink(Protocol):
    """Takes a recording."""

    def write(self, position: int, ulaw: bytes) -> None: ...


class Prompt:
    """A sound on its way to the caller; see `Line.prompt`."""

    def __init__(self, audio: bytes, *, loop: bool) -> None:
        self._audio = audio
        self._loop = loop
        self.played = 0
        self.done = asyncio.get_running_loop().create_future()

    def take(self, samples: int) -> bytes:
        """The next samples of it, silence behind its end."""
        at = self.played
        self.played += samples
        if self._loop:
            at %= len(self._audio)
            audio = self._audio[at : at + samples]
            return audio + self._audio[: samples - len(audio)]
        if self.played >= len(self._audio) and not self.done.done():
            self.done.set_result(True)
        audio = self._audio[at : at + samples]
        return audio + ulaw.silence(samples - len(audio))


class Line:
    """The line of one caller.

    Args:
        leg: The caller.

    Attributes:
        position: Samples since the line was opened.
        voice: The bot, if one is on.
        partner: Another leg that is joined to this one: both hear each other. One that fails is let go.
        ears: The monitors. One that raises hears no more.
        said, heard: Sinks of the recording, or None while nothing is recorded.
        watch: Called in each tick with what was said and heard.
        secure: Nobody listens and nothing is recorded: silence is given in its place.
        held: The caller is on hold: hears nothing of us, and says nothing to us. A partner hears the music that comes.
        silent: Samples for which the caller has heard nothing audible.
        on_trouble: Called once, if the leg itself fails.
        on_parted: Called once, if the partner's leg fails.
        on_comfort: Called when the comfort sound begins or ends to be heard.
        late, worst_lag: How well our own clock kept time.
    """

    def __init__(self, leg: PhoneLeg) -> None:
        self.leg = leg
        self.position = 0
        self.voice: Voice | None = None
        self.partner: Partner | None = None
        self.ears: list[Ear] = []
        self.said: Sink | None = None
        self.heard: Sink | None = None
        self.watch: Callable[[bytes, bytes], None] | None = None
        self.secure = False
        self.held = False
        self.silent = 0
        self.on_trouble: Callable[[], None] = lambda: None
        self.on_parted: Callable[[], None] = lambda: None
        self.on_comfort: Callable[[bool], None] = lambda on: None
        self.late = 0
        self.worst_lag = 0.0
        self._prompt: Prompt | None = None
        self._comfort: Prompt | None = None
        self._comforting = False
        self._last = ulaw.SILENCE
        self._cut = False
        self._partner_said = _SILENCE
        self._ticker: Ticker | None = None

    def start(self) -> None:
        """Audio runs from now on."""
        if self._ticker is None:
            self._ticker = Ticker.soon()
            self._ticker.add(self._tick)

    def stop(self) -> None:
        """No more audio. What waits for a prompt is told that it was cut."""
        if self._ticker is not None:
            self._ticker.remove(self._tick)
            self._ticker = None
        self.end_prompt()

    # What the caller hears.

    def prompt(self, audio: bytes, *, loop: bool = False) -> Prompt:
        """Let the caller hear a sound, in place of the prompt before it. A bot is heard beneath it."""
        self.end_prompt()
        self._prompt = Prompt(audio, loop=loop)
        return self._prompt

    def end_prompt(self, only: Prompt | None = None) -> None:
        """End what is being played; with `only`, if it is that one."""
        prompt = self._prompt
        if prompt is None or (only is not None and prompt is not only):
            return
        self._prompt = None
        if not prompt.done.done():
            prompt.done.set_result(False)
            self._cut = True
            self.leg.flush()

    def comfort(self, sound: bytes) -> None:
        """From now on the caller waits: whenever it has been silent for a moment, this is heard, until somebody speaks.

        Args:
            sound: Mu-law, played in a loop.
        """
        if self._comfort is None and sound:
            self._comfort = Prompt(sound, loop=True)

    def end_comfort(self) -> None:
        """The caller need not wait any longer."""
        self._cut |= self._comforting
        self._comfort = None
        self._sounds(False)

    def _sounds(self, on: bool) -> None:
        if on != self._comforting:
            self._comforting = on
            self.on_comfort(on)

    @property
    def comforting(self) -> bool:
        """Whether the comfort sound is heard."""
        return self._comforting

    def cut(self) -> int:
        """Something was taken back that was being heard: let it end softly. Returns samples that the leg threw away."""
        self._cut = True
        return self.leg.flush()

    def _mixture(self, played: Played) -> bytes:
        if self.held:
            return _SILENCE
        audio, prompt = played.audio, self._prompt
        if prompt is not None:
            own = prompt.take(TICK)
            if prompt.done.done():
                self._prompt = None
            audio = own if audio == _SILENCE else mix_ulaw(audio, own)
        if self._partner_said is not _SILENCE:
            audio = self._partner_said if audio == _SILENCE else mix_ulaw(audio, self._partner_said)
        audible = is_audible(audio)
        self.silent = 0 if audible else self.silent + TICK
        rise = False
        if self._comfort is not None:
            if audible:
                self._cut |= self._comforting
                self._sounds(False)
            elif self._comforting or self.silent >= COMFORT_AFTER:
                rise = not self._comforting
                self._sounds(True)
                audio = self._comfort.take(TICK)
        if self._cut or rise:
            left = int(ulaw.decode(bytes((self._last,)))[0]) if self._cut else None
            audio = soften(audio, left, rise=rise or self._cut) if len(audio) >= EDGE else audio
            self._cut = False
        return audio

    # Ticks.

    def _tick(self, lag: float) -> None:
        self.worst_lag = max(self.worst_lag, lag)
        self.late += lag >= PERIOD
        voice = self.voice
        played = voice.play() if voice is not None else _NOTHING
        heard = self._mixture(played)
        try:
            external, internal = self.leg.exchange(heard)
        except Exception:
            logger.exception("a leg failed: its call is ended")
            self.stop()
            return self.on_trouble()
        self._last = heard[-1]
        self._partner_said = self._join(external)
        if self.held or self.secure:
            external = _SILENCE
        if self.watch is not None and not self.secure:
            self.watch(external, internal)
        kept = _SILENCE if self.secure else internal
        ahead = self.leg.ahead
        if voice is not None:
            self._give(voice, played, external, kept, ahead)
        for ear in tuple(self.ears):
            self._give(ear, _NOTHING, external, kept, ahead)
        if self.said is not None and not self.secure:
            self.said.write(self.position, external)
        if self.heard is not None and not self.secure:
            self.heard.write(self.position, internal)
        self.position += TICK
        return None

    def _join(self, said: bytes) -> bytes:
        """Let the partner hear the caller; what it says is heard by the caller in the next tick."""
        if self.partner is None:
            return _SILENCE
        try:
            return self.partner.exchange(said)[0]
        except Exception:
            logger.exception("a joined leg failed: it is let go")
            self.partner = None
            self.on_parted()
            return _SILENCE

    def _give(self, ear: Ear, played: Played, external: bytes, internal: bytes, ahead: int) -> None:
        try:
            ear.capture(played, external, internal, ahead)
        except Exception:
            logger.exception("a listener of a call failed: it hears no more")
            if ear is self.voice:
                self.voice = None
            elif ear in self.ears:
                self.ears.remove(ear)
            ear.dropped()
