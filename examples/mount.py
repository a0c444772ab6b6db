"""A bot inside an existing FastAPI application: uvicorn examples.mount:app"""

from examples.keypad import bot
from fastapi import FastAPI

from offhook.session.asgi import AsgiApp
from offhook.session.reception import Reception

app = FastAPI()
app.mount("/audiohook", AsgiApp(Reception(bot)))


@app.get("/")
def index() -> dict[str, str]:
    return {"bot": "at /audiohook"}
