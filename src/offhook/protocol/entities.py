"""Entities: what `event` messages carry from server to client (P5). Unknown ones survive as they came."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from . import position

Json = Any  # what JSON holds: msgspec does not take the recursive definition


class Entity(msgspec.Struct, frozen=True):
    """One entity: `type` names it, `data` is whatever JSON it defines."""

    type: str
    data: Json = None


BARGE_IN: Final = Entity("barge_in", {})
SPEECH_STARTED: Final = Entity("speech_started", {})

Disposition = Literal["match", "no_match", "no_input"]


def bot_turn_response(disposition: Disposition, text: str | None = None, confidence: float | None = None) -> Entity:
    """Tell the platform how the bot took a turn of the caller."""
    data: dict[str, Json] = {"disposition": disposition}
    if text is not None:
        data["text"] = text
    if confidence is not None:
        data["confidence"] = confidence
    return Entity("bot_turn_response", data)


class Token(msgspec.Struct, frozen=True):
    """One word of a transcript; `offset` and `duration` in samples on the stream's position."""

    value: str
    confidence: float
    offset: int
    duration: int
    language: str | None = None


def transcript(
    id: str,
    channel: int,
    text: str,
    *,
    final: bool,
    offset: int,
    duration: int,
    confidence: float,
    tokens: tuple[Token, ...] = (),
    language: str | None = None,
) -> Entity:
    """Build a `transcript` entity with one alternative.

    Args:
        id: UUID of the utterance; the same for its interim results and its final one.
        channel: Index into the negotiated channels: 0 is the first.
        text: What was understood, as it is to be displayed.
        final: False for a result that may still change.
        offset: Start of the utterance, samples on the stream's position.
        duration: Its length in samples.
        confidence: 0 to 1.
        tokens: The words with their own times.
        language: Language tag of the utterance.
    """
    interpretation: dict[str, Json] = {"type": "display", "transcript": text}
    if tokens:
        interpretation["tokens"] = [_token(token) for token in tokens]
    alternative: dict[str, Json] = {"confidence": confidence, "interpretations": [interpretation]}
    if language is not None:
        alternative["languages"] = [language]
    return Entity(
        "transcript",
        {
            "id": id,
            "channelId": channel,
            "isFinal": final,
            "offset": position.format(offset),
            "duration": position.format(duration),
            "alternatives": [alternative],
        },
    )


def _token(token: Token) -> Json:
    data: dict[str, Json] = {
        "type": "word",
        "value": token.value,
        "confidence": token.confidence,
        "offset": position.format(token.offset),
        "duration": position.format(token.duration),
    }
    if token.language is not None:
        data["language"] = token.language
    return data


AssistChannel = Literal["external", "internal"]


class AssistUtterance(msgspec.Struct, frozen=True):
    """What was said, as an agent-assist entity reports it; times in samples."""

    id: str
    position: int
    text: str
    language: str
    confidence: float
    channel: AssistChannel
    final: bool
    duration: int | None = None


class Faq(msgspec.Struct, frozen=True):
    """A suggested answer; `answer` may hold the vendor's subset of HTML."""

    id: str
    confidence: float
    question: str
    answer: str
    position: int | None = None


class Article(msgspec.Struct, frozen=True):
    """A suggested article."""

    id: str
    confidence: float
    title: str
    excerpts: tuple[str, ...]
    document_uri: str
    metadata: dict[str, str] | None = None
    position: int | None = None


def agentassist(
    id: str, utterances: tuple[AssistUtterance, ...] = (), suggestions: tuple[Faq | Article, ...] = ()
) -> Entity:
    """Build an `agentassist` entity (experimental at the vendor's; P5)."""
    data: dict[str, Json] = {"id": id}
    if utterances:
        data["utterances"] = [_utterance(item) for item in utterances]
    if suggestions:
        data["suggestions"] = [_suggestion(item) for item in suggestions]
    return Entity("agentassist", data)


def _utterance(item: AssistUtterance) -> Json:
    data: dict[str, Json] = {
        "id": item.id,
        "position": position.format(item.position),
        "text": item.text,
        "language": item.language,
        "confidence": item.confidence,
        "channel": item.channel,
        "isFinal": item.final,
    }
    if item.duration is not None:
        data["duration"] = position.format(item.duration)
    return data


def _suggestion(item: Faq | Article) -> Json:
    data: dict[str, Json] = {"id": item.id, "confidence": item.confidence}
    if item.position is not None:
        data["position"] = position.format(item.position)
    if isinstance(item, Faq):
        return data | {"type": "faq", "question": item.question, "answer": item.answer}
    data |= {"type": "article", "title": item.title, "excerpts": list(item.excerpts), "documentUri": item.document_uri}
    if item.metadata is not None:
        data["metadata"] = dict(item.metadata)
    return data
