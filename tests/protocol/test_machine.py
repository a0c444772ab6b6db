"""Two of our ends talk, hypothesis decides what each does, what crosses on the wire and when: nobody is ever accused.

Both judge strictly. Audio says where it belongs: each byte of the caller's is a function of its position, so whatever
arrives can be checked against the position at which the server puts it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from offhook.errors import LocalProtocolError
from offhook.protocol import (
    BARGE_IN,
    PROFILES,
    AudioReceived,
    Finished,
    OpenRequested,
    Profile,
    Role,
    State,
    Tolerated,
    UnknownMessage,
    Violation,
)
from offhook.testing.pair import SESSION_ID, Pair, encoder, pair

C, S = Role.CLIENT, Role.SERVER
UP = (State.OPEN, State.PAUSED)
KEYS_OF_A_MESSAGE = {
    C: {"version", "type", "id", "seq", "serverseq", "position", "parameters"},
    S: {"version", "type", "id", "seq", "clientseq", "parameters"},
}
samples = st.one_of(st.integers(1, 400), st.integers(8000, 40_000))


def lane(start: int, length: int, channel: int) -> bytes:
    """The caller's audio at a position."""
    first = (start * 7 + channel * 101) % 251
    period = bytes((first + step * 7) % 251 for step in range(251))
    return (period * (length // 251 + 1))[:length]


class Conversation(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.joined: Pair
        self.stream = 0
        self.said = bytearray()
        self.cut = False
        self.seen = {C: 0, S: 0}
        self.judged = {C: 0, S: 0}
        self.texts: dict[Role, list[dict[str, Any]]] = {C: [], S: []}
        self.left = {C: bytearray(), S: bytearray()}
        self.arrived = bytearray()
        self.server_holds = False
        self.server_position = 0

    @initialize(
        profile=st.sampled_from(list(PROFILES.values())),
        delay=st.sampled_from([0.0, 0.0, 0.03, 0.3]),
        listed=st.booleans(),
    )
    def begin(self, profile: Profile, delay: float, listed: bool) -> None:
        self.joined = pair(profile, delay=delay, supported_languages=listed)
        self.profile = profile
        self.client, self.server = self.joined.client, self.joined.server
        self.encode = encoder(profile.offers)
        self.channels = len(dict.fromkeys(channel for media in profile.offers for channel in media.channels))
        self.client.open()
        self.joined.flush()

    # Helpers.

    def ask(self, call: Callable[..., object], *arguments: object, **named: object) -> object:
        """Ask a side for something that it may have to refuse in this state."""
        try:
            result = call(*arguments, **named)
        except LocalProtocolError:
            result = None
        self.joined.flush()
        return result

    @property
    def still(self) -> bool:
        return not (self.joined.wire[C] or self.joined.wire[S])

    @property
    def waits_for_opened(self) -> bool:
        events = self.joined.events[S]
        return self.server.state is State.OPENING and any(isinstance(event, OpenRequested) for event in events)

    # The wire and the clock.

    @precondition(lambda self: self.joined.delay == 0.0)
    @rule(sender=st.sampled_from(Role))
    def deliver_one(self, sender: Role) -> None:
        if self.joined.wire[sender]:
            self.joined.deliver(sender)

    @rule(seconds=st.one_of(st.floats(0.0, 1.0), st.floats(1.0, 30.0)))
    def time_passes(self, seconds: float) -> None:
        while seconds > 0.0:
            self.joined.advance(min(seconds, 1.0))
            seconds -= 1.0
            if self.waits_for_opened:  # a shell answers at once, or the client gives up after 5 s
                self.ask(self.server.accept, None)

    @precondition(lambda self: self.joined.now > 40.0)
    @rule()
    def the_socket_is_lost(self) -> None:
        self.cut = True
        self.joined.cut()

    # The client's application.

    @precondition(lambda self: self.client.state not in (State.CLOSING, State.CLOSED) and not self.client.finished)
    @rule(length=samples)
    def the_caller_speaks(self, length: int) -> None:
        self.client.send_audio(*(lane(self.stream, length, channel) for channel in range(self.channels)))
        self.stream += length
        self.joined.flush()

    @precondition(lambda self: self.client.state not in (State.CLOSING, State.CLOSED) and not self.client.finished)
    @rule(length=st.integers(0, 20_000))
    def audio_is_lost(self, length: int) -> None:
        self.client.skip(length)
        self.stream += length

    @rule()
    def client_pauses(self) -> None:
        self.ask(self.client.pause)

    @rule()
    def client_resumes(self) -> None:
        self.ask(self.client.resume)

    @rule(digit=st.sampled_from("0123456789*#ABCD"))
    def a_key_is_pressed(self, digit: str) -> None:
        self.ask(self.client.dtmf, digit)

    @rule()
    def the_language_changes(self) -> None:
        self.ask(self.client.update, "de-DE")

    @rule(started=st.booleans())
    def playback(self, started: bool) -> None:
        self.ask(self.client.playback_started if started else self.client.playback_completed)

    @precondition(lambda self: self.joined.now > 5.0)
    @rule(reason=st.sampled_from(["end", "error", "reconnect"]))
    def client_closes(self, reason: str) -> None:
        self.ask(self.client.close, reason)

    # The server's application.

    @precondition(lambda self: self.waits_for_opened)
    @rule(
        choice=st.integers(-1, 2),
        start_paused=st.booleans(),
        discard_to=st.one_of(st.none(), st.integers(0, 100_000)),
    )
    def server_accepts(self, choice: int, start_paused: bool, discard_to: int | None) -> None:
        offers = self.profile.offers
        media = None if choice < 0 else offers[min(choice, len(offers) - 1)]
        languages = ("de-DE", "en-US")
        self.ask(self.server.accept, media, start_paused=start_paused, discard_to=discard_to, languages=languages)

    @rule(times=st.integers(1, 30))
    def server_sends_events(self, times: int) -> None:
        for _ in range(times):
            self.ask(self.server.send_event, BARGE_IN)

    @rule(length=samples)
    def server_speaks(self, length: int) -> None:
        data = bytes(at % 256 for at in range(len(self.said), len(self.said) + 2 * length))
        before = self.server.queued_audio
        self.ask(lambda: self.server.send_audio(data) or self.said.extend(data))
        assert self.server.queued_audio <= before + len(data)

    @rule(times=st.integers(1, 30))
    def server_barges_in(self, times: int) -> None:
        for _ in range(times):
            gone = self.ask(self.server.barge_in)
            if gone:
                del self.said[-gone:]  # type: ignore[operator]

    @rule()
    def server_clears_audio(self) -> None:
        gone = self.server.clear_audio()
        del self.said[len(self.said) - gone :]

    @rule(times=st.integers(1, 5))
    def server_pauses(self, times: int) -> None:
        for _ in range(times):
            self.ask(self.server.pause)

    @rule(times=st.integers(1, 5))
    def server_resumes(self, times: int) -> None:
        for _ in range(times):
            self.ask(self.server.resume)

    @rule()
    def server_confirms_the_language(self) -> None:
        self.ask(self.server.updated)

    @rule()
    def server_asks_to_reconnect(self) -> None:
        self.ask(self.server.reconnect, "maintenance")

    @precondition(lambda self: self.joined.now > 5.0 or self.server.state is State.OPENING)
    @rule(reason=st.sampled_from(["completed", "completed", "error", "unauthorized"]))
    def server_disconnects(self, reason: str) -> None:
        self.ask(self.server.disconnect, reason, output={"a": "b"})

    @rule()
    def server_closes(self) -> None:
        self.ask(self.server.close)

    # What always holds.

    @invariant()
    def nobody_is_accused(self) -> None:
        for role in Role:
            events = self.joined.events[role]
            new, self.judged[role] = events[self.judged[role] :], len(events)
            for event in new:
                assert not isinstance(event, (Violation, Tolerated, UnknownMessage)), f"{role} reports {event}"
                if isinstance(event, AudioReceived):
                    self.check_audio(role, event)
            assert sum(isinstance(event, Finished) for event in events) <= 1

    def check_audio(self, role: Role, event: AudioReceived) -> None:
        if role is C:
            self.arrived += event.data
            return
        assert self.server.media is not None
        length = len(event.data) // self.server.media.width
        lanes = tuple(lane(event.position, length, channel) for channel in range(self.channels))
        assert event.data == self.encode(lanes, self.server.media)

    @invariant()
    def messages_are_in_order(self) -> None:
        for role in Role:
            sent = self.joined.sent[role]
            new, self.seen[role] = sent[self.seen[role] :], len(sent)
            for data in new:
                assert len(data if isinstance(data, bytes) else data.encode()) <= 64_000
                if isinstance(data, bytes):
                    self.left[role] += data
                    assert self.texts[role][-1]["type"] not in ("close", "closed", "disconnect")
                else:
                    self.check_message(role, json.loads(data))

    def check_message(self, role: Role, message: dict[str, Any]) -> None:
        texts, ack = self.texts[role], "serverseq" if role is C else "clientseq"
        assert message.keys() == KEYS_OF_A_MESSAGE[role]
        assert (message["version"], message["id"]) == ("2", SESSION_ID)
        assert message["seq"] == len(texts) + 1
        assert message[ack] >= (texts[-1][ack] if texts else 0)
        assert message[ack] <= len(self.texts[role.peer]) + len(self.joined.sent[role.peer])
        before = {text["type"] for text in texts}
        assert not before & {"close", "closed"} or (message["type"] in ("closed", "event") and "closed" not in before)
        if "disconnect" in before:
            assert message["type"] in ("pong", "event", "closed")
        if role is S:
            assert texts or message["type"] in ("opened", "disconnect", "closed")
            if message["type"] == "opened":
                self.server_holds = message["parameters"]["startPaused"]
            elif message["type"] in ("pause", "resume"):
                self.server_holds = message["type"] == "pause"
            elif message["type"] == "pong":
                pings = [text["seq"] for text in self.texts[C] if text["type"] == "ping"]
                assert message["clientseq"] == pings[sum(text["type"] == "pong" for text in texts)]
        texts.append(message)

    @invariant()
    def server_audio_arrives_as_it_was_said(self) -> None:
        assert self.said.startswith(self.left[S])
        assert self.left[S].startswith(self.arrived)
        if self.still and not self.cut and self.client.state in UP:
            assert self.left[S] == self.arrived

    @invariant()
    def positions_agree(self) -> None:
        assert self.server.position >= self.server_position
        self.server_position = self.server.position
        if self.client.state not in UP:
            return
        assert self.server.position <= self.client.position == self.stream
        both_open = self.client.state is self.server.state is State.OPEN
        if self.still and both_open and self.client.media is not None and self.client._lost is None:
            assert self.server.position == self.client.position

    @invariant()
    def pauses_agree(self) -> None:
        if self.cut or not self.still or self.client.state not in UP or self.server.state not in UP:
            return
        assert self.client.state is self.server.state
        assert self.client.server_paused is self.server_holds
        assert (self.client.state is State.PAUSED) is (self.client.server_paused or self.client.client_paused)

    def teardown(self) -> None:
        if not hasattr(self, "joined"):
            return
        self.time_passes(1.0)
        self.ask(self.client.close)
        self.time_passes(40.0)
        self.nobody_is_accused()
        self.messages_are_in_order()
        for role, side in self.joined.sides.items():
            assert side.finished
            assert not side.is_live
            assert side.next_deadline() is None
            assert isinstance(self.joined.events[role][-1], Finished)
        if not self.cut:
            assert self.texts[C][-1]["type"] == "close"
            assert self.texts[S][-1]["type"] == "closed"
            assert self.texts[S][-1]["clientseq"] == self.texts[C][-1]["seq"]
            assert self.joined.events[C][-1] == self.joined.events[S][-1] == Finished(True)


Conversation.TestCase.settings = settings(
    max_examples=120,
    stateful_step_count=50,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
TestConversation = Conversation.TestCase
