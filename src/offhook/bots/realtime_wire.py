"""The wire of OpenAI's realtime WebSocket: events in and out, and its failures in our words. Knows no call.

Of the server's events those that matter here are read into one struct; all others pass unread.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec

from ..errors import EngineError
from ..speech.remote import failure

logger = logging.getLogger("offhook.bots")

SERVICE: Final = "the realtime model"
FORMAT: Final = "audio/pcmu"
#: Seconds that closing may take: a caller who has hung up waits for nothing.
_CLOSE: Final = 1.0
#: Characters of a word of the server that are told.
_LONGEST: Final = 60
_READ: Final = frozenset(
    {
        "session.updated",
        "error",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.input_audio_transcription.completed",
        "response.created",
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.delta",
        "response.function_call_arguments.done",
        "response.done",
    }
)


class _Kind(msgspec.Struct):
    type: str


class Fault(msgspec.Struct):
    """What the server says went wrong. Its message is not read: it may repeat what was said."""

    type: str | None = None
    code: str | None = None

    @property
    def word(self) -> str:
        """The one word for it."""
        return (self.code or self.type or "no code")[:_LONGEST]


class _Format(msgspec.Struct):
    type: str | None = None


class _Sound(msgspec.Struct):
    format: _Format | None = None


class _Audio(msgspec.Struct):
    output: _Sound | None = None


class Session(msgspec.Struct):
    """What the server has made of the session."""

    audio: _Audio | None = None

    @property
    def speaks(self) -> str:
        """The format of its audio; empty if it does not say."""
        sound = self.audio.output if self.audio is not None else None
        return (sound.format.type or "") if sound is not None and sound.format is not None else ""


class _Details(msgspec.Struct):
    error: Fault | None = None


class Response(msgspec.Struct):
    """A response of the model; `status` is `completed`, `cancelled`, `incomplete` or `failed` once it is done."""

    id: str | None = None
    status: str | None = None
    status_details: _Details | None = None


class ServerEvent(msgspec.Struct):
    """Any event of the server; fields that it does not have are empty.

    Attributes:
        delta: Audio in base64, or text.
        audio_start_ms: Counted in the audio that was sent, from its beginning.
        audio_end_ms: The same.
    """

    type: str
    item_id: str = ""
    response_id: str = ""
    content_index: int = 0
    delta: str = ""
    transcript: str = ""
    audio_start_ms: float = 0
    audio_end_ms: float = 0
    call_id: str = ""
    name: str = ""
    arguments: str = ""
    response: Response = msgspec.field(default_factory=Response)
    error: Fault = msgspec.field(default_factory=Fault)
    session: Session = msgspec.field(default_factory=Session)

    @property
    def audio(self) -> bytes:
        """The sound of a delta. Raises `EngineError`."""
        try:
            return base64.b64decode(self.delta, validate=True)
        except ValueError:
            raise EngineError(f"{SERVICE} sends audio that cannot be read") from None


_kind: Final = msgspec.json.Decoder(_Kind)
_event: Final = msgspec.json.Decoder(ServerEvent)


class Wire:
    """One connection.

    Args:
        connection: An `AsyncRealtimeConnection` of the library.
    """

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def receive(self) -> ServerEvent:
        """The next event that matters. One that is not as it should be is passed over: what it lacks is waited for.

        Raises:
            EngineError: The connection is closed, or what came cannot be read.
        """
        while True:
            try:
                data = await self._connection.recv_bytes()
            except Exception as error:
                raise failure(SERVICE, error) from None
            try:
                if _kind.decode(data).type in _READ:
                    return _event.decode(data)
            except msgspec.ValidationError:
                logger.debug("an event of %s is not as it should be", SERVICE)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                raise EngineError(f"{SERVICE} sends what cannot be read") from None

    async def send(self, type: str, **fields: Any) -> None:
        """Send an event. Raises `EngineError`."""
        try:
            await self._connection.send({"type": type, **fields})
        except Exception as error:
            raise failure(SERVICE, error) from None

    async def send_audio(self, audio: bytes) -> None:
        """Send what the caller says. Raises `EngineError`."""
        await self.send("input_audio_buffer.append", audio=base64.b64encode(audio).decode())


@asynccontextmanager
async def connected(client: Any, model: str, patience: float) -> AsyncIterator[Wire]:
    """A connection, closed in the end.

    Args:
        client: An `openai.AsyncOpenAI`.
        model: As the server names it.
        patience: Seconds to wait for it.

    Raises:
        EngineError: It cannot be had.
        EngineBusy: The server takes no more for now.
    """
    manager = client.realtime.connect(
        model=model, websocket_connection_options={"open_timeout": patience, "close_timeout": _CLOSE}
    )
    try:
        connection = await manager.enter()
    except Exception as error:
        raise failure(SERVICE, error) from None
    try:
        yield Wire(connection)
    finally:
        try:
            await connection.close()
        except Exception:
            pass  # it is gone
