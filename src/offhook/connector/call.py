"""One call to a bot or monitor, in the platform's place: what a program says, keys and hears on the line.

It must not know what the other end is. What goes wrong in mid-call does not raise where something is said or listened
to: it ends that, and the result tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from ..audio import wav
from ..audio.ulaw import RATE
from ..errors import AudioFileError, CallEnded, ConnectionLost, PeerError, SessionFailed, SessionRejected
from ..protocol import ClientSession, Entity, Event, Finished, Role, SessionOpened
from ..session.connection import Connection, Tap
from .legs.script import ScriptLeg, Utterance
from .link import FRAME_MS, Link, frame_samples
from .result import Result, summarise
from .synthesis import synthesise
from .tally import Tally

Dial = Callable[[Connection], Awaitable[object]]
"""Connects a connection to a server and sends `open` on it; raises what `session.client.open_session` raises."""

#: Seconds that a server has to let go of the socket after `closed`, before it is dropped.
_PARTING: Final = 1.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What the caller heard of the bot in one go.

    Attributes:
        audio: Mu-law; pauses within are silence.
        start: Position of its first sample.
        complete: Whether the bot had come to an end, by itself or by a barge-in.
    """

    audio: bytes
    start: int
    complete: bool

    @property
    def seconds(self) -> float:
        return len(self.audio) / RATE


