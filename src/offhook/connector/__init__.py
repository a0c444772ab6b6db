"""The platform's side of AudioHook: calls that are placed to bots and monitors, and the audio that runs in them."""

from .call import Call, Dial, Heard
from .dialling import connect, new_session
from .legs import Leg
from .legs.script import ScriptLeg, Utterance
from .link import CAPTURE, FRAME_MS, Link, Playback, encode
from .parameters import Channels, OpenOptions, opening
from .player import Played, Player
from .recorder import Recorder
from .result import Fault, Heartbeat, Result, RoundTrips
from .ticker import Ticker

__all__ = [
    # a call
    "connect",
    "Call",
    "Heard",
    "Playback",
    "Result",
    "Fault",
    "Heartbeat",
    "RoundTrips",
    # its parts
    "CAPTURE",
    "FRAME_MS",
    "Channels",
    "Dial",
    "Leg",
    "Link",
    "OpenOptions",
    "Played",
    "Player",
    "Recorder",
    "ScriptLeg",
    "Ticker",
    "Utterance",
    "encode",
    "new_session",
    "opening",
]
