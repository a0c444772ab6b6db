"""One session of a strand, from dialling to its end: what is known of it, what is kept of it, how it is closed."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from ..errors import OffhookError
from ..protocol import Role
from ..protocol.messages import CloseReason
from ..records import events as records
from ..records.record import CallRecord
from ..records.usage import Metered
from .context import CallContext
from .failures import Trouble
from .stream import Stream

#: Seconds that a server has to let go of the socket after `closed`, before it is dropped.
_PARTING: Final = 1.0


class AttemptFailed(OffhookError):
    """A session was not opened."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.message)
        self.trouble = trouble


class Sitting:
    """One session.

    Attributes:
        uri: Endpoint.
        dialled: When, by the loop's clock.
        opened: Whether `opened` has come.
        settled: Done when it has, or when it is clear that it will not.
        failing: Done with the trouble as soon as the session is known to end; with None if it ends well.
        asked: Done with the reason when the server asks for a new session in place of this one.
        ended: Set when nothing more happens in it.
        output: Output variables, once the bot is done.
        reason: As on the wire.
    """

    def __init__(self, uri: str, dialled: float, call: CallContext) -> None:
        loop = asyncio.get_running_loop()
        self.uri = uri
        self.dialled = dialled
        self.opened = False
        self.settled: asyncio.Future[None] = loop.create_future()
        self.failing: asyncio.Future[Trouble | None] = loop.create_future()
        self.asked: asyncio.Future[str] = loop.create_future()
        self.ended = asyncio.Event()
        self.output: dict[str, str] = {}
        self.reason = "end"
        self.stream: Stream
        self.record: CallRecord | None = None
        self.metered: Metered | None = None
        self._call = call

    def fails(self, trouble: Trouble | None) -> None:
        """It ends, and this is why; the first cause counts."""
        if not self.failing.done():
            self.failing.set_result(trouble)
        if not self.settled.done():
            self.settled.set_result(None)

    def ask(self, reason: str) -> None:
        """The server asks for a new session."""
        if not self.asked.done():
            self.asked.set_result(reason)

    def message(self, sender: Role, data: str | bytes, now: float) -> None:
        """A message passed; a `session.connection.Tap`."""
        t = round(now - self._call.began, 6)
        side: records.Side = "client" if sender is Role.CLIENT else "server"
        if self.metered is not None:
            self.metered.message(side, data, t)
        if self.record is not None:
            self.record.message(side, data, t)

    def over(self, trouble: Trouble | None) -> None:
        """Nothing more happens: stop its audio, finish its records and its usage."""
        self.fails(trouble)
        self.ended.set()
        self.stream.stop()
        cause, t = self.failing.result(), self._call.t
        if self.metered is not None:
            self.metered.end(t)
        if self.record is not None:
            outcome: records.Outcome = "completed" if self.reason == "completed" else "hangup"
            type, message = (cause.type, cause.message) if cause is not None else ("", "")
            self.record.add(
                records.CallEnded(
                    "error" if cause else outcome, type or self.reason, output=self.output, error=message, t=t
                )
            )
            self.record.finish()

    async def close(self, reason: CloseReason) -> None:
        """`close`, and up to 10 s for `closed`: the session's own timer sees to that."""
        stream = self.stream
        try:
            stream.hang_up(reason)
            await self.ended.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(stream.connection.gone.wait(), _PARTING)
        finally:
            if not stream.connection.gone.is_set():
                stream.connection.abort()
