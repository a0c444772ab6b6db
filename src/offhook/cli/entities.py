"""What the entities of `event` messages must hold (P5), as kinds of `schema`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .schema import (
    ANYTHING,
    DURATION,
    FLAG,
    LANGUAGE,
    NUMBER,
    SHARE,
    TEXT,
    UUID,
    Fault,
    Faults,
    Field,
    Kind,
    array,
    choice,
    printable,
    record,
    said,
    variables,
)

_NOTHING: Final = record({})

_TOKEN: Final = record(
    {
        "type": Field(choice({"word": ""}, 'tokens are of type "word"')),
        "value": Field(TEXT),
        "confidence": Field(SHARE),
        "offset": Field(DURATION),
        "duration": Field(DURATION),
        "language": Field(LANGUAGE, required=False),
    },
    words=lambda token: TEXT.words(token.get("value")),
)
_INTERPRETATION: Final = record(
    {
        "type": Field(choice({"display": ""}, 'the only type is "display"; "lexical" and "normalized" are of 2024')),
        "transcript": Field(TEXT),
        "tokens": Field(array(_TOKEN), required=False),
    },
    meant={"text": "transcript"},
    words=lambda interpretation: said(interpretation.get("transcript"), 200),
)
_ALTERNATIVE: Final = record(
    {
        "confidence": Field(SHARE),
        "languages": Field(array(LANGUAGE), required=False),
        "interpretations": Field(array(_INTERPRETATION)),
    },
    words=lambda alternative: array(_INTERPRETATION).words(alternative.get("interpretations")),
)


def _transcript_words(data: Mapping[str, object]) -> str:
    state = "final" if data.get("isFinal") is True else "interim"
    times = [f"{name} {DURATION.words(data[name])}" for name in ("offset", "duration") if name in data]
    where = ", ".join([state, f"channel {said(data.get('channelId'))}", *times])
    return f"{where}: {array(_ALTERNATIVE).words(data.get('alternatives'))}"


_SUGGESTION: Final = record(
    {
        "type": Field(choice({"faq": "a question and its answer", "article": ""})),
        "id": Field(TEXT),
        "confidence": Field(NUMBER),
        "position": Field(DURATION, required=False),
        "question": Field(TEXT, required=False),
        "answer": Field(TEXT, required=False),
        "title": Field(TEXT, required=False),
        "excerpts": Field(array(TEXT), required=False),
        "documentUri": Field(TEXT, required=False),
        "metadata": Field(variables(), required=False),
    }
)
_UTTERANCE: Final = record(
    {
        "id": Field(TEXT),
        "position": Field(DURATION),
        "duration": Field(DURATION, required=False),
        "text": Field(TEXT),
        "language": Field(LANGUAGE),
        "confidence": Field(NUMBER),
        "channel": Field(choice({"external": "", "internal": ""})),
        "isFinal": Field(FLAG),
    }
)

DATA: Final[Mapping[str, Kind]] = {
    "barge_in": _NOTHING,
    "speech_started": _NOTHING,
    "bot_turn_response": record(
        {
            "disposition": Field(choice({"match": "understood", "no_match": "not understood", "no_input": "silent"})),
            "text": Field(TEXT, required=False),
            "confidence": Field(SHARE, required=False),
        }
    ),
    "transcript": record(
        {
            "id": Field(UUID),
            "channelId": Field(choice({0: "first", 1: "second"}, "it is the number of a negotiated channel: 0 or 1")),
            "isFinal": Field(FLAG),
            "offset": Field(DURATION, required=False),
            "duration": Field(DURATION, required=False),
            "alternatives": Field(array(_ALTERNATIVE)),
        },
        meant={"channel": "channelId", "position": "offset", "final": "isFinal", "is_final": "isFinal"},
        words=_transcript_words,
    ),
    "agentassist": record(
        {
            "id": Field(TEXT),
            "utterances": Field(array(_UTTERANCE), required=False),
            "suggestions": Field(array(_SUGGESTION), required=False),
        }
    ),
}
"""`data` by the entity's `type`."""

MEANINGS: Final = {
    "barge_in": "the caller cuts in: the platform throws away the queued bot audio",
    "speech_started": "the caller begins to speak",
    "bot_turn_response": "how the bot took the caller's turn",
    "transcript": "what was said",
    "agentassist": "suggestions for the agent",
}

_SHELL: Final = record({"type": Field(TEXT), "data": Field(ANYTHING)}, meant={"name": "type"})


def _faults(path: str, value: object) -> Faults:
    yield from _SHELL.faults(path, value)
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        return
    kind = DATA.get(value["type"])
    if kind is None:
        rule = f"known are {', '.join(DATA)}; others are passed over"
        yield Fault(f"`{path}.type` is {said(value['type'])}", rule, harmless=True)
    elif "data" in value:
        yield from kind.faults(f"{path}.data", value["data"])


def _words(value: object) -> str:
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        return said(value)
    name, data = value["type"], value.get("data")
    detail = DATA[name].words(data) if name in DATA else said(data, 200)
    meaning = f" ({MEANINGS[name]})" if name in MEANINGS else ""
    return f"{printable(name)}{meaning}" + (f": {detail}" if detail and data else "")


ENTITY: Final = Kind(_faults, _words)
