"""The caller of the demo: recorded human speech, played at the right moments, as somebody on a phone would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...connector.call import Call
from ...protocol import PlaybackStarted
from ...testing.recordings import Recordings

#: A recording's key, or seconds of silence between two.
Clip = str | float

#: Seconds that a person takes to answer.
REACTION = 0.5

OUTPUT = {"order": "4721", "title": "A Tale of Two Cities", "delivery": "tomorrow at 10 a.m.", "confirmed": "true"}


@dataclass(frozen=True)
class Script:
    """What the caller says.

    Attributes:
        answers: One after the other, each when the bot has finished.
        objection: Said over the bot's long answer, `patience` seconds into it.
        farewell: Empty for a caller who says nothing more.
        expected: Pieces of what the bot should have understood, letters only.
    """

    answers: Sequence[Sequence[Clip]]
    objection: Sequence[Clip]
    patience: float
    farewell: Sequence[Clip]
    expected: tuple[str, ...]


_SCRIPTS = {
    "asterisk": Script(
        answers=(
            ("hello", 0.25, "something-terribly-wrong"),
            ("vm-num-i-have", 0.2, "digits/4", "digits/7", "digits/2", "digits/1"),
        ),
        objection=("vm-no", 0.25, "digits/tomorrow", 0.05, "digits/at", 0.05, "digits/10", 0.05, "digits/a-m"),
        patience=9.2,
        farewell=("vm-no", 0.15, "auth-thankyou", 0.3, "goodbye"),
        expected=("terribly wrong", "the number i have", "tomorrow at", "thank you"),
    ),
    "moonshine": Script(
        answers=(("best-of-times",),),
        objection=("no-matter", 0.25, "try-again"),
        patience=8.3,
        farewell=(),
        expected=("it was the best of time", "try again"),
    ),
}


def script_for(recordings: Recordings) -> Script:
    """The script that these recordings can speak."""
    return _SCRIPTS[recordings.source]


async def play_through(call: Call, script: Script, recordings: Recordings) -> None:
    """Have the conversation, up to the goodbye; the bot ends the call."""

    async def say(clips: Sequence[Clip]) -> None:
        await call.wait(REACTION)
        await call.play(recordings.utterance(clips).audio)

    for answer in script.answers:
        await call.listen(15)
        await say(answer)
    await _until_playback(call)
    await call.wait(script.patience - REACTION)
    await say(script.objection)
    await call.listen(10)  # to what the bot was saying when it was cut off
    await call.listen(10)
    await call.wait(REACTION)
    await call.dtmf("1")
    await call.listen(10)
    if script.farewell:
        await say(script.farewell)


async def _until_playback(call: Call) -> None:
    """Wait until the bot begins to be heard."""
    from_now = call.link.position
    async for event in call.events():
        if isinstance(event, PlaybackStarted) and event.position >= from_now:
            return
