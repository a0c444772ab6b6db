"""What a realtime model says, piece by piece."""

from __future__ import annotations

from tests.speech.doubles import silence, voice

from offhook.audio import ulaw
from offhook.bots.realtime_speech import Speech
from offhook.speech.rendering import Piece


async def test_audio_and_words_come_as_they_are_made_and_times_in_the_end() -> None:
    speech = Speech("item", "response", 0)
    speech.words("One ")
    speech.sound(voice(0.5))
    speech.words("two.")
    speech.sound(silence(1.0) + voice(0.5))
    speech.end()
    speech.sound(voice(1.0))
    speech.words("never")
    pieces = [piece async for piece in speech.pieces()]
    assert pieces[:4] == [
        Piece(b"", "One ", joins=True),
        Piece(voice(0.5)),
        Piece(b"", "two.", joins=True),
        Piece(silence(1.0) + voice(0.5)),
    ]
    (first, first_at), (second, second_at) = pieces[4].times
    assert (first, second) == (3, 8)
    assert abs(first_at - 0.5 * ulaw.RATE) < 200
    assert abs(second_at - 2.0 * ulaw.RATE) < 200
    assert speech.received == 2 * ulaw.RATE


async def test_sound_without_words_has_no_times() -> None:
    speech = Speech("item", "response", 0)
    speech.sound(voice(0.1))
    speech.end()
    assert [piece.times async for piece in speech.pieces()] == [(), ()]
