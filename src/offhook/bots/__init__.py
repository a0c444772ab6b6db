"""The partner's side: bots and monitors, written as one coroutine for each call."""

from .bot import Bot
from .call import Call, Turn
from .engines import Engines
from .monitor import Monitor, MonitorCall, Transcript, Utterance
from .recent import Recent
from .saying import Playback

__all__ = [
    "Bot",
    "Call",
    "Engines",
    "Monitor",
    "MonitorCall",
    "Playback",
    "Recent",
    "Transcript",
    "Turn",
    "Utterance",
]
