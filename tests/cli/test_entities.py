"""Entities, each shape that is wrong with its rule."""

from __future__ import annotations

import pytest
from tests.cli.running import PARTICIPANT, transcript

from offhook.cli.entities import ENTITY
from offhook.protocol import BARGE_IN, SPEECH_STARTED, Token, agentassist, bot_turn_response
from offhook.protocol import transcript as our_transcript
from offhook.protocol.entities import Article, AssistUtterance, Faq

OURS = [
    BARGE_IN,
    SPEECH_STARTED,
    bot_turn_response("no_match", "what", 0.4),
    our_transcript(
        PARTICIPANT, 1, "hello you", final=False, offset=800, duration=1600, confidence=0.5, language="en-US",
        tokens=(Token("hello", 0.5, 800, 400, "en-US"),),
    ),
    agentassist(
        "a1",
        (AssistUtterance("u1", 800, "hi", "en-US", 0.9, "external", True, 80),),
        (Faq("f", 0.5, "why", "so"), Article("b", 0.5, "t", ("x",), "https://x.example", {"k": "v"}, 8)),
    ),
]  # fmt: skip


def faults(value: object) -> list[str]:
    return [f"{fault.what}: {fault.rule}" for fault in ENTITY.faults("e", value)]


@pytest.mark.parametrize("entity", OURS, ids=lambda entity: entity.type)
def test_ours_are_faultless(entity):
    assert faults({"type": entity.type, "data": entity.data}) == []


@pytest.mark.parametrize(
    ("entity", "what"),
    [
        ("barge_in", '`e` is "barge_in"'),
        ({"data": {}}, "`e.type` is missing"),
        ({"type": "barge_in"}, "`e.data` is missing"),
        ({"type": "bot_turn_response", "data": {"disposition": "matched"}}, '`e.data.disposition` is "matched"'),
        ({"type": "bot_turn_response", "data": {"disposition": "match", "confidence": 2}}, "`e.data.confidence` is 2"),
        (transcript(id="u-1"), '`e.data.id` is "u-1"'),
        (transcript(channelId=2), "`e.data.channelId` is 2"),
        (transcript(channelId=True), "`e.data.channelId` is true"),
        (transcript(isFinal="yes"), '`e.data.isFinal` is "yes"'),
        (transcript(offset=1.5), "`e.data.offset` is 1.5"),
        (transcript(alternatives=[{"confidence": 1, "interpretations": [{"type": "lexical", "transcript": "x"}]}]),
         '`e.data.alternatives[0].interpretations[0].type` is "lexical"'),
        (transcript(alternatives=[{"confidence": 1, "interpretations": [{"type": "display"}]}]),
         "`e.data.alternatives[0].interpretations[0].transcript` is missing"),
        ({"type": "mood", "data": {}}, '`e.type` is "mood"'),
    ],
)  # fmt: skip
def test_each_wrong_shape_is_one_fault(entity, what):
    named = faults(entity)
    assert len(named) == 1
    assert named[0].startswith(what)


def test_they_are_said_in_words():
    said = ENTITY.words(transcript())
    assert said == 'transcript (what was said): final, channel 0, offset 1 s, duration 0.5 s: "hello"'
    assert ENTITY.words({"type": "barge_in", "data": {}}).startswith("barge_in (the caller cuts in")
    assert ENTITY.words({"type": "mood", "data": {"a": 1}}) == 'mood: {"a": 1}'
