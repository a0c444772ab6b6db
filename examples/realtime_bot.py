"""A bot that is a speech-to-speech model: any server of OpenAI's realtime WebSocket hears the call and speaks in it.

REALTIME_URL=http://127.0.0.1:8000/v1 offhook serve examples/realtime_bot.py
"""

import os

from offhook import Call
from offhook.bots.realtime import RealtimeBot

ORDERS = {"4721": "on its way, and arrives on Friday", "8153": "waiting for payment"}


def order_status(number: str) -> str:
    """Look up an order by its number, four digits."""
    return ORDERS.get(number, "unknown")


async def transfer(call: Call, department: str) -> None:
    """Put the caller through to a person: to sales or service."""
    await call.end(department=department)


bot = RealtimeBot(
    "You are the telephone assistant of River Street Books. Help with orders; put callers through on demand.",
    url=os.environ.get("REALTIME_URL"),
    model=os.environ.get("REALTIME_MODEL", "gpt-realtime-2"),
    tools=[order_status, transfer],
    greeting="River Street Books. How can I help?",
)
