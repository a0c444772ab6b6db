"""Sessions recorded in memory, in virtual time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tests.connector.lines import Bot, call_to

from offhook.connector import Call
from offhook.protocol import AudioReceived, DtmfReceived, Event, Role, bot_turn_response, transcript
from offhook.protocol.trace import TraceWriter

UTTERANCE = "11111111-2222-4333-8444-555555555555"


def clerk(intent: str = "billing", words: str = "hello") -> Callable[[Bot, Event], None]:
    """A bot that speaks, reports what it heard, and ends the call on the key 1."""

    def act(bot: Bot, event: Event) -> None:
        match event:
            case AudioReceived(position=0):
                bot.session.send_audio(bytes(range(100)) * 24)
                bot.session.send_event(
                    transcript(UTTERANCE, 0, words, final=True, offset=0, duration=800, confidence=1),
                    bot_turn_response("match", words),
                )
            case DtmfReceived(digit="1"):
                bot.session.disconnect("completed", output={"intent": intent})

    return act


async def presses_one(call: Call) -> None:
    """Speak for a moment, press 1, stay until the bot ends it."""
    await call.play(bytes(range(120)) * 40)
    await call.dtmf("1")
    await call.result()


async def record(
    bot: Bot,
    act: Callable[[Call], Awaitable[object]] = presses_one,
    *,
    redact: bool = False,
    end: bool = True,
    **options: object,
) -> bytes:
    """Place a call, and return its trace as the client writes it."""
    lines: list[bytes] = []
    began: list[float] = []
    last = [0.0]

    def tap(sender: Role, data: str | bytes, now: float) -> None:
        began.append(now)
        last[0] = now - began[0]
        writer.message(last[0], sender.value, data)

    call = call_to(bot, trace=tap, **options)
    profile = bot.profile.name
    writer = TraceWriter(lines.append, role="client", session=call.session.id, profile=profile, redact=redact)
    async with call:
        await act(call)
    if end:
        writer.end(last[0], call.snapshot().outcome)
    return b"".join(lines)
