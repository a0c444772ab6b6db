"""One session's audio, both ways: frames up, playback down, and what the session is told of either.

Up: what happened on the line in each tick is gathered into frames and given to the session. Down: what the bot sends
waits in the player. It has neither a leg nor a clock: whoever has them takes a tick's worth of playback (`play`), lets
the caller hear it, and gives back what happened meanwhile (`capture`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from ..audio import interleave, l16, ulaw
from ..errors import CallEnded, LocalProtocolError, UsageError
from ..protocol import (
    AudioReceived,
    ClientSession,
    Disconnected,
    EntitiesReceived,
    Event,
    Finished,
    Media,
    PlaybackCompleted,
    PlaybackStarted,
    Tolerated,
    Violation,
)
from ..protocol.messages import CloseReason
from ..session.connection import Connection, Tap
from ..session.wire import Wire
from .player import TICK, Played, Player

CAPTURE: Final = ("external", "internal")
"""The lanes that a stream gives to its session; the media decide which of them travel."""

FRAME_MS: Final = 200
"""Milliseconds of an audio message, as production sends them (P6.2)."""

#: Bytes that may wait for a peer that reads slowly before audio, never text, is thrown away (P6.2: throttling).
THROTTLE: Final = 64_000

_SILENT: Final = b"\xff\x7f"


def encode(lanes: tuple[bytes, ...], media: Media) -> bytes:
    """Make an audio message of the captured mu-law lanes: the channels and the format that were negotiated (P6.1)."""
    chosen = [lanes[CAPTURE.index(channel)] for channel in media.channels]
    if media.format == "L16":
        return interleave([l16.encode(ulaw.decode(lane)) for lane in chosen], 2)
    return interleave(chosen)


def frame_samples(frame_ms: int) -> int:
    """Samples of an audio message.

    Raises:
        UsageError: It would be shorter than a tick, or too long to be of use.
    """
    if not 20 <= frame_ms <= 4_000:
        raise UsageError(f"frames of {frame_ms} ms cannot be sent: choose 20 to 4000; the platform has 200")
    return frame_ms * ulaw.RATE // 1000


@dataclass(frozen=True, slots=True)
class Playback:
    """One run of bot audio, in samples.

    Attributes:
        start: Position of the stream at which the caller began to hear it.
        heard: How much the caller heard.
        discarded: How much was thrown away by a barge-in or the end of the session.
    """

    start: int
    heard: int
    discarded: int = 0

    @property
    def end(self) -> int:
        """Position behind the last sample heard."""
        return self.start + self.heard


class SessionLine(Connection):
    """The connection of a stream: it also knows whether there was a socket, and whether that is gone."""

    __slots__ = ("gone", "up")

    def __init__(self, session: ClientSession, on_event: Callable[[Event], None], tap: Tap | None) -> None:
        super().__init__(session, on_event, tap=tap)
        self.up = False
        self.gone = asyncio.Event()

    def connected(self, wire: Wire) -> None:
        self.up = True
        super().connected(wire)

    def lost(self, code: int, reason: str) -> None:
        super().lost(code, reason)
        self.gone.set()


class Stream:
    """Carries the audio of one session.

    Args:
        session: Fresh, made with `capture=CAPTURE` and `encode=encode`.
        on_event: Gets all events but audio, and `PlaybackStarted` and `PlaybackCompleted` when they leave.
        frame_ms: Milliseconds of an audio message. Frames end on a grid of this width, counted from the stream's start.
        exact_positions: Send the audio captured so far before a key, a playback message or a pause, as a frame of its
            own, so that the message's position is the sample at which it happened. Without it positions are late by up
            to a frame.
        tap: Sees all messages.
        start: Samples of the stream that the session has been given, or has skipped, already.
        adapts: See `Player`.

    Attributes:
        connection: What is to be dialled.
        player: The bot's audio.
        position: Samples captured so far: the stream's position, the frame that is not full yet included.
        playbacks: Runs of bot audio that are over.
        sounded: Position up to which the caller has heard anything but digital silence.
        dropped: Samples not sent because the peer read too slowly.
        unheard: Samples of the bot that the end of the session threw away.
        over: Whether the end has begun: no more audio, either way.
        on_flush: Called when the bot takes back what it has sent, or the session ends; returns how many samples were
            taken back from beyond the player: those that the leg had, and the caller has not heard.

    Raises:
        UsageError: `frame_ms` is none that could be sent.
    """

    def __init__(
        self,
        session: ClientSession,
        on_event: Callable[[Event], None],
        *,
        frame_ms: int = FRAME_MS,
        exact_positions: bool = True,
        tap: Tap | None = None,
        start: int = 0,
        adapts: bool = False,
    ) -> None:
        self.session = session
        self.connection = SessionLine(session, self._on_event, tap)
        self.player = Player(adapts=adapts)
        self.position = start
        self.playbacks: list[Playback] = []
        self.sounded = 0
        self.dropped = 0
        self.unheard = 0
        self.over = False
        self.on_flush: Callable[[], int] = lambda: 0
        self._forward = on_event
        self._frame = frame_samples(frame_ms)
        self._exact = exact_positions
        self._external = bytearray()
        self._internal = bytearray()
        self._run_start: int | None = None
        self._reports: deque[tuple[int, bool]] = deque()
        self._refusing = False
        self._played_at = 0.0

    def stop(self) -> None:
        """No more audio, either way. It comes by itself when the session begins to end."""
        if self.over:
            return
        self.over = True
        run = self.playback
        sounding = run is not None or self.player.playing or bool(self._reports)
        self.unheard = self.player.flush()
        if sounding:
            self.unheard += self.on_flush()
        if run is not None:
            self.playbacks.append(Playback(run.start, run.heard, self.unheard))
        self._run_start = None
        self._reports.clear()

    @property
    def playback(self) -> Playback | None:
        """The run of bot audio that is on, as far as it has been heard."""
        return None if self._run_start is None else Playback(self._run_start, self.position - self._run_start)

    # What the call asks for.

    def dtmf(self, digit: str) -> None:
        """Send a key.

        Raises:
            CallEnded: The call is over.
            LocalProtocolError: There is no such key, or the product has none.
        """
        self._ask(lambda: self.session.dtmf(digit))

    def pause(self) -> None:
        """Begin a pause of the client. Raises `CallEnded`."""
        self._ask(self.session.pause)

    def resume(self) -> None:
        """End the pause of the client. Raises `CallEnded`, or `LocalProtocolError` if there is none."""
        self._ask(self.session.resume)

    def update(self, language: str) -> None:
        """The conversation goes on in another language. Raises `CallEnded`."""
        self._ask(lambda: self.session.update(language))

    def hang_up(self, reason: CloseReason = "end") -> None:
        """End the session from our side; nothing happens if it is ending already."""
        if self.over:
            return
        with suppress(LocalProtocolError):  # it is ending by itself
            self._send_pending()
            self.session.close(reason)
        self.stop()
        self.connection.flush()

    def _ask(self, send: Callable[[], None]) -> None:
        if self.over:
            raise CallEnded("the call is over: nothing more can be sent in it")
        if self._exact:
            self._send_pending()
        send()
        self.connection.flush()

    # Ticks.

    @property
    def _since_tick(self) -> int:
        """Samples of time since then; those of a tick at most, which would only be late otherwise."""
        return min(TICK, round((asyncio.get_running_loop().time() - self._played_at) * ulaw.RATE))

    def play(self) -> Played:
        """What the caller is to hear of the bot in this tick."""
        self._played_at = asyncio.get_running_loop().time()
        return self.player.take(TICK)

    def capture(self, played: Played, external: bytes, internal: bytes, ahead: int = 0) -> None:
        """Take what happened on the line in this tick.

        Args:
            played: What `play` gave for it.
            external: What the caller said.
            internal: What the caller heard, as long.
            ahead: Samples that the leg has been given and the caller has not heard yet. Playback is reported when it
                is heard, and not when the leg takes it.
        """
        if self.over:
            return None
        if ahead or self._reports:
            return self._capture_ahead(played, external, internal, ahead)
        if played.started:
            self._playback_starts()
        ended = played.completed
        if ended is None:
            self._gather(external, internal)
        else:
            self._gather(external[:ended], internal[:ended])
            self._playback_ends()
            self._gather(external[ended:], internal[ended:])
        if played.audio.strip(_SILENT):
            self.sounded = self.position
        return None

    def _capture_ahead(self, played: Played, external: bytes, internal: bytes, ahead: int) -> None:
        if played.started:
            self._reports.append((self.position + ahead, True))
        if played.completed is not None:
            self._reports.append((self.position + ahead + played.completed, False))
        self._gather(external, internal)
        while self._reports and self._reports[0][0] <= self.position:
            if self._reports.popleft()[1]:
                self._playback_starts()
            else:
                self._playback_ends()
        if played.audio.strip(_SILENT):
            self.sounded = self.position

    def _gather(self, external: bytes, internal: bytes) -> None:
        """A frame leaves wherever the grid has a border."""
        at = 0
        while at < len(external) and not self.over:
            part = slice(at, at + self._frame - self.position % self._frame)
            self._external += external[part]
            self._internal += internal[part]
            samples = len(external[part])
            self.position += samples
            at += samples
            if self.position % self._frame == 0:
                self._send_pending()
                self.connection.flush()

    def _send_pending(self) -> None:
        """Send what was captured since the last frame."""
        if not self._external:
            return
        lanes = bytes(self._external), bytes(self._internal)
        self._external.clear()
        self._internal.clear()
        if self.connection.backlog > THROTTLE and self.session.is_live:
            self.session.skip(len(lanes[0]))
            self.dropped += len(lanes[0])
        else:
            self.session.send_audio(*lanes)

    # Playback. A run has no gaps, so what was heard of it is how far the stream has come since it began.

    def _playback_starts(self) -> None:
        self._run_start = self.position
        self._report(PlaybackStarted(self.position), self.session.playback_started)

    def _playback_ends(self, discarded: int = 0) -> None:
        run, self._run_start = self.playback, None
        if run is not None:
            self.playbacks.append(Playback(run.start, run.heard, discarded))
            self._report(PlaybackCompleted(self.position), self.session.playback_completed)

    def _report(self, event: Event, send: Callable[[], None]) -> None:
        if not self.over:
            self._ask(send)
            self._forward(event)

    def _barge_in(self) -> None:
        """P6.4: what is queued is dropped; what comes behind the event is a new playback."""
        playing = self.player.playing or bool(self._reports) or self._run_start is not None
        discarded = self.player.flush()
        self._reports.clear()
        if playing:
            self._playback_ends(discarded + self.on_flush())

    # What the session reports.

    def _on_event(self, event: Event) -> None:
        if isinstance(event, AudioReceived):
            if not self.over and not self.player.push(event.data, self._since_tick) and not self._refusing:
                self._refusing = True
                self._forward(Tolerated("more audio than the playback queue takes"))
            return
        self._forward(event)
        match event:
            case EntitiesReceived(entities=entities):
                if any(entity.type == "barge_in" for entity in entities):
                    self._barge_in()
            case Disconnected() | Finished() | Violation(fatal=True):
                self.stop()
