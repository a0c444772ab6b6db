"""The scripted caller: what is said comes out to the sample, in order, with nothing between."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from offhook.audio import mix_ulaw, ulaw
from offhook.connector.legs.script import ScriptLeg, Utterance

from ..lines import ramp

SILENCE = ulaw.silence(160)


@given(st.lists(st.integers(0, 700), max_size=8))
def test_utterances_follow_each_other_without_a_gap(lengths):
    leg = ScriptLeg()
    for number, length in enumerate(lengths):
        leg.say(Utterance(ramp(length, number)))
    whole = b"".join(ramp(length, number) for number, length in enumerate(lengths))
    said = b"".join(leg.exchange(SILENCE)[0] for _ in range(len(whole) // 160 + 2))
    assert said == whole + ulaw.silence(len(said) - len(whole))


def test_a_silent_caller_hears_the_bot():
    assert ScriptLeg().exchange(ramp(160)) == (SILENCE, ramp(160))


def test_what_is_heard_besides_the_bot_is_kept_byte_by_byte_where_the_bot_is_silent():
    leg = ScriptLeg()
    leg.say(Utterance(ramp(100), b"\x7f" * 250))
    assert leg.exchange(SILENCE) == (ramp(100) + ulaw.silence(60), b"\x7f" * 160)
    assert leg.exchange(SILENCE) == (SILENCE, b"\x7f" * 90 + ulaw.silence(70))


def test_two_things_heard_at_once_are_mixed():
    leg = ScriptLeg()
    leg.say(Utterance(ramp(160), ramp(160, 5)))
    bot = ramp(160, 9)
    assert leg.exchange(bot) == (ramp(160), mix_ulaw(bot, ramp(160, 5)))


def test_internal_lanes_stand_where_their_utterance_stands():
    leg = ScriptLeg()
    leg.say(Utterance(ramp(50)))
    leg.say(Utterance(ramp(60), b"\x01" * 60))
    external, internal = leg.exchange(SILENCE)
    assert external == ramp(50) + ramp(60) + ulaw.silence(50)
    assert internal == ulaw.silence(50) + b"\x01" * 60 + ulaw.silence(50)


def test_an_utterance_can_be_taken_back():
    leg = ScriptLeg()
    first, second = Utterance(ramp(400)), Utterance(ramp(100, 3))
    leg.say(first)
    leg.say(second)
    assert leg.exchange(SILENCE)[0] == ramp(160)
    leg.drop(first)
    leg.drop(first)
    assert leg.exchange(SILENCE)[0] == ramp(100, 3) + ulaw.silence(60)
    assert (first.said, first.left) == (160, 240)
