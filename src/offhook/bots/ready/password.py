"""`offhook serve voiceprint --password TEXT`: a bot that wants the right words in the right voice.

It tells the flow by its output: `verified` ("true" or "false"), `speaker`, `voice_verdict`, `voice_probability`. It
assists, and must not decide alone: synthetic voices pass.
"""

from __future__ import annotations

import logging
from typing import Final

from ...errors import UsageError
from ..bot import Bot
from ..call import Call
from ..recent import Recent
from ..voices import Voices
from .claims import claimed

logger = logging.getLogger("offhook.bots")

#: How often the caller is asked for the password.
TRIES: Final = 3
#: Utterances that make a voiceprint, and how often the caller is asked for one.
UTTERANCES: Final = 3
ASKED: Final = 6
#: Seconds that a caller has to begin to speak.
SILENCE: Final = 8.0


def password_bot(voices: Voices, password: str, *, enrol: bool) -> Bot:
    """The bot.

    Args:
        voices: Who is known.
        password: What is to be said.
        enrol: Whether callers who are not enrolled are enrolled: only where they have agreed to it.
    """
    bot = Bot("voiceprint")

    @bot.handler
    async def answer(call: Call) -> None:
        speaker = claimed(call)
        call.output |= {"verified": "false", "speaker": speaker, "voice_verdict": "unknown", "voice_probability": ""}
        try:
            if not speaker or not await voices.is_enrolled(speaker):
                if speaker and enrol:
                    await _enrol(call, voices, speaker)
            else:
                await _verify(call, voices, speaker, password)
        except UsageError as error:  # a disk, a key: the flow is to go on without
            call.output["voice_verdict"] = "failed"
            call.journal.note("voiceprints cannot be read or written", call.position)
            logger.warning("session %s: %s", call.session_id, error)

    return bot


async def _verify(call: Call, voices: Voices, speaker: str, password: str) -> None:
    recent = Recent(call)
    call.output["voice_verdict"] = "too_short"  # of a caller who says nothing
    for number in range(TRIES):
        await call.say(f"{'Once more, please' if number else 'Please say'}: {password}")
        if (turn := await call.listen(timeout=SILENCE)) is None:
            continue
        audio = recent.audio(turn.start, turn.end)
        check = await voices.verify(call, speaker, [audio], phrase=password, heard=turn.text)
        call.output["verified"] = "true" if check.accepted else "false"
        if check.verdict in ("accepted", "rejected", "replayed", "outdated"):
            return


async def _enrol(call: Call, voices: Voices, speaker: str) -> None:
    recent = Recent(call)
    taken = 0
    await call.say("To know you by your voice, I need to hear you speak.")
    for _ in range(ASKED):
        await call.say(f"Please say {'another' if taken else 'a'} whole sentence about your day.")
        if (turn := await call.listen(timeout=SILENCE)) is not None:
            taken += (await voices.enrol(speaker, [recent.audio(turn.start, turn.end)])).taken
        if taken == UTTERANCES:
            call.output["voice_verdict"] = "enrolled"
            return
