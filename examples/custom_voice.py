"""A bot with a voice of its own: any class with these members is a synthesiser.

    offhook serve examples/custom_voice.py

Here espeak-ng speaks, as a program (Debian: apt install espeak-ng). In its place may stand whatever gives samples.
"""

import subprocess

import numpy as np

from offhook import SSML, Bot, Call, Engines


class Espeak:
    rate, languages, voices, name = 22050, ("en", "de", "fr"), ("en-us",), "espeak-example-1"

    def synthesise(self, text, *, voice=None, language=None):
        command = ["espeak-ng", "--stdout", "-v", language or "en-us", text]
        wav = subprocess.run(command, capture_output=True, check=True).stdout
        yield np.frombuffer(wav[44:], "<i2").astype(np.float32) / 32768


bot = Bot(engines=Engines(synthesiser=Espeak()))


@bot.handler
async def answer(call: Call) -> None:
    await call.say(SSML("Hello. <break time='300ms'/> I speak <emphasis>slowly</emphasis>, with a voice of my own."))
