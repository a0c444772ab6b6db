"""A spoken password: the right words in the right voice. Run: offhook serve examples/spoken_password.py

Before: pip install 'offhook[speech,voiceprint]'; offhook engines install voiceprint; offhook voiceprint key FILE
and OFFHOOK_VOICEPRINT_KEY holds what is in FILE. The flow gives who it believes to be on the phone as input `customer`.
"""

from offhook import Bot, Call
from offhook.bots import Recent
from offhook.bots.voices import Voices

PASSWORD = "Please let me in by the sound of my voice."
voices = Voices("voiceprints")
bot = Bot("spoken-password")


@bot.handler
async def answer(call: Call) -> None:
    recent = Recent(call)  # remembers what was just heard
    customer = call.input["customer"]
    if not await voices.is_enrolled(customer):
        return await enrol(call, recent, customer)
    for _ in range(3):
        await call.say(f"Please say: {PASSWORD}")
        if (turn := await call.listen(timeout=8)) is not None:
            audio = recent.audio(turn.start, turn.end)
            check = await voices.verify(call, customer, [audio], phrase=PASSWORD, heard=turn.text)
            if check.accepted or check.verdict in ("rejected", "replayed"):
                return None  # `voice_verdict` is among the output: the flow decides, by this and by more than this
        await call.say("Once more, please.")


async def enrol(call: Call, recent: Recent, customer: str) -> None:
    for count in range(3):
        await call.say(f"To know you by your voice, I need {3 - count} sentences. Please say something about your day.")
        if (turn := await call.listen(timeout=12)) is not None:
            await voices.enrol(customer, [recent.audio(turn.start, turn.end)])
    await call.end(voice_verdict="enrolled")
