"""The one exception tree of Offhook. Everything that the package raises on purpose is an `OffhookError`.

OffhookError
├── UsageError                  bad input of ours: a flag, a file, a setting (the command line exits with 2)
│   ├── AudioFileError          a sound file that cannot be read or written
│   ├── KeyFileError            API keys and client secrets that cannot be used
│   ├── SSMLError               markup of something to say is wrong; says where
│   └── TraceError              a trace file that cannot be read
├── LocalProtocolError          our own side asked the session for something that the protocol forbids now
├── PeerError                   the other side, or the line to it, failed
│   ├── UpgradeRejected         HTTP answer other than 101
│   ├── SessionRejected         `disconnect` in place of `opened`
│   ├── SessionFailed           violation, time-out or `disconnect` with an error in mid-session
│   └── ConnectionLost          socket closed without `close`/`closed`
├── CallEnded                   the call is over: nothing more can be said or asked in it
└── EngineError                 a speech engine failed
    ├── EngineBusy              it is rate limited; says for how long
    └── EngineMissing           it is not installed; says which extra to install

A peer's fault never raises inside a session: it is reported as a `Violation` event (see `offhook.protocol.events`).
"""

from __future__ import annotations

import logging


class OffhookError(Exception):
    """Base of all errors that Offhook raises on purpose."""


class UsageError(OffhookError):
    """Input of our own user is wrong; the message says what to change."""


class AudioFileError(UsageError):
    """A sound file cannot be read or written."""


class KeyFileError(UsageError):
    """API keys or client secrets cannot be used."""


class SSMLError(UsageError):
    """Markup of something to say is wrong.

    Attributes:
        line: Where, from 1.
        column: Where in that line, from 1.
    """

    def __init__(self, line: int, column: int, what: str) -> None:
        super().__init__(f"SSML, line {line}, column {column}: {what}")
        self.line = line
        self.column = column


class TraceError(UsageError):
    """A trace file cannot be read."""


class LocalProtocolError(OffhookError):
    """Our own side asked for something that the protocol forbids in this state. Nothing was changed or sent."""


class PeerError(OffhookError):
    """The other side, or the line to it, failed."""


class UpgradeRejected(PeerError):
    """The server answered the upgrade with another HTTP status than 101."""

    def __init__(self, status: int, reason: str = "") -> None:
        super().__init__(f"the server refused the WebSocket upgrade: HTTP {status} {reason}".rstrip())
        self.status = status
        self.reason = reason


class SessionRejected(PeerError):
    """The server answered `open` with `disconnect`."""

    def __init__(self, reason: str, info: str = "") -> None:
        super().__init__(f"the server refused the session: {reason}" + (f" ({info})" if info else ""))
        self.reason = reason
        self.info = info


class SessionFailed(PeerError):
    """The session ended by a violation, a time-out, or a `disconnect` other than `completed`."""


class ConnectionLost(PeerError):
    """The socket closed before the session was closed."""


class CallEnded(OffhookError):
    """The call is over: nothing more can be said or asked in it."""


class EngineError(OffhookError):
    """A speech engine failed."""


class EngineBusy(EngineError):
    """A speech engine takes nothing more for now; `retry_after` is in seconds, None if it does not say for how long."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class EngineMissing(EngineError):
    """A speech engine is not installed."""

    def __init__(self, engine: str, extra: str, install: str = "") -> None:
        self.install = install or f"pip install 'offhook[{extra}]'"
        super().__init__(f"{engine} is not installed: {self.install}")
        self.engine = engine
        self.extra = extra


def wordless(error: BaseException, logger: logging.Logger) -> BaseException:
    """An error as it may be logged: its kind, its causes and where it was raised, without messages.

    The messages of errors that are not ours may hold what a caller said or keyed (`int("my PIN is 1234")`). They are
    left in where the log is at DEBUG.
    """
    if logger.isEnabledFor(logging.DEBUG):
        return error
    return _wordless(error)


def _wordless(error: BaseException) -> BaseException:
    if isinstance(error, BaseExceptionGroup):
        bare: BaseException = BaseExceptionGroup("several", [_wordless(each) for each in error.exceptions])
    else:
        ours = isinstance(error, OffhookError)  # its message was written here, and says what is to be done
        bare = _named(type(error))(*([str(error)] if ours else []))
    bare.__cause__ = error.__cause__ and _wordless(error.__cause__)
    bare.__context__ = error.__context__ and _wordless(error.__context__)
    bare.__suppress_context__ = error.__suppress_context__
    return bare.with_traceback(error.__traceback__)


def _named(kind: type[BaseException]) -> type[Exception]:
    """An exception that is printed like one of that kind."""
    return type(kind.__name__, (Exception,), {"__module__": kind.__module__, "__qualname__": kind.__qualname__})
