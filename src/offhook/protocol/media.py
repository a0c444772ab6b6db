"""Media offers and the choice among them (P4.2, P6.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal

import msgspec

Channel = Literal["external", "internal"]

#: Bytes of one sample of one channel, by format.
_WIDTHS: Final = {"PCMU": 1, "L16": 2}


class Media(msgspec.Struct, frozen=True):
    """One offer, or the one chosen. Offers that we do not know are kept as they came and never chosen.

    All four keys are required (P4.2): a default would make an offer of what a peer misspelt.
    """

    type: str
    format: str
    channels: tuple[str, ...]
    rate: int

    @property
    def usable(self) -> bool:
        """Whether this is audio that AudioHook defines: PCMU or L16 at 8 kHz with one or two distinct channels."""
        return (
            self.type == "audio"
            and self.format in _WIDTHS
            and self.rate == 8000
            and self.channels in (("external",), ("internal",), ("external", "internal"), ("internal", "external"))
        )

    @property
    def width(self) -> int:
        """Bytes of one sample of all channels: what the length of every audio message is a multiple of."""
        return _WIDTHS[self.format] * len(self.channels)


MONO: Final = Media("audio", "PCMU", ("external",), 8000)
STEREO: Final = Media("audio", "PCMU", ("external", "internal"), 8000)
INTERNAL: Final = Media("audio", "PCMU", ("internal",), 8000)
MONO_L16: Final = Media("audio", "L16", ("external",), 8000)


#: One lane of mu-law for each captured channel, all of one length.
Lanes = tuple[bytes, ...]
Encode = Callable[[Lanes, Media], bytes]


def encode_pcmu(capture: Sequence[str]) -> Encode:
    """Make the encoder for PCMU: picks the chosen channels of what is captured and interleaves them (P6.1)."""

    def encode(lanes: Lanes, media: Media) -> bytes:
        chosen = [lanes[capture.index(channel)] for channel in media.channels]
        if len(chosen) == 1:
            return chosen[0]
        data = bytearray(2 * len(chosen[0]))
        data[0::2], data[1::2] = chosen
        return bytes(data)

    return encode


def choose(offers: Iterable[Media], preference: Sequence[Media]) -> Media | None:
    """Choose the offer that comes first in our preference; the first usable one if none is preferred.

    Returns:
        The offer itself, or None where no offer is usable: a session without audio.
    """
    usable = [offer for offer in offers if offer.usable]
    for wanted in preference:
        if wanted in usable:
            return wanted
    return usable[0] if usable else None
