"""Joining a caller to somebody else: a second call is placed, and the two hear each other until one hangs up.

Unlike a transfer by REFER the caller stays ours: monitors and recordings go on, and hear both.
"""

from __future__ import annotations

import asyncio
from typing import Final

from ..audio import tones, ulaw
from .legs import Dialler, KeyedLeg, PlacedLeg
from .line import COMFORT_AFTER, Line
from .policy import Fallback
from .prompts import sound_of
from .sounds import hold_sound, is_audible, soften

#: Seconds that a key sounds for a caller whose leg takes none otherwise, and is silent before the next.
_KEY, _PAUSE = 0.1, 0.06
#: Keys that may wait: who presses them is slower.
_MOST_KEYS: Final = 20


async def join(line: Line, policy: Fallback, dial: Dialler, target: str, seconds: float) -> str:
    """Join a caller to a target, who hears the comfort sound of the policy while it rings; see `Bridge.run`."""
    comfort = hold_sound() if policy.comfort is None else await sound_of(policy.comfort)
    return await Bridge(line, comfort).run(dial, target, seconds)


class Bridge:
    """A caller, and a leg that is joined to it. It is the `Partner` of the caller's line, and the leg's `LegListener`.

    Args:
        line: The caller's.
        comfort: What the caller hears while it rings, and whoever is put on hold in silence.
    """

    def __init__(self, line: Line, comfort: bytes) -> None:
        self._line = line
        self._comfort = comfort
        self._leg: PlacedLeg | None = None
        self._held = HoldSound(comfort)
        self._keys = ""  # of the other side, still to be heard
        self._key = b""  # of that which is heard now, what is left
        self._for_them, self._for_us = Instead(), Instead()
        self._parted: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def run(self, dial: Dialler, target: str, seconds: float) -> str:
        """Place the call, join the two, and return why it ended when the other side has hung up.

        Being cancelled (the caller has hung up) ends the other call, also while it rings.

        Raises:
            TransferFailed: It was not answered; the caller is still there.
        """
        line = self._line
        line.comfort(self._comfort)
        try:
            leg = self._leg = await dial(target, seconds)
        finally:
            line.end_comfort()
        try:
            leg.attach(self)
            line.on_parted = lambda: self.hung_up("the leg failed")
            line.partner = self
            return await self._parted
        finally:
            line.partner = None
            line.end_comfort()
            leg.hang_up("normal")

    # Partner

    def exchange(self, said: bytes) -> tuple[bytes, bytes]:
        """See `Leg`: a caller who holds sends its own music, or we play ours."""
        assert self._leg is not None
        caller = self._line.leg
        keying = isinstance(caller, KeyedLeg) and caller.keying  # they get that key beside the sound
        said = self._for_them.over(said, ulaw.silence(len(said)) if keying else None)
        answer, heard = self._leg.exchange(self._held.over(said, self._line.held))
        return self._for_us.over(answer, self._next_of_keys(len(answer))), heard

    def _next_of_keys(self, samples: int) -> bytes | None:
        if not self._key and self._keys:
            digit, self._keys = self._keys[0], self._keys[1:]
            self._key = ulaw.encode(tones.dtmf(digit, on=_KEY, off=_PAUSE))
        if not self._key:
            return None
        now, self._key = self._key[:samples], self._key[samples:]
        return now + ulaw.silence(samples - len(now))

    def send_key(self, digit: str) -> None:
        """See `Partner`."""
        if self._leg is not None:
            self._leg.send_key(digit)

    # LegListener

    def key(self, digit: str) -> None:
        """See `LegListener`: the caller's end gets it as a key where it takes keys, else as the sound of one."""
        caller = self._line.leg
        if isinstance(caller, KeyedLeg):
            caller.send_key(digit)
        elif len(self._keys) < _MOST_KEYS:
            self._keys += digit

    def held(self, on: bool) -> None:
        """See `LegListener`: the caller hears the music of whoever holds, or after a moment of silence ours."""
        if on:
            self._line.comfort(self._comfort)
        else:
            self._line.end_comfort()

    def hung_up(self, reason: str) -> None:
        """See `LegListener`."""
        if not self._parted.done():
            self._parted.set_result(reason)


class Instead:
    """Lets something be heard in place of a sound. Begins and ends without a click."""

    def __init__(self) -> None:
        self._on = False
        self._last = ulaw.SILENCE

    def over(self, audio: bytes, instead: bytes | None) -> bytes:
        """What is heard: this audio, 5 ms at least, or what is as long and stands for it."""
        was, self._on = self._on, instead is not None
        if instead is None:
            heard = soften(audio, None, rise=True) if was else audio
        else:
            heard = instead if was else soften(instead, int(ulaw.decode(bytes((self._last,)))[0]), rise=False)
        self._last = heard[-1]
        return heard


class HoldSound:
    """Plays a sound to somebody on hold who would hear silence else. Begins and ends without a click.

    Args:
        sound: Mu-law, played in a loop; empty for none.
    """

    def __init__(self, sound: bytes) -> None:
        self._sound = sound
        self._at: int | None = None  # how much has been played; None: it is not
        self._silent = 0
        self._last = 0

    def over(self, audio: bytes, on_hold: bool) -> bytes:
        """What is heard in place of this audio, 5 ms at least."""
        self._silent = self._silent + len(audio) if on_hold and not is_audible(audio) else 0
        at = self._at
        if self._silent < COMFORT_AFTER or not self._sound:
            self._at = None
            return audio if at is None else soften(audio, self._last, rise=True)
        begin = (at or 0) % len(self._sound)
        heard = (self._sound[begin:] + self._sound * (len(audio) // len(self._sound) + 1))[: len(audio)]
        self._at = begin + len(audio)
        self._last = int(ulaw.decode(heard[-1:])[0])
        return soften(heard, None, rise=True) if at is None else heard
