"""Messages of AudioHook version 2: who sends each, and what its parameters hold (P4).

Parameter structs are named after their message. Unknown keys are ignored when read and never written (P3.1).
"""

from __future__ import annotations

import enum
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args

import msgspec

from .entities import Entity
from .limits import NULL_UUID
from .media import Media


class Role(enum.StrEnum):
    """The two ends of a session. The client is the platform: it opens and closes; the server is the partner."""

    CLIENT = "client"
    SERVER = "server"

    @property
    def peer(self) -> Role:
        return Role.SERVER if self is Role.CLIENT else Role.CLIENT


class Parameters(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Base of the parameters of all messages; itself the empty ones."""


class Participant(msgspec.Struct, frozen=True, rename="camel"):
    """Who is on the phone; all of it personal."""

    id: str
    ani: str = ""
    ani_name: str = ""
    dnis: str = ""


class ContinuedSession(msgspec.Struct, frozen=True):
    """A predecessor of a session that goes on after a reconnect (P8.6)."""

    id: str
    clientseq: int
    serverseq: int


class Open(Parameters, frozen=True):
    """`open`, the client's first message (P4.2)."""

    organization_id: str
    conversation_id: str
    participant: Participant
    media: tuple[Media, ...]
    language: str | None = None
    supported_languages: bool = False
    continued_sessions: tuple[ContinuedSession, ...] = ()
    custom_config: Any = None
    input_variables: dict[str, Any] = {}

    @property
    def is_probe(self) -> bool:
        """Whether this is a connection probe: P7, and P15 row 31 for why one of the two ids is enough."""
        return self.conversation_id == NULL_UUID


class Opened(Parameters, frozen=True):
    """`opened` (P4.3). `start_paused` has no default: at least one platform needs it present."""

    start_paused: bool
    media: tuple[Media, ...]
    discard_to: str | None = None
    supported_languages: tuple[str, ...] | None = None


class OpenedRead(Parameters, frozen=True):
    """`opened` as foreign servers may write it: without `startPaused`."""

    media: tuple[Media, ...]
    start_paused: bool = False
    discard_to: str | None = None
    supported_languages: tuple[str, ...] | None = None


class Ping(Parameters, frozen=True):
    rtt: str | None = None


class Gap(Parameters, frozen=True):
    """`resumed` and `discarded`: audio that was not sent, from `start` on."""

    start: str
    discarded: str


class Update(Parameters, frozen=True):
    language: str | None = None


class Dtmf(Parameters, frozen=True):
    digit: str


class Error(Parameters, frozen=True):
    code: int
    message: str
    retry_after: str | None = None


CloseReason = Literal["end", "disconnect", "error", "reconnect"]
CLOSE_REASONS: Final = frozenset(get_args(CloseReason))


class Close(Parameters, frozen=True):
    reason: str


class Event(Parameters, frozen=True):
    entities: tuple[Entity, ...]


DisconnectReason = Literal["completed", "unauthorized", "error"]
DISCONNECT_REASONS: Final = frozenset(get_args(DisconnectReason))


class Disconnect(Parameters, frozen=True):
    reason: str
    info: str | None = None
    output_variables: dict[str, Any] | None = None


class Reconnect(Parameters, frozen=True):
    info: str | None = None


class Kind(NamedTuple):
    """What the protocol says of one message type."""

    sender: Role
    parameters: type[Parameters]


_C, _S = Role.CLIENT, Role.SERVER

KINDS: Final[dict[str, Kind]] = {
    "open": Kind(_C, Open),
    "ping": Kind(_C, Ping),
    "paused": Kind(_C, Parameters),
    "resumed": Kind(_C, Gap),
    "discarded": Kind(_C, Gap),
    "update": Kind(_C, Update),
    "dtmf": Kind(_C, Dtmf),
    "playback_started": Kind(_C, Parameters),
    "playback_completed": Kind(_C, Parameters),
    "error": Kind(_C, Error),
    "close": Kind(_C, Close),
    "opened": Kind(_S, OpenedRead),
    "pong": Kind(_S, Parameters),
    "pause": Kind(_S, Parameters),
    "resume": Kind(_S, Parameters),
    "event": Kind(_S, Event),
    "updated": Kind(_S, Parameters),
    "reconnect": Kind(_S, Reconnect),
    "disconnect": Kind(_S, Disconnect),
    "closed": Kind(_S, Parameters),
}

# Above 2**53 a number is no longer exact in the JSON of most peers.
Sequence = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Header(msgspec.Struct, frozen=True):
    """The envelope of a message as received; `parameters` stay raw until the type is known (P3.1)."""

    version: Literal["2"]
    id: str
    type: str
    seq: Sequence
    serverseq: Sequence | None = None
    clientseq: Sequence | None = None
    position: str | None = None
    parameters: msgspec.Raw = msgspec.Raw(b"")


class Typed(msgspec.Struct, frozen=True, gc=False):
    """What a message is, and nothing else of it."""

    type: str = ""


class PingMessage(msgspec.Struct, frozen=True, gc=False):
    """A client's whole `ping`, with all that P3.1 and P4.5 ask of it."""

    version: Literal["2"]
    id: str
    type: Literal["ping"]
    seq: Sequence
    serverseq: Sequence
    position: str
    parameters: Ping = Ping()


class ClientMessage(msgspec.Struct, frozen=True):
    """A message of the client as sent; key order as production writes it."""

    version: str
    type: str
    id: str
    seq: int
    serverseq: int
    position: str
    parameters: Parameters | msgspec.Raw


class ServerMessage(msgspec.Struct, frozen=True):
    """A message of the server as sent. It has no `position` (P3.1)."""

    version: str
    type: str
    id: str
    seq: int
    clientseq: int
    parameters: Parameters | msgspec.Raw
