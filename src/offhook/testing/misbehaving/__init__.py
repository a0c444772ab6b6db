"""A server that misbehaves on purpose, in one place at a time: `with misbehaving("no-pong") as server`.

`FLAWS` names what servers in the field do wrong; your own are subclasses of `Flaw` or of its kinds in `kinds`.
"""

from .flaw import Flaw, FlawedLink
from .named import FLAWS, NamedFlaw
from .serving import MisbehavingServer, misbehaving

__all__ = ["FLAWS", "Flaw", "FlawedLink", "MisbehavingServer", "NamedFlaw", "misbehaving"]
