"""A voice bot in ten lines: offhook serve examples/support.py"""

from offhook import Bot, Call

bot = Bot("support")


@bot.handler
async def answer(call: Call) -> None:
    await call.say("Hello, how can I help?")
    async for turn in call.turns():
        if "agent" in turn.text.lower():
            return await call.end(intent="agent")
        await call.say(f"You said: {turn.text}")
