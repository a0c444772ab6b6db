"""`connect()`: from plain options to a call over a socket. It signs and dials through the session layer's client."""

from __future__ import annotations

from pathlib import Path
from ssl import SSLContext
from typing import Unpack

from ..audio.wav import StrPath
from ..errors import AudioFileError
from ..protocol import ClientSession, Open, Profile
from ..session.client import Credentials, new_session_id, open_session
from ..session.connection import Connection, Tap
from ..session.dial import parse_uri
from ..session.engines import EngineName, load_engine
from ..session.keys import decode_secret
from .call import Call, Dial
from .link import CAPTURE, FRAME_MS, encode
from .parameters import OpenOptions, opening, profile_of


def connect(
    uri: str,
    *,
    key: str | None = None,
    secret: str | bytes | None = None,
    profile: Profile | str = "connector",
    frame_ms: int = FRAME_MS,
    record: StrPath | None = None,
    trace: Tap | None = None,
    engine: EngineName = "picows",
    ssl: SSLContext | None = None,
    timeout: float = 5.0,
    via: tuple[str, int] | None = None,
    **options: Unpack[OpenOptions],
) -> Call:
    """Call a bot or monitor in the platform's place: `async with connect("wss://bot.example/support") as call`.

    Args:
        uri: `ws://` or `wss://`; for the Audio Connector base URI and connector id in one.
        key: API key of the integration.
        secret: Its client secret, in base64 as the platform is given it, or the decoded bytes. Without one the request
            is not signed.
        profile: The product, or its name: `connector`, `monitor`, `transcription`, `bot-transcription`.
        frame_ms: Milliseconds of an audio message.
        record: Stereo WAV file to write at the end: left what the caller said, right what the caller heard.
        trace: Sees all messages.
        engine: What speaks WebSocket.
        ssl: For `wss://`; None trusts the system's authorities.
        timeout: Seconds for name, TCP, TLS and upgrade together.
        via: Host and port to connect to in place of the URI's: a proxy that passes everything on. The request is still
            made, signed and verified for the URI.
        options: What `open` says, see `OpenOptions`: `input`, `language`, `channels`, `ani`, `dnis`, `probe` and more.

    Returns:
        The call, to be entered.

    Raises:
        UsageError: An option that cannot be used.
    """
    parse_uri(uri)
    load_engine(engine)  # now: it takes a moment, and once the call is placed its audio runs
    chosen = profile_of(profile)
    parameters = opening(chosen, **options)
    if record is not None and not Path(record).parent.is_dir():
        raise AudioFileError(f"cannot write {record}: there is no such folder")
    decoded = decode_secret(secret) if isinstance(secret, str) else secret or b""
    dial = _over_socket(uri, Credentials(key or "", decoded), engine, ssl, timeout, via)
    return Call(new_session(parameters, chosen), dial, frame_ms=frame_ms, record=record, trace=trace)


def new_session(parameters: Open, profile: Profile) -> ClientSession:
    """A client session as links need it, with a new id."""
    return ClientSession(new_session_id(), parameters, profile, capture=CAPTURE, encode=encode)


def _over_socket(
    uri: str,
    credentials: Credentials,
    engine: EngineName,
    ssl: SSLContext | None,
    timeout: float,
    via: tuple[str, int] | None,
) -> Dial:
    async def dial(connection: Connection) -> None:
        session = connection.session
        assert isinstance(session, ClientSession)
        await open_session(
            uri,
            session,
            lambda event: None,  # the connection has its listener
            credentials=credentials,
            engine=engine,
            ssl=ssl,
            timeout=timeout,
            via=via,
            connection=connection,
        )

    return dial
