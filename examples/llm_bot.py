"""A bot that answers by a language model and looks up orders: any server of OpenAI's chat completions will do.

LLM_URL=http://127.0.0.1:11434/v1 LLM_MODEL=llama3.2 offhook serve examples/llm_bot.py
"""

import os

from offhook import Call
from offhook.bots.llm import LLMBot

ORDERS = {"4721": "on its way, and arrives on Friday", "8153": "waiting for payment"}


def order_status(number: str) -> str:
    """Look up an order by its number, four digits."""
    return ORDERS.get(number, "unknown")


async def transfer(call: Call, department: str) -> None:
    """Put the caller through to a person: to sales or service."""
    await call.end(department=department)


bot = LLMBot(
    "You are the telephone assistant of River Street Books. Help with orders; put callers through on demand.",
    url=os.environ.get("LLM_URL"),
    model=os.environ.get("LLM_MODEL", "gpt-4o-mini"),
    tools=[order_status, transfer],
    greeting="River Street Books. How can I help?",
)
