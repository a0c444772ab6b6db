"""Both state machines of AudioHook as one set of tables. They do not know which side we are.

`MACHINES[role][state]` maps `(sender, message type)` to the next state. A machine may send only what stands in its
row; what it may receive stands there too if it changes the state, and is ignored by the machine otherwise: whether the
other end was allowed to send it is the other machine's row. The run-time check, the diagrams of the documentation,
the exhaustive walk and the conformance cases all read these tables (P8.2, P8.3).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

from .messages import Role


class State(enum.StrEnum):
    """States of either machine; ENDING is the server's alone: `disconnect` has left, `close` has not come."""

    IDLE = "idle"
    OPENING = "opening"
    OPEN = "open"
    PAUSED = "paused"
    ENDING = "ending"
    CLOSING = "closing"
    CLOSED = "closed"


Step = tuple[Role, str]
Row = Mapping[Step, State]
Machine = Mapping[State, Row]

_C, _S = Role.CLIENT, Role.SERVER
_IDLE, _OPENING, _OPEN, _PAUSED = State.IDLE, State.OPENING, State.OPEN, State.PAUSED
_ENDING, _CLOSING, _CLOSED = State.ENDING, State.CLOSING, State.CLOSED

#: Messages of an open session that change no state.
CLIENT_INERT: Final = ("ping", "error", "update", "discarded", "dtmf", "playback_started", "playback_completed")
SERVER_INERT: Final = ("pong", "event", "pause", "resume", "reconnect", "updated")


def _stay(sender: Role, types: tuple[str, ...], state: State) -> dict[Step, State]:
    return {(sender, type): state for type in types}


_CLIENT: Final[Machine] = {
    # A server may refuse before it has seen `open`; the client then closes without ever opening.
    _IDLE: {(_C, "open"): _OPENING, (_C, "close"): _CLOSING, (_C, "error"): _IDLE},
    _OPENING: {(_S, "opened"): _OPEN, (_C, "close"): _CLOSING, (_C, "error"): _OPENING},
    _OPEN: {
        **_stay(_C, CLIENT_INERT, _OPEN),
        (_C, "paused"): _PAUSED,
        # P4.6: the answer to a `resume` while nothing is paused.
        (_C, "resumed"): _OPEN,
        (_C, "close"): _CLOSING,
    },
    _PAUSED: {
        **_stay(_C, CLIENT_INERT, _PAUSED),
        (_C, "paused"): _PAUSED,
        (_C, "resumed"): _OPEN,
        (_C, "close"): _CLOSING,
    },
    # P4.4: only the report that `closed` did not come may follow `close`.
    _CLOSING: {(_C, "error"): _CLOSING, (_S, "closed"): _CLOSED},
    _CLOSED: {},
}

_SERVER: Final[Machine] = {
    # P2.9: a refusal may leave at once after the upgrade.
    _IDLE: {(_C, "open"): _OPENING, (_S, "disconnect"): _ENDING, (_C, "close"): _CLOSING},
    _OPENING: {(_S, "opened"): _OPEN, (_S, "disconnect"): _ENDING, (_C, "close"): _CLOSING},
    _OPEN: {
        **_stay(_S, SERVER_INERT, _OPEN),
        (_C, "paused"): _PAUSED,
        (_S, "disconnect"): _ENDING,
        (_C, "close"): _CLOSING,
    },
    _PAUSED: {
        **_stay(_S, SERVER_INERT, _PAUSED),
        (_C, "resumed"): _OPEN,
        (_S, "disconnect"): _ENDING,
        (_C, "close"): _CLOSING,
    },
    # Pings that crossed the `disconnect` are still answered, or the client would give the session up as dead.
    _ENDING: {(_S, "pong"): _ENDING, (_C, "close"): _CLOSING},
    _CLOSING: {(_S, "event"): _CLOSING, (_S, "closed"): _CLOSED},
    _CLOSED: {},
}

MACHINES: Final[Mapping[Role, Machine]] = {_C: _CLIENT, _S: _SERVER}


def after(machine: Machine, state: State, sender: Role, type: str) -> State:
    """Where a machine stands after it has seen a message; the same state if the message is nothing to it."""
    return machine[state].get((sender, type), state)


def may_send(machine: Machine, state: State, sender: Role, type: str) -> bool:
    """Whether the owner of the machine, `sender`, may send the message in this state."""
    return (sender, type) in machine[state]


def may_carry_audio(state: State, sender: Role) -> bool:
    """Whether the owner of a machine may send audio: a client only while not paused, a bot in both (P6.2, P6.3)."""
    return state is _OPEN or (state is _PAUSED and sender is _S)
