"""The bot asks what is wanted, the flow sends the caller there. offhook run examples/flows/steering.py --talk 8090"""

from offhook import Connector, PhoneCall, Success

connector = Connector()
TARGETS = {
    "billing": "sip:billing@pbx.example",
    "repairs": "sip:repairs@pbx.example",
    "orders": "sip:orders@pbx.example",
}
ANYBODY = "sip:reception@pbx.example"


@connector.flow("+1555*", "talk")
async def steer(call: PhoneCall) -> None:
    outcome = await call.audio_connector("service", "steering", {"queue": "main"}, timeout=120)
    wish = outcome.outputs.get("intent", "") if isinstance(outcome, Success) else ""
    await call.transfer(TARGETS.get(wish, ANYBODY))
