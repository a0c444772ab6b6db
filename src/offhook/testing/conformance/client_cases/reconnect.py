"""Chapter 13: sessions that go on in another one (P8.6): an experiment of the platform, off by default."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from ..case import Failure, Skip, Source
from ..line import Line, Message
from ..partner import Partner
from ..suites import CLIENT
from .misplaced import STREAM
from .pauses import samples

#: Products that may reconnect, and seconds in which a client that does so should be there.
_PRODUCTS: Final = frozenset({"monitor", "transcription"})
_SOON: Final = 3.0
Run = Callable[[Partner], Awaitable[None]]
_ADVICE: Final = "Name each predecessor with its id and the last numbers of both sides that you have seen."


@CLIENT.case(
    "13.1", "`reconnect` ends nothing",
    does="Sends `reconnect`.", expects="The old session stays up, and still answers.", rule="P4.10, P8.6: planned",
    source=Source.REFERENCE, profiles=_PRODUCTS, advice="Keep the old session until a new one has taken over; or log the message.",
)  # fmt: skip
async def stays(partner: Partner) -> None:
    await borne(partner, {"info": "maintenance"})


@CLIENT.case(
    "13.2", "`reconnect` without info is taken, too",
    does="Sends `reconnect` with nothing in it, twice.", expects="The old session stays up.", rule="P4.10: info is optional",
    source=Source.REFERENCE, profiles=_PRODUCTS, advice="Take it for what it is: a wish.",
)  # fmt: skip
async def bare(partner: Partner) -> None:
    await borne(partner, None, None)


async def borne(partner: Partner, *wishes: Message | None) -> None:
    """Send `reconnect`, see that the session stays up, and end it; or the one that takes over from it.

    Raises:
        Failure: It does not stay up.
    """
    line = await partner.opened()

    async def wish() -> None:
        for each in wishes:
            await line.send("reconnect", each)
        await partner.alive(line)

    other = await partner.another(_SOON, after=line, meanwhile=wish())
    if other is None:
        await partner.goodbye(line)
    else:
        await finished(partner, line, await other.opened())


async def taken_over(partner: Partner) -> tuple[Line, Line, Message]:
    """A session that was asked to reconnect, and the one that takes over, with its `open`.

    Raises:
        Skip: The client does not reconnect.
    """
    old = await partner.opened()
    await old.quiet(0.3, allow=STREAM)
    other = await partner.another(_SOON, after=old, meanwhile=old.send("reconnect", {"info": "maintenance"}))
    if other is None:
        await partner.goodbye(old)
        raise Skip("this client does not reconnect")
    new = await other.opened()
    return old, new, new.received[0]


def predecessor(old: Line, message: Message) -> dict[str, Any]:
    """The entry of the old session.

    Raises:
        Failure: There is none.
    """
    named = message["parameters"]["continuedSessions"]
    found = (
        [each for each in named if isinstance(each, dict) and each.get("id") == old.id]
        if isinstance(named, list)
        else []
    )
    if not found:
        raise Failure(f"continuedSessions is {named!r}, without the session {old.id}")
    return dict(found[0])


def _takes_over(
    number: str, title: str, does: str, expects: str, advice: str, source: Source = Source.REFERENCE
) -> Callable[[Run], Run]:
    return CLIENT.case(number, title, does=does, expects=expects, rule="P4.2, P8.6", source=source, profiles=_PRODUCTS,
                       advice=advice)  # fmt: skip


@_takes_over("13.3", "A session that takes over names its predecessor", "Sends `reconnect` and waits for a new session.",
             "`continuedSessions` with the id of the old one, which is not the id of the new one.", _ADVICE)  # fmt: skip
async def named(partner: Partner) -> None:
    old, new, message = await taken_over(partner)
    predecessor(old, message)
    if new.id == old.id:
        raise Failure("the new session has the id of the old one")
    await finished(partner, old, new)


@_takes_over("13.4", "A predecessor is named with its numbers", "Sends `reconnect` and waits for a new session.",
             "`clientseq` and `serverseq` of the old session, no more than were sent.", _ADVICE)  # fmt: skip
async def numbered(partner: Partner) -> None:
    old, new, message = await taken_over(partner)
    entry = predecessor(old, message)
    for name, most in {"clientseq": old.peer_seq + 5, "serverseq": old.seq}.items():
        if type(value := entry.get(name)) is not int or not 0 <= value <= most:
            raise Failure(f"{name} is {value!r}, at most {most} were sent")
    await finished(partner, old, new)


@_takes_over("13.5", "A session that takes over says where it begins", "Sends `reconnect` and waits for a new session.",
             "A `position` that can be read and is no later than the old one's.",
             "Start at the window of kept audio that you offer.", Source.INFERRED)  # fmt: skip
async def placed(partner: Partner) -> None:
    old, new, message = await taken_over(partner)
    if samples(message) > max((samples(each) for each in old.received), default=0) + 8000 * 25:
        raise Failure(f"position {message.get('position')} lies behind what the old session has seen")
    await finished(partner, old, new)


@_takes_over("13.6", "The old session closes for the reconnect", "Opens the new session and waits.",
             "`close` with reason reconnect on the old one.", "Close the predecessor for the reason `reconnect`.",
             Source.INFERRED)  # fmt: skip
async def closes(partner: Partner) -> None:
    old, new, message = await taken_over(partner)
    predecessor(old, message)
    close = await old.expect("close", within=5.0, passing=STREAM)
    if (reason := close.get("parameters", {}).get("reason")) != "reconnect":
        raise Failure(f"`close` of the old session has reason {reason!r}")
    await old.send("closed")
    await partner.goodbye(new, passing=STREAM)  # pauses of the old one may come again


async def finished(partner: Partner, old: Line, new: Line) -> None:
    """Let both sessions end: the old one first, if it is closed now, as it should be."""
    try:
        await old.expect("close", within=1.0, passing=STREAM)
        await old.send("closed")
    except Failure:
        pass  # that is what another case is about
    await partner.goodbye(new, passing=STREAM)  # pauses of the old one may come again
