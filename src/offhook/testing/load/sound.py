"""What callers say, cut into messages once and shared by all calls of a process: a loop of whole frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...audio import wav
from ...audio.ulaw import RATE
from ...errors import AudioFileError
from ...protocol import Media
from ...protocol.media import Lanes, encode_pcmu
from .marks import SHORTEST, Marks

CAPTURE = ("external", "internal")
"""Lanes of a sound; the media decide which of them travel."""

_SILENCE = b"\xff"
#: Bytes of a message that a server may send: how far a comparison may run beyond the loop.
_REACH = 65_536


@dataclass(frozen=True)
class Sound:
    """A loop that is said again and again.

    Attributes:
        frame: Samples of a message.
        external: Mu-law, whole frames: what the caller says.
        internal: What the caller hears meanwhile, of the same length.
        marks: Known again when it comes back; None: it is not marked.
    """

    frame: int
    external: bytes
    internal: bytes
    marks: Marks | None = None

    @property
    def frames(self) -> int:
        """Messages of one round."""
        return len(self.external) // self.frame

    @cached_property
    def rounds(self) -> bytes:
        """The loop and more, so that a comparison may run over its end."""
        return self.external * (2 + _REACH // len(self.external))

    @cached_property
    def lanes(self) -> list[Lanes]:
        """The frames as lanes: external, internal."""
        starts = range(0, len(self.external), self.frame)
        return [(self.external[at : at + self.frame], self.internal[at : at + self.frame]) for at in starts]

    def messages(self, media: Media) -> Sequence[bytes]:
        """The frames as they travel in these media."""
        if media.channels not in self._encoded:
            encode = encode_pcmu(CAPTURE)
            self._encoded[media.channels] = [encode(lanes, media) for lanes in self.lanes]
        return self._encoded[media.channels]

    @cached_property
    def _encoded(self) -> dict[tuple[str, ...], list[bytes]]:
        return {}


def make_sound(frame_ms: int, path: str | None = None, *, marked: bool = False) -> Sound:
    """Make the loop.

    Args:
        frame_ms: Milliseconds of a message.
        path: WAV file; a second channel is what the caller hears. None: quiet noise, as of a line.
        marked: So that what comes back can be matched with what was sent.

    Raises:
        AudioFileError: The file cannot be read, is empty, or has more than two channels.
        UsageError: It is too long to be marked.
    """
    frame = frame_ms * RATE // 1000
    external, internal = _noise(frame) if path is None else _read(path)
    whole = max(len(external), len(internal))
    whole += -whole % frame
    rounds = max(1, SHORTEST // whole)  # a longer loop tells later echoes apart
    external, internal = (lane.ljust(whole, _SILENCE) * rounds for lane in (external, internal))
    if not marked:
        return Sound(frame, external, internal)
    marks = Marks(len(external))
    return Sound(frame, marks.mark(external), internal, marks)


def _noise(frame: int) -> Lanes:
    """Codes 0x70 to 0x7E and their negatives: below -45 dB of full scale."""
    source = np.random.default_rng(RATE)
    size = SHORTEST // frame * frame
    external, internal = (
        (source.integers(0x70, 0x7F, size, np.uint8) | source.integers(0, 2, size, np.uint8) << 7).tobytes()
        for _ in range(2)
    )
    return external, internal


def _read(path: str) -> Lanes:
    lanes = wav.read_ulaw(path)
    if len(lanes) > 2:
        raise AudioFileError(f"{path} has {len(lanes)} channels: a caller has one or two")
    if not lanes[0]:
        raise AudioFileError(f"{path} holds no sound")
    return (lanes[0], lanes[1] if len(lanes) == 2 else b"")
