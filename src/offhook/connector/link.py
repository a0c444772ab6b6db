"""A call leg, a playback queue and a client session, bound together by ticks: the platform's half of a session's audio.

Up: 20 ms from the leg in each tick are gathered into frames and given to the session. Down: what the bot sends waits in
the player and reaches the leg tick by tick. Everything else that the session reports is passed on. It must not know
where calls come from, nor what becomes of them.
"""

from __future__ import annotations

import asyncio
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
from ..session.connection import Connection, Tap
from ..session.wire import Wire
from .legs import Leg
from .player import TICK, Player
from .recorder import Recorder
from .ticker import PERIOD, Ticker

CAPTURE: Final = ("external", "internal")
"""The lanes that a link gives to its session; the media decide which of them travel."""

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


class _Line(Connection):
    """The connection of a link: it also knows whether there was a socket, and whether that is gone."""

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


class Link:
    """Carries one call.

    Args:
        session: Fresh, made with `capture=CAPTURE` and `encode=encode`.
        leg: The caller.
        on_event: Gets all events but audio, and `PlaybackStarted` and `PlaybackCompleted` when they leave.
        frame_ms: Milliseconds of an audio message. Frames end on a grid of this width, counted from the stream's start.
        exact_positions: Send the audio captured so far before a key, a playback message or a pause, as a frame of its
            own, so that the message's position is the sample at which it happened. Without it positions are late by up
            to a frame.
        tap: Sees all messages.

    Attributes:
        connection: What is to be dialled.
        player: The bot's audio.
        recorder: What was said and heard.
        position: Samples captured so far: the stream's position, the frame that is not full yet included.
        playbacks: Runs of bot audio that are over.
        sounded: Position up to which the caller has heard anything but digital silence.
        late: Ticks that came a whole period too late.
        worst_lag: Seconds by which the latest one was late.
        dropped: Samples not sent because the peer read too slowly.
        unheard: Samples of the bot that the end of the session threw away.
        over: Whether the end has begun: no more audio, either way.

    Raises:
        UsageError: `frame_ms` is none that could be sent.
    """

    def __init__(
        self,
        session: ClientSession,
        leg: Leg,
        on_event: Callable[[Event], None],
        *,
        frame_ms: int = FRAME_MS,
        exact_positions: bool = True,
        tap: Tap | None = None,
    ) -> None:
        self.session = session
        self.connection = _Line(session, self._on_event, tap)
        self.player = Player()
        self.recorder = Recorder()
        self.position = 0
        self.playbacks: list[Playback] = []
        self.sounded = 0
        self.late = 0
        self.worst_lag = 0.0
        self.dropped = 0
        self.unheard = 0
        self.over = False
        self._leg = leg
        self._forward = on_event
        self._frame = frame_samples(frame_ms)
        self._exact = exact_positions
        self._external = bytearray()
        self._internal = bytearray()
        self._run_start = 0
        self._refusing = False
        self._waits: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []

    def start(self) -> None:
        """The call is on the line: its audio runs from now on, whether or not the session is open yet (P6.2)."""
        if not self.over:
            Ticker.of_loop().add(self._tick)

    def stop(self) -> None:
        """No more audio, either way. It comes by itself when the session begins to end."""
        if self.over:
            return
        self.over = True
        Ticker.of_loop().remove(self._tick)
        run = self.playback
        self.unheard = self.player.flush()
        if run is not None:
            self.playbacks.append(Playback(run.start, run.heard, self.unheard))
        self._wake()

    @property
    def playback(self) -> Playback | None:
        """The run of bot audio that is on, as far as it has been heard."""
        return Playback(self._run_start, self.position - self._run_start) if self.player.playing else None

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

    def hang_up(self) -> None:
        """End the session from our side; nothing happens if it is ending already."""
        if self.over:
            return
        with suppress(LocalProtocolError):  # it is ending by itself
            self._send_pending()
            self.session.close("end")
        self.stop()
        self.connection.flush()

    async def when(self, condition: Callable[[], bool]) -> None:
        """Return after the first tick at which the condition holds, or when the call is over."""
        if self.over or condition():
            return
        entry = condition, asyncio.get_running_loop().create_future()
        self._waits.append(entry)
        try:
            await entry[1]
        finally:
            self._waits.remove(entry)

    def _ask(self, send: Callable[[], None]) -> None:
        if self.over:
            raise CallEnded("the call is over: nothing more can be sent in it")
        if self._exact:
            self._send_pending()
        send()
        self.connection.flush()

    # Ticks.

    def _tick(self, lag: float) -> None:
        self.worst_lag = max(self.worst_lag, lag)
        self.late += lag >= PERIOD
        played = self.player.take(TICK)
        external, internal = self._leg.exchange(played.audio)
        if played.started:
            self._playback_starts()
        ended = played.completed
        if ended is None:
            self._capture(external, internal)
        else:
            self._capture(external[:ended], internal[:ended])
            self._playback_ends()
            self._capture(external[ended:], internal[ended:])
        if played.audio.strip(_SILENT):
            self.sounded = self.position
        self._wake()

    def _capture(self, external: bytes, internal: bytes) -> None:
        """Take what happened on the line; a frame leaves wherever the grid has a border."""
        self.recorder.add(external, internal)
        at = 0
        while at < len(external):
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

    def _wake(self) -> None:
        for condition, future in self._waits:
            if not future.done() and (self.over or condition()):
                future.set_result(None)

    # Playback. A run has no gaps, so what was heard of it is how far the stream has come since it began.

    def _playback_starts(self) -> None:
        self._run_start = self.position
        self._report(PlaybackStarted(self.position), self.session.playback_started)

    def _playback_ends(self, discarded: int = 0) -> None:
        self.playbacks.append(Playback(self._run_start, self.position - self._run_start, discarded))
        self._report(PlaybackCompleted(self.position), self.session.playback_completed)

    def _report(self, event: Event, send: Callable[[], None]) -> None:
        if not self.over:
            self._ask(send)
            self._forward(event)

    def _barge_in(self) -> None:
        """P6.4: what is queued is dropped; what comes behind the event is a new playback."""
        playing = self.player.playing
        discarded = self.player.flush()
        if playing:
            self._playback_ends(discarded)

    # What the session reports.

    def _on_event(self, event: Event) -> None:
        if isinstance(event, AudioReceived):
            if not self.over and not self.player.push(event.data) and not self._refusing:
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
