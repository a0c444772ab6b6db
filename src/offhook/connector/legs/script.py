"""The leg of a caller who says what a program tells it to: sounds from a queue, and between them the line's silence."""

from __future__ import annotations

from collections import deque

from ...audio import mix_ulaw, ulaw


class Utterance:
    """One sound on its way up the line, perhaps with what the caller hears beside it.

    Args:
        external: Mu-law that the caller says.
        internal: Mu-law that the caller hears meanwhile, besides the bot. The shorter one is filled up with silence.
    """

    __slots__ = ("_external", "_internal", "said")

    def __init__(self, external: bytes, internal: bytes = b"") -> None:
        if internal:
            length = max(len(external), len(internal))
            external, internal = (lane + ulaw.silence(length - len(lane)) for lane in (external, internal))
        self._external = external
        self._internal = internal
        self.said = 0

    @property
    def left(self) -> int:
        """Samples still to be said."""
        return len(self._external) - self.said

    def take(self, samples: int) -> tuple[bytes, bytes]:
        """The next so many samples of both lanes, or fewer at the end; internal is empty where there is none."""
        part = slice(self.said, self.said + samples)
        external = self._external[part]
        self.said += len(external)
        return external, self._internal[part]


class ScriptLeg:
    """A caller's queue of utterances. What is queued together is said without a gap, to the sample."""

    def __init__(self) -> None:
        self._queue: deque[Utterance] = deque()

    def say(self, utterance: Utterance) -> None:
        """Say it behind all that is queued."""
        if utterance.left:
            self._queue.append(utterance)

    def drop(self, utterance: Utterance) -> None:
        """Say no more of it."""
        if utterance in self._queue:
            self._queue.remove(utterance)

    def exchange(self, heard: bytes) -> tuple[bytes, bytes]:
        """See `Leg`."""
        samples = len(heard)
        if not self._queue:
            return ulaw.silence(samples), heard
        said = beside = b""
        while self._queue and len(said) < samples:
            utterance = self._queue[0]
            external, internal = utterance.take(samples - len(said))
            if internal:
                beside += ulaw.silence(len(said) - len(beside)) + internal
            said += external
            if not utterance.left:
                self._queue.popleft()
        said += ulaw.silence(samples - len(said))
        if not beside:
            return said, heard
        beside += ulaw.silence(samples - len(beside))
        # Mixing would change minus zero to zero: what is heard alone stays what it is, byte by byte.
        alone = heard.count(ulaw.SILENCE) == samples
        return said, beside if alone else mix_ulaw(heard, beside)
