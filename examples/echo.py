"""Sends the caller's own voice back. Needs no speech engine: offhook serve examples/echo.py"""

from offhook import Bot, Call

bot = Bot("echo", preload=False)


@bot.handler
async def echo(call: Call) -> None:
    async for audio in call.audio():
        call.send(audio)
