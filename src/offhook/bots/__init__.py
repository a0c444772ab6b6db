"""The partner's side: bots and monitors, written as one coroutine for each call."""

from .answers import YES_NO
from .asking import Answer
from .barge_in import BargeInPolicy
from .bot import Bot
from .call import Call, Turn
from .engines import Engines
from .keys import Keyed, KeyEntry
from .monitor import Monitor, MonitorCall, Transcript, Utterance
from .recent import Recent
from .saying import Mark, Playback

__all__ = [
    "YES_NO",
    "Answer",
    "BargeInPolicy",
    "Bot",
    "Call",
    "Engines",
    "KeyEntry",
    "Keyed",
    "Mark",
    "Monitor",
    "MonitorCall",
    "Playback",
    "Recent",
    "Transcript",
    "Turn",
    "Utterance",
]
