"""Entities as P5 gives their shapes."""

from __future__ import annotations

import json

import msgspec
import pytest

from offhook.protocol import BARGE_IN, SPEECH_STARTED, Entity, Token, agentassist, bot_turn_response, transcript
from offhook.protocol.entities import Article, AssistUtterance, Faq
from offhook.protocol.messages import Event


def wire(entity: Entity) -> object:
    return json.loads(msgspec.json.encode(entity))


def test_those_without_data_carry_an_empty_object() -> None:
    assert wire(BARGE_IN) == {"type": "barge_in", "data": {}}
    assert wire(SPEECH_STARTED) == {"type": "speech_started", "data": {}}


def test_bot_turn_response() -> None:
    assert wire(bot_turn_response("no_input")) == {"type": "bot_turn_response", "data": {"disposition": "no_input"}}
    assert wire(bot_turn_response("match", "hello", 1.0)) == {
        "type": "bot_turn_response",
        "data": {"disposition": "match", "text": "hello", "confidence": 1.0},
    }
    assert wire(bot_turn_response("no_match", "", 0.0)) == {
        "type": "bot_turn_response",
        "data": {"disposition": "no_match", "text": "", "confidence": 0.0},
    }


def test_transcript() -> None:
    words = (Token("hello", 0.9, 8000, 4000), Token("there", 0.8, 12_000, 4001, "en-US"))
    entity = transcript(
        "id-1",
        1,
        "Hello there.",
        final=True,
        offset=8000,
        duration=8001,
        confidence=0.85,
        tokens=words,
        language="en-US",
    )
    assert wire(entity) == {
        "type": "transcript",
        "data": {
            "id": "id-1",
            "channelId": 1,
            "isFinal": True,
            "offset": "PT1S",
            "duration": "PT1.000125S",
            "alternatives": [
                {
                    "confidence": 0.85,
                    "languages": ["en-US"],
                    "interpretations": [
                        {
                            "type": "display",
                            "transcript": "Hello there.",
                            "tokens": [
                                {
                                    "type": "word",
                                    "value": "hello",
                                    "confidence": 0.9,
                                    "offset": "PT1S",
                                    "duration": "PT0.5S",
                                },
                                {
                                    "type": "word",
                                    "value": "there",
                                    "confidence": 0.8,
                                    "offset": "PT1.5S",
                                    "duration": "PT0.500125S",
                                    "language": "en-US",
                                },
                            ],
                        }
                    ],
                }
            ],
        },
    }


def test_an_interim_transcript_says_so_and_leaves_out_what_it_has_not() -> None:
    data = transcript("i", 0, "hel", final=False, offset=0, duration=0, confidence=0.1).data
    assert data["isFinal"] is False
    assert data["alternatives"] == [{"confidence": 0.1, "interpretations": [{"type": "display", "transcript": "hel"}]}]


def test_a_transcript_before_the_stream_began_is_refused() -> None:
    with pytest.raises(ValueError):
        transcript("i", 0, "x", final=True, offset=-1, duration=1, confidence=1.0)


def test_agentassist() -> None:
    entity = agentassist(
        "a",
        (AssistUtterance("u", 8000, "text", "en-US", 0.5, "external", True, 4000),),
        (
            Faq("f", 0.9, "Q?", "<b>A</b>", 0),
            Article("r", 0.7, "Title", ("one", "two"), "https://example.com/1", {"k": "v"}),
        ),
    )
    assert wire(entity) == {
        "type": "agentassist",
        "data": {
            "id": "a",
            "utterances": [
                {
                    "id": "u",
                    "position": "PT1S",
                    "duration": "PT0.5S",
                    "text": "text",
                    "language": "en-US",
                    "confidence": 0.5,
                    "channel": "external",
                    "isFinal": True,
                }
            ],
            "suggestions": [
                {
                    "type": "faq",
                    "id": "f",
                    "confidence": 0.9,
                    "position": "PT0S",
                    "question": "Q?",
                    "answer": "<b>A</b>",
                },
                {
                    "type": "article",
                    "id": "r",
                    "confidence": 0.7,
                    "title": "Title",
                    "excerpts": ["one", "two"],
                    "documentUri": "https://example.com/1",
                    "metadata": {"k": "v"},
                },
            ],
        },
    }
    assert wire(agentassist("a")) == {"type": "agentassist", "data": {"id": "a"}}


@pytest.mark.parametrize("data", [None, {}, [1, {"a": None}], "text", 1.5, {"deep": [[[["x"]]]]}])
def test_unknown_entities_survive_as_they_came(data: object) -> None:
    text = json.dumps({"entities": [{"type": "later", "data": data, "more": 1}]})
    assert msgspec.json.decode(text, type=Event).entities == (Entity("later", data),)
