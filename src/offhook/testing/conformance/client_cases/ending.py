"""Chapter 9: how a client ends (P4.4, P4.9, P8.2)."""

from __future__ import annotations

from typing import Any

from ..case import SPOKEN, Failure, Source
from ..partner import Partner
from ..socket import Closed
from ..suites import CLIENT

_STREAM = ("ping", "dtmf", "playback_started", "playback_completed", "discarded", "update")


def _ends(number: str, title: str, does: str, source: Source = Source.REFERENCE, profiles: frozenset[str] | None = None,
          **parameters: Any) -> None:  # fmt: skip
    options: dict[str, Any] = {} if profiles is None else {"profiles": profiles}

    @CLIENT.case(number, title, does=does, expects="`close` reason disconnect, and the end of the connection behind `closed`.",
                 rule="P4.9, P8.4", source=source, advice="Answer `disconnect` with `close`, wait for `closed`, then let go.",
                 **options)  # fmt: skip
    async def run(partner: Partner) -> None:
        line = await partner.opened()
        await line.send("disconnect", parameters)
        await partner.closing(line, "disconnect")


_ends("9.1", "`disconnect` completed is followed", "Disconnects.", reason="completed")
_ends("9.2", "`disconnect` error is followed", "Disconnects for an error.", reason="error", info="a test")
_ends(
    "9.3", "`disconnect` unauthorized is followed", "Disconnects as unauthorized in mid-session.", reason="unauthorized"
)
_ends("9.4", "Output variables are taken", "Disconnects with twenty output variables.", profiles=SPOKEN, reason="completed",
      outputVariables={f"name {n}": "välue" for n in range(20)})  # fmt: skip
_ends(
    "9.5",
    "A long info is taken",
    "Disconnects with 2,000 letters of `info`.",
    Source.INFERRED,
    reason="error",
    info="x" * 2000,
)
_ends("9.6", "An unknown key of `disconnect` is passed over", "Disconnects with a key that does not exist.", Source.INFERRED,
      reason="completed", score=3)  # fmt: skip


@CLIENT.case(
    "9.7", "Nothing is sent behind `close`",
    does="Disconnects and answers `close` half a second late.", expects="No audio and no message behind `close`.",
    rule="P4.4", source=Source.REFERENCE, advice="Stop audio and pings before `close`.",
)  # fmt: skip
async def silent(partner: Partner) -> None:
    line = await partner.opened()
    await line.send("disconnect", {"reason": "completed"})
    await line.expect("close", passing=_STREAM)
    await line.quiet(0.5, audio=False)
    await line.send("closed")
    await line.gone(within=5.0)


@CLIENT.case(
    "9.8", "Two `disconnect` are answered by one `close`",
    does="Disconnects twice.", expects="One `close`.", rule="P4.9: ignored when closing", source=Source.REFERENCE,
    advice="Pass over `disconnect` while the session closes.",
)  # fmt: skip
async def once(partner: Partner) -> None:
    line = await partner.opened()
    line.socket.send(line.message("disconnect", {"reason": "completed"}))
    line.socket.send(line.message("disconnect", {"reason": "completed"}))
    await line.expect("close", passing=_STREAM)
    await line.quiet(0.3, audio=False)
    await line.send("closed")
    await line.gone(within=5.0)


def _closing(number: str, type: str, parameters: Any = None) -> None:
    @CLIENT.case(number, f"`{type}` while the session closes is passed over", does=f"Sends `{type}` between `close` and `closed`.",
                 expects="No message, and the end of the connection behind `closed`.", rule="P8.2: CLOSING",
                 source=Source.REFERENCE, advice="While closing wait for `closed` alone.")  # fmt: skip
    async def run(partner: Partner) -> None:
        line = await partner.opened()
        await line.send("disconnect", {"reason": "completed"})
        await line.expect("close", passing=_STREAM)
        await line.send(type, parameters)
        await line.quiet(0.2, audio=False)
        await line.send("closed")
        await line.gone(within=5.0)


_closing("9.9", "pause")
_closing("9.10", "resume")
_closing("9.11", "event", {"entities": []})


@CLIENT.case(
    "9.12", "A client does not wait for `closed` for ever",
    does="Never answers `close`.", expects="After 10 s the connection ends, with `error` 408 or without.",
    rule="P8.1: close transaction of 10 s", source=Source.VENDOR, advice="Give `closed` 10 s.",
)  # fmt: skip
async def never(partner: Partner) -> None:
    line = await partner.opened()
    await line.send("disconnect", {"reason": "completed"})
    await line.expect("close", passing=_STREAM)
    while not isinstance(got := await line.next(13.0), Closed):
        if got is None:
            raise Failure("still waits after 13 s")
        if isinstance(got, dict) and got.get("type") == "error" and got.get("parameters", {}).get("code") != 408:
            raise Failure(f"`error` has code {got.get('parameters', {}).get('code')}")


def _refuses(number: str, type: str, parameters: Any = None) -> None:
    @CLIENT.case(number, f"`{type}` in an open session is refused", does=f"Sends `{type}` in an open session.",
                 expects="`error` 409, then `close` reason error.", rule="P3.4: unexpected message in state",
                 source=Source.REFERENCE, advice="Check each message against the state; report and close.")  # fmt: skip
    async def run(partner: Partner) -> None:
        line = await partner.opened()
        media = partner.opening.get("media", [])[:1]
        await line.send(type, {"startPaused": False, "media": media} if type == "opened" else parameters)
        await partner.complaint(line, 400, 405, 409, 500)


_refuses("9.13", "closed")
_refuses("9.14", "opened")


@CLIENT.case(
    "9.15", "`disconnect` in a pause is followed",
    does="Pauses the stream and disconnects.", expects="`close` reason disconnect, and the end of the connection behind `closed`.",
    rule="P4.9, P8.2: any state before closing", source=Source.REFERENCE, advice="A pause concerns audio alone.",
)  # fmt: skip
async def in_a_pause(partner: Partner) -> None:
    line = await partner.opened()
    await line.send("pause")
    await line.expect("paused", passing=_STREAM)
    await partner.goodbye(line, passing=_STREAM)


@CLIENT.case(
    "9.16", "`disconnect` while audio is played is followed",
    does="Sends 2 s of audio and disconnects behind its start.", expects="`close` reason disconnect within 4 s.",
    rule="P4.9, P15 row 16: sources do not say whether it is played out", source=Source.INFERRED, profiles=SPOKEN,
    advice="Close at once, or when the audio that came before has played.",
)  # fmt: skip
async def in_a_playback(partner: Partner) -> None:
    line = await partner.opened()
    line.socket.send(b"\x55\xd5" * 8000)
    await line.expect("playback_started", passing=_STREAM)
    await line.send("disconnect", {"reason": "completed", "info": "in mid-playback"})
    await partner.closing(line, "disconnect", within=4.0, passing=_STREAM)


@CLIENT.case(
    "9.17", "`disconnect` before `open` has come is followed",
    does="Disconnects right behind the upgrade.", expects="`close` reason disconnect, and the end of the connection behind `closed`.",
    rule="P2.9: unauthorized may be said at once; P8.2: any state before closing", source=Source.REFERENCE,
    advice="Be ready for messages from the upgrade on.",
)  # fmt: skip
async def before_open(partner: Partner) -> None:
    line = await partner.accept()
    await line.send("disconnect", {"reason": "unauthorized"})
    await partner.closing(line, "disconnect", passing=("open",))