class Call:
    """A call; `connect` makes one. Use it once, as an asynchronous context manager.

    Entering dials and waits for `opened`. Leaving hangs up properly, also when an exception or Ctrl-C ends the block:
    `close`, and up to 10 s for `closed`.

    Args:
        session: Fresh, made with the `CAPTURE` and `encode` of a link.
        dial: How to reach the server.
        frame_ms: Milliseconds of an audio message.
        record: Stereo WAV file to write at the end: left what the caller said, right what the caller heard.
        trace: Sees all messages.

    Raises:
        UsageError: `frame_ms` is none that could be sent.
    """

    def __init__(
        self,
        session: ClientSession,
        dial: Dial,
        *,
        frame_ms: int = FRAME_MS,
        record: wav.StrPath | None = None,
        trace: Tap | None = None,
    ) -> None:
        frame_samples(frame_ms)  # or its error would come when the call is placed
        self.session = session
        self._dial = dial
        self._frame_ms = frame_ms
        self._record = None if record is None else Path(record)
        self._trace = trace
        self._leg = ScriptLeg()
        self._tally = Tally()
        self._link: Link | None = None
        self._failure: PeerError | None = None
        self._settled = asyncio.Event()
        self._ended = asyncio.Event()
        self._events: list[Event] = []
        self._news = asyncio.Event()
        self._listened = 0
        self._hears_prompts = any("internal" in media.channels for media in session.parameters.media)

    # Life.

    async def __aenter__(self) -> Self:
        """Place the call.

        Raises:
            UpgradeRejected: The server answered with another HTTP status than 101.
            SessionRejected: It answered `open` with `disconnect`.
            SessionFailed: It did not answer `open` in time, or wrongly.
            ConnectionLost: It cannot be reached, or hung up.
        """
        assert self._link is None, "a Call is one call: make another one with connect()"
        self._link = link = Link(self.session, self._leg, self._on_event, frame_ms=self._frame_ms, tap=self._on_message)
        try:
            if not self.session.parameters.is_probe:
                link.start()
            await self._dial(link.connection)
            await self._settled.wait()
            if self._tally.opened is None:
                raise self._refusal()
            if self.session.parameters.is_probe:  # P7: closed right behind `opened`
                await self.hang_up()
        except BaseException as error:
            if isinstance(error, PeerError):
                self._failure = error
            await self._leave(link)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._leave(self._line)

    async def _leave(self, link: Link) -> None:
        try:
            await self.hang_up()
            if link.connection.up:
                try:
                    await asyncio.wait_for(link.connection.gone.wait(), _PARTING)
                except TimeoutError:
                    link.connection.abort()
                    await link.connection.gone.wait()
        except asyncio.CancelledError:
            link.connection.abort()
            raise
        finally:
            link.stop()
            self._ended.set()
            self._news.set()
            if self._record is not None and self._tally.opened and link.recorder.samples:
                link.recorder.write(self._record)

    def _refusal(self) -> PeerError:
        """Why there is no session."""
        gone = self._tally.disconnected
        if gone is not None:
            return SessionRejected(gone.reason, gone.info or "")
        for fault in self._tally.violations:
            return SessionFailed(f"the server did not open the session: {fault.rule} (AudioHook error {fault.code})")
        return ConnectionLost("the server closed the socket before it answered `open`")

    async def hang_up(self) -> None:
        """End the call from our side, if it is not ending yet, and wait until it has ended."""
        link = self._line
        if not link.over:
            self._tally.hung_up = True
            link.hang_up()
        if link.connection.up:
            await self._ended.wait()

    async def result(self) -> Result:
        """Wait until the call has ended, by whichever side, and say how it went."""
        await self._ended.wait()
        return self.snapshot()

    def snapshot(self) -> Result:
        """How the call has gone so far. Also after a call that could not be placed."""
        now = self._link.connection.now if self._link else 0.0
        return summarise(self.session, self._link, self._tally, self._failure, now)

    # What the caller does.

    async def play(self, sound: wav.StrPath | bytes | Sequence[bytes]) -> float:
        """Say a sound in real time, behind those that are being said; returns when its last sample is on the line.

        Args:
            sound: Path of a WAV file of any rate; or mu-law at 8 kHz, one lane or two: what the caller says, and what
                the caller hears meanwhile besides the bot. The second one is left out where the integration does not
                carry that channel.

        Returns:
            Seconds that were said: fewer than the sound has if the call ended meanwhile.

        Raises:
            CallEnded: The call was over before.
            AudioFileError: The file cannot be read, or has more than two channels.
        """
        link = self._on_air()
        external, internal = await lanes_of(sound)
        utterance = Utterance(external, internal if self._hears_prompts else b"")
        self._leg.say(utterance)
        try:
            await link.when(lambda: not utterance.left)
        finally:
            self._leg.drop(utterance)
        return utterance.said / RATE

    async def say(self, text: str) -> float:
        """Say words, in the call's language, by the default speech engine; otherwise as `play`.

        Raises:
            CallEnded: The call was over before.
            EngineMissing: The engine is not installed.
        """
        self._on_air()
        return await self.play(await synthesise(text, language=self.session.parameters.language))

    async def dtmf(self, digits: str, *, gap: float = 0.1) -> None:
        """Press keys.

        Args:
            digits: Of `0`-`9`, `*`, `#`, `A`-`D`.
            gap: Seconds between two of them.

        Raises:
            CallEnded: The call was over before.
            LocalProtocolError: There is no such key, or the product has none.
        """
        link = self._on_air()
        for number, digit in enumerate(digits):
            if number:
                await self.wait(gap)
            if number and link.over:
                return
            link.dtmf(digit)

    async def wait(self, seconds: float) -> None:
        """Stay on the line in silence; ends early with the call."""
        link = self._line
        until = link.position + seconds * RATE
        await link.when(lambda: link.position >= until)

    async def listen(self, timeout: float | None = None, *, quiet: float = 0.3) -> Heard:  # noqa: ASYNC109
        """Listen until the bot has said something and been quiet for a moment.

        Nothing is missed: what the bot has said since the last time counts, also while the caller was speaking.

        Args:
            timeout: Seconds after which to return what there is, perhaps nothing.
            quiet: Seconds without bot audio, none of it waiting, that end it.

        Raises:
            CallEnded: The call is over, and nothing is left that was not listened to.
        """
        link = self._line
        deadline = None if timeout is None else link.position + timeout * RATE

        def fresh() -> list[tuple[int, int]]:
            runs = [*link.playbacks, link.playback] if link.playback else link.playbacks
            return [(run.start, run.end) for run in runs if run.end > self._listened]

        def silent() -> bool:
            if link.player.playing or link.player.queued:
                return False
            return not link.playbacks or link.over or link.position - link.playbacks[-1].end >= quiet * RATE

        def late() -> bool:
            return deadline is not None and link.position >= deadline

        if link.over and not fresh():
            raise CallEnded("the call is over: nothing more can be heard in it")
        await link.when(lambda: (bool(fresh()) and silent()) or late())
        runs = fresh()
        if not runs:
            return Heard(b"", link.position, complete=False)
        start, end = max(runs[0][0], self._listened), runs[-1][1]
        self._listened = end
        return Heard(link.recorder.heard(start, end), start, complete=silent())

    def pause(self) -> None:
        """Begin a pause of the client, as in a secure flow: the server gets no audio. Raises `CallEnded`."""
        self._on_air().pause()

    def resume(self) -> None:
        """End that pause. Raises `CallEnded`, or `LocalProtocolError` if there is none."""
        self._on_air().resume()

    def update(self, language: str) -> None:
        """Tell the server that the conversation goes on in another language. Raises `CallEnded`."""
        self._on_air().update(language)

    # What happens.

    @property
    def link(self) -> Link:
        """The call's audio: its position, its playbacks, what was recorded. There is one once the call was entered."""
        return self._line

    @property
    def entities(self) -> Sequence[Entity]:
        """All entities that the server has sent, in order: transcripts, for instance."""
        return self._tally.entities

    def recording(self) -> tuple[bytes, bytes]:
        """What the caller said and what the caller heard so far: mu-law, sample n at position n of the stream."""
        return self._line.recorder.lanes()

    async def events(self) -> AsyncIterator[Event]:
        """All that happens, from the call's first event to its last, audio left out. May be read more than once.

        The call's own `PlaybackStarted` and `PlaybackCompleted` are among it.
        """
        at = 0
        while True:
            while at < len(self._events):
                yield self._events[at]
                at += 1
            if self._ended.is_set():
                return
            await self._news.wait()

    @property
    def _line(self) -> Link:
        assert self._link is not None, "use the call as a context manager: async with connect(...) as call"
        return self._link

    def _on_air(self) -> Link:
        if self._line.over:
            raise CallEnded("the call is over: nothing more can be said or asked in it")
        return self._line

    def _on_message(self, sender: Role, data: str | bytes, now: float) -> None:
        self._tally.message(sender, data, now)
        if self._trace is not None:
            self._trace(sender, data, now)

    def _on_event(self, event: Event) -> None:
        self._tally.event(event, self._line.connection.now)
        self._events.append(event)
        if isinstance(event, SessionOpened | Finished):
            self._settled.set()
        if isinstance(event, Finished):
            self._ended.set()
        self._news.set()
        self._news = asyncio.Event()


async def lanes_of(sound: wav.StrPath | bytes | Sequence[bytes]) -> tuple[bytes, bytes]:
    """The lanes of something to be said: external and internal, the latter empty if there is none.

    Raises:
        AudioFileError: A file that cannot be read, or more than two lanes.
    """
    if isinstance(sound, bytes):
        return sound, b""
    lanes = await _read(sound) if isinstance(sound, str | PathLike) else sound
    if not 1 <= len(lanes) <= 2:
        raise AudioFileError(f"a caller has one channel or two, not {len(lanes)}")
    return lanes[0], lanes[1] if len(lanes) == 2 else b""


async def _read(path: wav.StrPath) -> list[bytes]:
    return await asyncio.to_thread(wav.read_ulaw, path)
