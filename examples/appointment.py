"""An appointment in English or Spanish; the caller may change the language in mid-call.

pip install 'offhook[whisper]' and a Spanish voice (Pico); then offhook serve examples/appointment.py
"""

from offhook import Bot, Call
from offhook.bots import Engines

bot = Bot(
    "appointments",
    languages=("en-US", "es-ES"),
    engines=Engines(recognisers={"es": "whisper:base"}, synthesisers={"es": "pico"}),
)
WORDS = {
    "en": ("Which day suits you? Para español, diga español.", "You are booked for", "Goodbye."),
    "es": ("¿Qué día le conviene? For English, say English.", "Su cita es el", "Adiós."),
}
DAYS = {
    "en": dict.fromkeys(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"), ())
    | {"es-ES": ("Spanish", "español")},
    "es": dict.fromkeys(("lunes", "martes", "miércoles", "viernes"), ()) | {"en-US": ("English", "inglés")},
}


@bot.handler
async def book(call: Call) -> None:
    while True:
        tag = "es" if (call.language or "").lower().startswith("es") else "en"
        question, booked, goodbye = WORDS[tag]
        day = await call.ask(question, DAYS[tag])
        if day.value in ("es-ES", "en-US"):
            call.language = day.value  # other ears and another voice from here on
            continue
        if day:
            await call.say(f"{booked} {day.value}. {goodbye}")
        return await call.end(day=day.value, language=tag)
