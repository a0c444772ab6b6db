"""Order status by voice or by keys: offhook serve examples/order_status.py"""

from offhook import Bot, Call
from offhook.bots import YES_NO, KeyEntry

bot = Bot("orders")
ORDERS = {"4711": "was shipped yesterday", "1234": "is being packed"}


@bot.handler
async def status(call: Call) -> None:
    await call.say("Welcome to the bicycle shop.")
    while True:
        number = await call.ask(
            "Please say or key in your order number, four digits.",
            keys=KeyEntry(4, between=4),
            missed=["Your order number has four digits. What is it?", "Please key in the four digits."],
        )
        if not number:
            return await call.end(reason=number.disposition)
        state = ORDERS.get(number.value)
        await call.say(f"Your order {state}." if state else "There is no such order.")
        again = await call.ask("Is there another order? Press 1 for yes, 2 for no.", YES_NO["en"], keys="12")
        if again.value != "yes":
            await call.say("Goodbye.")
            return await call.end(order=number.value, known=state is not None, by=number.by)
