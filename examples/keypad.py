"""Keys without speech recognition: a PIN by DTMF, prompts as sounds. offhook serve examples/keypad.py"""

from offhook import Bot, Call
from offhook.audio import tones, ulaw

bot = Bot("keypad", preload=False)
ASK, GOOD, BAD = (ulaw.encode(tones.tone(hertz, 0.3)) for hertz in (440, 880, 220))


@bot.handler
async def pin(call: Call) -> None:
    for attempt in range(1, 4):
        await call.play(ASK, interruptible="key")
        if await call.dtmf(length=4, terminator="#", first=10) == call.input.get("pin", "1234"):
            await call.play(GOOD)
            return await call.end(verified=True, attempts=attempt)
        await call.play(BAD)
    await call.end(verified=False, attempts=3)
