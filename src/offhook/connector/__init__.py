"""The platform's side of AudioHook: calls that are placed to bots and monitors, and the audio that runs in them."""

from .call import Call, Dial, Heard
from .dialling import connect, new_session
from .exchange import Connector
from .integrations import Endpoint, Integration, Integrations
from .legs import Caller, Leg, LegListener, PhoneLeg, TransferFailed
from .legs.script import ScriptLeg, Utterance
from .link import CAPTURE, FRAME_MS, Link, Playback, encode
from .parameters import Channels, OpenOptions, opening
from .phonecall import PhoneCall
from .player import Played, Player
from .policy import Failure, Fallback, Success
from .recorder import Recorder
from .result import Fault, Heartbeat, Result, RoundTrips
from .ticker import Ticker

__all__ = [
    # a connector and its flows
    "Connector",
    "PhoneCall",
    "Success",
    "Failure",
    "Fallback",
    "Integration",
    "Integrations",
    "Endpoint",
    # where calls come from
    "Caller",
    "PhoneLeg",
    "LegListener",
    "TransferFailed",
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
