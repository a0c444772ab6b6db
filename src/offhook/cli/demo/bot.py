"""The bot of the demo: a bookshop's order line. It is an ordinary bot; `offhook serve` takes this file as it is."""

from __future__ import annotations

import asyncio
import re

from offhook import Bot, Call, Turn

bot = Bot("River Street Books")

TITLES = {"4721": "A Tale of Two Cities"}
FIRST_LINES = {"best of time": "4721"}
DIGITS = {
    word: str(digit)
    for digit, word in enumerate(("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"))
} | {"oh": "0"}
HOURS = DIGITS | {"ten": "10", "eleven": "11", "twelve": "12"}
DAYS = "today|tomorrow|monday|tuesday|wednesday|thursday|friday|saturday|sunday"
WHEN = re.compile(rf"\b({DAYS})\b.*?\b(\d{{1,2}}?|{'|'.join(HOURS)})(?:00)? ?(?:([ap]) ?m\b|oclock)")
AGAIN = "tomorrow at 10 a.m."


@bot.handler
async def order_line(call: Call) -> None:
    order = await ask_order(call)
    if order is None:
        return await call.end(order="", delivery="", confirmed=False)
    delivery, confirmed = "this evening", False
    turn = await tell_state(call, order)
    while turn is not None and turn.continues:  # the number went on before anything of that was heard
        order = understand_order(turn.text) or order
        turn = await tell_state(call, order)
    wish = understand_time(turn.text) if turn else None
    if wish:
        await call.say(f"Of course: {wish} If that is right, press 1.")
        confirmed = await call.dtmf(length=1, first=8) == "1"
        delivery = wish if confirmed else delivery
    await call.say("Done. Is there anything else?" if confirmed else "It stays as it was. Is there anything else?")
    await call.listen(timeout=7)
    await call.say("Thank you for calling. Goodbye!", interruptible=False)
    await call.end(order=order, title=TITLES.get(order, ""), delivery=delivery, confirmed=confirmed)


async def tell_state(call: Call, order: str) -> Turn | None:
    """Tell where the order is; returns what the caller says to that."""
    playback = await call.say(
        f"Thank you. Order {' '.join(order)}, {TITLES.get(order, 'your book')}. The driver came today, but nobody "
        "opened the door. He will come again this evening, between six and nine. Somebody has to be at home, "
        "because he needs a signature, and he cannot leave the parcel with a neighbor."
    )
    return await call.listen(timeout=6 if playback.interrupted else 3)


async def ask_order(call: Call) -> str | None:
    """Ask until there is an order number, spoken or keyed, or a line that names the book; None after three times."""
    question = "River Street Books. How can I help? Tell me your order number, or the first line of your book."
    for _ in range(3):
        await call.say(question)
        speech = asyncio.create_task(call.listen(timeout=10))
        keys = asyncio.create_task(call.dtmf(4, first=10))
        try:
            await asyncio.wait({speech, keys}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            speech.cancel()
            keys.cancel()
        keyed = keys.result() if keys.done() and not keys.cancelled() else ""
        turn = speech.result() if speech.done() and not speech.cancelled() else None
        order = keyed or (understand_order(turn.text) if turn else "")
        if order:
            return order
        wrong = turn is not None and "wrong" in turn.text.lower()
        question = f"I am sorry{' to hear that' if wrong else ', I did not get that'}. What is your order number?"
    return None


def understand_order(text: str) -> str:
    """The digits of a text, written as figures or as words, or the order that a first line belongs to."""
    words = re.findall(r"\d|[a-z]+", text.lower())
    digits = "".join(DIGITS.get(word, word) for word in words if word in DIGITS or word.isdigit())
    if len(digits) >= 4:
        return digits
    return next((order for line, order in FIRST_LINES.items() if line in text.lower()), "")


def understand_time(text: str) -> str | None:
    """A day and an hour, as in "No, tomorrow at 10 a.m."; "try again" takes the next slot that is free."""
    plain = re.sub(r"[^a-z0-9 ]", "", text.lower())
    if found := WHEN.search(plain):
        return f"{found[1]} at {HOURS.get(found[2], found[2])} {found[3] or 'a'}.m."
    return AGAIN if "try again" in plain else None
