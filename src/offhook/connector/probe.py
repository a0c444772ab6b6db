"""The connection probe: a real session with null ids that is closed right behind `opened` (P7). Activation runs it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from ..errors import OffhookError
from ..protocol import ClientSession, Disconnected, Event, Finished, SessionOpened, Violation
from ..session.client import new_session_id, request_headers
from .context import Dialling, clock, over_socket
from .failures import of_error
from .integrations import Endpoint, Integration
from .parameters import opening
from .stream import CAPTURE, SessionLine, encode

#: Seconds for dialling, `opened` and `closed` together: the session's own timers are shorter.
_LONGEST: Final = 20.0
#: Seconds that a server has to let go of the socket after `closed`.
_PARTING: Final = 1.0


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """What one endpoint made of a probe.

    Attributes:
        uri, region: Of the endpoint.
        milliseconds: From dialling to `opened`; None if it did not come.
        errors: What was wrong, in the words that the platform's administrator sees.
    """

    uri: str
    region: str = ""
    milliseconds: float | None = None
    errors: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.errors

    @property
    def text(self) -> str:
        """All errors as one sentence, in the vendor's manner (P11)."""
        return " (AND) ".join(self.errors)


async def probe(integration: Integration, dial: Dialling = over_socket) -> list[Probed]:
    """Probe all endpoints of an integration, at the same time."""
    return list(await asyncio.gather(*(_probe(integration, place, dial) for place in integration.places)))


async def _probe(integration: Integration, place: Endpoint, dial: Dialling) -> Probed:
    parameters = opening(integration.product, custom_config=integration.config, probe=True)
    session = ClientSession(new_session_id(), parameters, integration.product, capture=CAPTURE, encode=encode)
    errors: list[str] = []
    opened: list[float] = []
    done = asyncio.Event()

    def on_event(event: Event) -> None:
        match event:
            case SessionOpened():
                opened.append(clock())
                session.close("end")
            case Violation():
                kind = "close transaction timed out" if "close" in event.rule else f"{event.rule} ({event.code})"
                errors.append(f"Connection probe error: {kind}")
            case Disconnected():
                errors.append(f"Connection probe error: the server disconnected: {event.reason}{_info(event.info)}")
            case Finished():
                if not event.clean and not errors:
                    errors.append("Connection probe error: WebSocket connection failed: the socket was closed")
                done.set()
            case _:
                pass

    connection = SessionLine(session, on_event, None)
    began = clock()
    try:
        session.open()
        async with asyncio.timeout(_LONGEST):
            await dial(place.uri, connection, request_headers(place.uri, session, integration.credentials))
            await done.wait()
    except TimeoutError:
        errors.append("Connection probe error: the server did not answer in time")
    except OffhookError as error:
        errors.append(f"Connection probe error: WebSocket connection failed: {of_error(error).message}")
    finally:
        await _part(connection)
    took = round((opened[0] - began) * 1000, 3) if opened else None
    return Probed(uri=place.uri, region=place.region, milliseconds=took, errors=tuple(errors))


async def _part(connection: SessionLine) -> None:
    """The server has a moment to let go of the socket; then it is dropped."""
    if not connection.up:
        return
    try:
        async with asyncio.timeout(_PARTING if connection.session.finished else 0.0):
            await connection.gone.wait()
    except TimeoutError:
        connection.abort()
        await connection.gone.wait()


def _info(info: str | None) -> str:
    return f" ({info})" if info else ""


def problems(probed: Sequence[Probed]) -> str:
    """What an administrator is shown: empty if every endpoint answered as it should."""
    return " (AND) ".join(f"{each.region or each.uri}: {each.text}" for each in probed if not each.ok)
