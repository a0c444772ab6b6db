"""A bot; when it fails, another; when that fails too, people. offhook run examples/flows/fallback.py --talk 8090"""

from offhook import Connector, Fallback, PhoneCall

connector = Connector()
SAFE = Fallback(
    integrations=["second"],  # takes over from the first, also in the middle of a call
    retries=1,
    dead_air=8.0,  # seconds without an answer, after which a bot is taken for dead
    transfer="sip:agents@pbx.example",
    hang_up=True,
)


@connector.flow()
async def answer(call: PhoneCall) -> None:
    await call.audio_connector("service", inputs={"called": call.caller.dnis}, fallback=SAFE)
