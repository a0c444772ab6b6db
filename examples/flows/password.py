"""A spoken password before the service: one bot knows voices, the other one orders. Whoever fails goes to people.

The first may be: offhook serve voiceprint --voiceprints FOLDER --password "Please let me in by the sound of my voice."
"""

from offhook import Connector, PhoneCall, Success

connector = Connector()


@connector.flow()
async def protected(call: PhoneCall) -> None:
    check = await call.audio_connector("biometrics", inputs={"speaker": call.caller.ani}, timeout=60)
    if not (isinstance(check, Success) and check.outputs.get("verified") == "true"):
        await call.transfer("sip:security@pbx.example")
        return
    with call.secure():  # what is keyed here reaches nobody but this flow
        order = await call.collect(6, first=5)
    await call.audio_connector("service", inputs={"customer": check.outputs["speaker"], "order": order})
