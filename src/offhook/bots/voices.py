"""Voiceprints in a call: the same as `speech.voiceprint`, beside the event loop, with its results told as events."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..records import events as happenings
from ..speech import pool as pools
from ..speech.voiceprint import Encoder, Enrolment, TemplateStore, Verifier, VoiceCheck, read_key
from ..speech.voiceprint.install import weights

if TYPE_CHECKING:
    from .line import Line


class Voices:
    """Speakers and their voiceprints, for all calls of a bot or monitor.

    It assists, and must not decide alone: a synthetic voice that was made to sound like a speaker passes as theirs.

    Args:
        folder: Where voiceprints are kept, encrypted.
        key: A file with their key, as `offhook voiceprint key` makes it; without it, the text of the key is taken from
            `OFFHOOK_VOICEPRINT_KEY`.
        model: The encoder's weights; by default where `offhook engines install voiceprint` puts them.

    Raises:
        UsageError: There is no key.
        EngineMissing: `cryptography` or the encoder is not installed.
    """

    def __init__(self, folder: str | Path, *, key: str | Path | None = None, model: Path | None = None) -> None:
        self.store = TemplateStore(Path(folder), read_key(None if key is None else Path(key)))
        self._verifier = Verifier(Encoder.load(model or weights()), self.store)

    async def enrol(self, speaker: str, utterances: Sequence[bytes]) -> Enrolment:
        """Add utterances (mu-law at 8 kHz) to a speaker's voiceprint: only of those who have agreed to it.

        Raises:
            UsageError: `speaker` is empty, or the voiceprint cannot be read or written.
        """
        return await pools.shared().run(self._verifier.enrol, speaker, utterances)

    async def is_enrolled(self, speaker: str) -> bool:
        """Whether anything is kept of a speaker. Raises `UsageError` if it cannot be read."""
        return await pools.shared().run(self.store.load, speaker) is not None

    async def verify(
        self,
        call: Line,
        speaker: str,
        utterances: Sequence[bytes],
        *,
        earlier: Sequence[bytes] = (),
        phrase: str | None = None,
        heard: str = "",
    ) -> VoiceCheck:
        """Compare what was said with a speaker's voiceprint. The result is an event and is in `call.output`.

        Args:
            call: In which it was said.
            speaker: Who the caller claims to be.
            utterances: Mu-law at 8 kHz.
            earlier: What was compared before in this call: it counts for the voice.
            phrase: The words that had to be said, for a spoken password.
            heard: The words that were recognised.

        Raises:
            UsageError: The voiceprint cannot be read or written.
        """
        work = pools.shared().submit(
            self._verifier.verify, speaker, utterances, earlier=earlier, phrase=phrase, heard=heard
        )
        # Not taken back with the handler: a recording that was judged has to be remembered.
        check = await asyncio.shield(work)
        call.output |= check.output()
        call.emit(
            happenings.VoiceChecked(
                t=call.t,
                position=call.position,
                verdict=check.verdict,
                probability=check.probability,
                seconds=check.seconds,
            )
        )
        return check

    async def erase(self, speaker: str) -> bool:
        """Remove all that is kept of a speaker; returns whether there was anything."""
        return await pools.shared().run(self.store.erase, speaker)
