"""The products that speak AudioHook, as data: what each adds to or takes from the tables (P1)."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Final

from .media import INTERNAL, MONO, MONO_L16, STEREO, Media
from .messages import KINDS, Role
from .states import MACHINES, Machine


class ServerAudio(enum.Enum):
    """What the client does with audio from the server."""

    PLAY = "play"
    REFUSE = "refuse"
    IGNORE = "ignore"


@dataclass(frozen=True)
class Profile:
    """One product: the messages that exist in it, its usual media offers, and whether the server may speak.

    Attributes:
        name: As in `--profile`.
        types: Message types of both sides that exist in this product.
        offers: What the platform usually offers, in order of preference.
        server_audio: What becomes of binary messages from the server (P1, P15 row 14).
        reconnects: Whether the experimental reconnect feature exists (P8.6).
        machines: The tables of both roles, narrowed to `types`.
        moves: Per role, the types of the other side that move its machine: only those need an acknowledgement.
    """

    name: str
    types: frozenset[str]
    offers: tuple[Media, ...]
    server_audio: ServerAudio
    reconnects: bool
    machines: dict[Role, Machine] = field(init=False, repr=False, compare=False)
    moves: dict[Role, frozenset[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        narrowed = {role: self._narrow(machine) for role, machine in MACHINES.items()}
        moves = {role: _types_that_move(machine, role.peer) for role, machine in narrowed.items()}
        object.__setattr__(self, "machines", narrowed)
        object.__setattr__(self, "moves", moves)

    def _narrow(self, machine: Machine) -> Machine:
        return {
            state: {step: target for step, target in row.items() if step[1] in self.types}
            for state, row in machine.items()
        }

    @property
    def speaks(self) -> bool:
        """Whether the server may send audio at all."""
        return self.server_audio is ServerAudio.PLAY


def _types_that_move(machine: Machine, sender: Role) -> frozenset[str]:
    return frozenset(type for row in machine.values() for by, type in row if by is sender)


_PLAYBACK: Final = frozenset({"dtmf", "playback_started", "playback_completed"})
_ALL: Final = frozenset(KINDS)

MONITOR: Final = Profile("monitor", _ALL - _PLAYBACK, (STEREO, MONO, INTERNAL), ServerAudio.REFUSE, reconnects=True)
CONNECTOR: Final = Profile("connector", _ALL - {"reconnect"}, (MONO,), ServerAudio.PLAY, reconnects=False)
TRANSCRIPTION: Final = Profile(
    "transcription", _ALL - _PLAYBACK, (STEREO, MONO, INTERNAL), ServerAudio.REFUSE, reconnects=True
)
BOT_TRANSCRIPTION: Final = Profile(
    "bot-transcription", _ALL - {"reconnect"}, (MONO, MONO_L16), ServerAudio.REFUSE, reconnects=False
)

PROFILES: Final = {profile.name: profile for profile in (MONITOR, CONNECTOR, TRANSCRIPTION, BOT_TRANSCRIPTION)}
