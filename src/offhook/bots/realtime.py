"""Bots that are a speech-to-speech model: any server of OpenAI's realtime WebSocket hears the call and speaks in it.

Audio goes both ways as mu-law, as the line has it. The server hears when the caller speaks and when the turn is over.
What the caller did not hear of an answer, the model is told that it never said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..errors import CallEnded, EngineError, EngineMissing
from .barge_in import BargeInPolicy
from .call import Call
from .model_bot import ModelBot
from .realtime_talk import Settings, Talk
from .realtime_wire import FORMAT

_PCMU: Final = {"type": FORMAT}
_PADDING: Final = 300
_SILENCE: Final = 500


class RealtimeBot(ModelBot):
    """A bot that hears and speaks by a realtime model.

    Args:
        instructions: What it is and does. That it speaks on the telephone is told it besides.
        model: As the server names it.
        voice: Of the model.
        greeting: What the model says first; empty to let the caller begin.
        transcription: Model that writes down what the caller says, for records; None for none.
        session: Further fields of the session as the wire has them, laid over those that are made here.
        barge_in: With `BargeInPolicy(hold=False)` the call's own ears tell when the caller cuts in; by default the
            server does.
        options: As of `ModelBot`, whose errors it raises: `url`, `key_env`, `tools`, `sorry`, `timeout`; and of `Bot`.
            Where a connection fails, the next one is told what was said before.
    """

    def __init__(
        self,
        instructions: str,
        *,
        model: str = "gpt-realtime-2",
        voice: str = "marin",
        greeting: str = "",
        transcription: str | None = "gpt-transcribe",
        session: Mapping[str, Any] | None = None,
        barge_in: BargeInPolicy | None = None,
        name: str = "realtime",
        **options: Any,
    ) -> None:
        barge_in = barge_in or BargeInPolicy(listen=False, echo=False)
        wanted = barge_in.listen or options.get("patience") is not None  # its own engines
        options = {"preload": wanted, **options}
        super().__init__("realtime model", name, barge_in=barge_in, **options)
        try:
            import websockets  # noqa: F401 (the library loads it when it connects)
        except ImportError as error:
            raise EngineMissing("the client of realtime models", "openai") from error
        self._model, self._greeting = model, greeting
        self._session = _session(instructions, voice, transcription, interrupts=not barge_in.listen)
        if self._tools:
            self._session["tools"] = [{"type": "function", **tool.schema["function"]} for tool in self._tools.values()]
        self._session = _laid(self._session, session or {})

    async def _converse(self, call: Call) -> None:
        talk = Talk(self._settings(call), call)
        call.add_sink(talk.take)
        failures = 0
        try:
            while True:
                try:
                    await talk.run()
                except EngineError as error:
                    self._report(call, error)
                    await talk.said()
                    failures = 1 if talk.answered else failures + 1
                    if not await self._goes_on(call, failures):
                        return
        except CallEnded:
            if call.is_live:
                raise
        finally:
            await talk.aclose()

    def _settings(self, call: Call) -> Settings:
        session = self._session
        language = (call.language or "").partition("-")[0].lower()
        heard = session["audio"]["input"]
        if language and heard.get("transcription"):
            session = _laid(session, {"audio": {"input": {"transcription": {"language": language}}}})
        detection = heard.get("turn_detection") or {}
        return Settings(
            self._client,
            self._model,
            session,
            self._tools,
            self._greeting,
            self._timeout,
            padding=8 * int(detection.get("prefix_padding_ms", 0)),
            silence=8 * int(detection.get("silence_duration_ms", 0)),
        )


def _session(instructions: str, voice: str, transcription: str | None, *, interrupts: bool) -> dict[str, Any]:
    return {
        "type": "realtime",
        "instructions": f"{instructions}\n\nYou are on the telephone: answer in one to three short sentences.",
        "output_modalities": ["audio"],
        "audio": {
            "input": {
                "format": _PCMU,
                "transcription": {"model": transcription} if transcription else None,
                "turn_detection": {
                    "type": "server_vad",
                    "prefix_padding_ms": _PADDING,
                    "silence_duration_ms": _SILENCE,
                    "interrupt_response": interrupts,
                },
            },
            "output": {"format": _PCMU, "voice": voice},
        },
    }


def _laid(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """One tree laid over another, branch by branch. What is of another `type` takes the place of the whole branch."""
    if under.get("type") != over.get("type", under.get("type")):
        return dict(over)
    laid = dict(under)
    for name, value in over.items():
        beneath = laid.get(name)
        both = isinstance(value, Mapping) and isinstance(beneath, Mapping)
        laid[name] = _laid(beneath, value) if both else value  # type: ignore[arg-type]
    return laid
