"""Chapter 2, continued: media offers of odd shapes, none of which may be chosen wrongly (P4.2)."""

from __future__ import annotations

from collections.abc import Callable

from ..caller import Caller
from ..case import ALL, LISTENING, Failure, Source
from ..line import Message
from ..suites import SERVER
from .opening import PCMU, answer_to


def _odd(number: str, title: str, does: str, offer: Message, may: Callable[[Caller], list[Message]], *,
         alone: bool = False, profiles: frozenset[str] = ALL, source: Source = Source.INFERRED) -> None:  # fmt: skip
    """An offer, before the usual ones or alone; `may` tells what of all may be chosen."""

    @SERVER.case(number, title, does=does, expects="`opened` with a copy of an offer that can be used, or with none.",
                 rule="P4.2: selection rules", source=source, profiles=profiles,
                 advice="Compare all four keys of an offer, and copy the one that you choose as it came.")  # fmt: skip
    async def run(caller: Caller) -> None:
        line, answer = await answer_to(caller, caller.opening(media=[offer] if alone else [offer, *caller.offers()]))
        media = answer.get("media")
        if not isinstance(media, list) or len(media) > 1:
            raise Failure(f"`opened.media` is {media!r}")
        if media and media[0] not in may(caller):
            raise Failure(f"chose {media[0]}")
        await caller.alive(line)
        await caller.finish(line)


_odd("2.58", "Another type of media is passed over", "Puts an offer of type video before the usual ones.",
     PCMU | {"type": "video"}, lambda caller: caller.offers())  # fmt: skip
_odd("2.59", "An unknown channel is passed over", "Puts an offer of a third channel before the usual ones.",
     PCMU | {"channels": ["supervisor"]}, lambda caller: caller.offers())  # fmt: skip
_BACKWARDS = PCMU | {"channels": ["internal", "external"]}
_odd("2.60", "Channels keep their order", "Offers both channels alone, the internal one first.", _BACKWARDS,
     lambda _: [_BACKWARDS], alone=True, profiles=LISTENING, source=Source.REFERENCE)  # fmt: skip
