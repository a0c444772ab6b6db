"""An exhaustive walk through all that two correct machines can do, with messages in flight both ways.

The world is both machines as the tables give them, one queue of messages on the wire in each direction, and at each
end what it knows of the other: the mirror that `Session` judges by, with our messages that are not acknowledged yet.
Types that mean the same to every state of both machines are walked as one. Two things are shown:

* from whatever the two may get into, both can still reach CLOSED;
* judging by acknowledgements never accuses a correct peer, while judging at once, as soon as we have spoken, would.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from offhook.protocol import PROFILES, Profile, Role, State
from offhook.protocol.messages import KINDS
from offhook.protocol.states import after, may_send

#: Messages on the wire in one direction, and messages of ours that the peer has not acknowledged.
IN_FLIGHT = 3
UNACKNOWLEDGED = 2


class Sent(NamedTuple):
    """A message on the wire; `acks` of the peer's moving messages were processed since the last one from here."""

    type: str
    acks: int


class End(NamedTuple):
    """One end: its machine, its mirror of the other's, its moving messages that may not have been seen yet."""

    state: State = State.IDLE
    mirror: State = State.IDLE
    unacknowledged: tuple[str, ...] = ()
    processed: int = 0


class World(NamedTuple):
    client: End = End()
    server: End = End()
    to_server: tuple[Sent, ...] = ()
    to_client: tuple[Sent, ...] = ()


class Accused(Exception):
    """A correct machine was found guilty."""


def representatives(profile: Profile, sender: Role) -> list[str]:
    """One type of each kind that both machines treat alike in every state."""
    classes: dict[object, str] = {}
    for type in sorted(profile.types):
        if KINDS[type].sender is sender:
            rows = [machine[state].get((sender, type)) for machine in profile.machines.values() for state in machine]
            classes.setdefault(tuple(rows), type)
    return list(classes.values())


class Walk:
    def __init__(self, profile: Profile, *, at_once: bool = False) -> None:
        self.machines = profile.machines
        self.moves = profile.moves
        self.types = {role: representatives(profile, role) for role in Role}
        self.at_once = at_once

    def send(self, role: Role, end: End, wire: tuple[Sent, ...]) -> Iterator[tuple[End, tuple[Sent, ...]]]:
        if len(wire) >= IN_FLIGHT or len(end.unacknowledged) >= UNACKNOWLEDGED:
            return
        machine, peer = self.machines[role], self.machines[role.peer]
        for type in self.types[role]:
            if not may_send(machine, end.state, role, type):
                continue
            mirror, unacknowledged = end.mirror, end.unacknowledged
            if self.at_once:
                mirror = after(peer, mirror, role, type)
            elif type in self.moves[role.peer]:
                unacknowledged = (*unacknowledged, type)
            state = after(machine, end.state, role, type)
            yield End(state, mirror, unacknowledged), (*wire, Sent(type, end.processed))

    def receive(self, role: Role, end: End, message: Sent) -> End:
        sender, mirror = role.peer, end.mirror
        for type in end.unacknowledged[: message.acks]:
            mirror = after(self.machines[sender], mirror, role, type)
        if not may_send(self.machines[sender], mirror, sender, message.type):
            raise Accused(f"{role} in {end.state} finds {message.type!r} out of place in {mirror}")
        return End(
            after(self.machines[role], end.state, sender, message.type),
            after(self.machines[sender], mirror, sender, message.type),
            end.unacknowledged[message.acks :],
            end.processed + (message.type in self.moves[role]),
        )

    def next(self, world: World) -> Iterator[World]:
        client, server, to_server, to_client = world
        for end, wire in self.send(Role.CLIENT, client, to_server):
            yield World(end, server, wire, to_client)
        for end, wire in self.send(Role.SERVER, server, to_client):
            yield World(client, end, to_server, wire)
        if to_server:
            yield World(client, self.receive(Role.SERVER, server, to_server[0]), to_server[1:], to_client)
        if to_client:
            yield World(self.receive(Role.CLIENT, client, to_client[0]), server, to_server, to_client[1:])

    def reachable(self) -> dict[World, list[World]]:
        """Every world, with those that lead to it."""
        start = World()
        before: dict[World, list[World]] = {start: []}
        todo = deque([start])
        while todo:
            world = todo.popleft()
            for following in self.next(world):
                if following not in before:
                    before[following] = []
                    todo.append(following)
                before[following].append(world)
        return before


@pytest.fixture(scope="module")
def worlds() -> dict[World, list[World]]:
    """All four products have the same tables as far as states go, so one is enough."""
    return Walk(PROFILES["connector"]).reachable()


def is_closed(world: World) -> bool:
    return world.client.state is world.server.state is State.CLOSED


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_types_walked_as_one_are_few(profile: Profile) -> None:
    assert representatives(profile, Role.CLIENT) == ["close", "discarded", "error", "open", "paused", "resumed"]
    assert representatives(profile, Role.SERVER) == ["closed", "disconnect", "event", "opened", "pause", "pong"]


def test_all_worlds_can_still_be_closed_and_nobody_is_accused(worlds: dict[World, list[World]]) -> None:
    joint = {(world.client.state, world.server.state) for world in worlds}
    # Nothing that the tables hold is out of reach, and the walk went through all of it.
    assert {client for client, _ in joint} == set(State) - {State.ENDING}
    assert {server for _, server in joint} == set(State)
    assert len(worlds) > 10_000
    closed = [world for world in worlds if is_closed(world)]
    can_close, todo = set(closed), deque(closed)
    while todo:
        for world in worlds[todo.popleft()]:
            if world not in can_close:
                can_close.add(world)
                todo.append(world)
    assert worlds.keys() == can_close


def test_what_the_two_may_never_get_into(worlds: dict[World, list[World]]) -> None:
    for world in worlds:
        if world.client.state in (State.OPEN, State.PAUSED):
            assert world.server.state not in (State.IDLE, State.OPENING)
        if world.server.state is State.CLOSED:
            assert world.client.state in (State.CLOSING, State.CLOSED)
        if world.client.state is State.CLOSED:
            assert world.server.state is State.CLOSED
            assert not world.to_client


def test_judging_at_once_accuses_the_innocent() -> None:
    """Why there are acknowledgements in the judgement at all."""
    with pytest.raises(Accused):
        Walk(PROFILES["connector"], at_once=True).reachable()


def test_the_products_differ_in_no_state() -> None:
    def shape(profile: Profile) -> object:
        return {
            (role, state): sorted({(by, target) for (by, _), target in row.items() if target is not state})
            for role, machine in profile.machines.items()
            for state, row in machine.items()
        }

    shapes = [shape(profile) for profile in PROFILES.values()]
    assert all(one == shapes[0] for one in shapes)
