"""A server with a flaw, in a thread of its own: for clients of any make, in tests of any kind."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ...connector.parameters import profile_of
from ...protocol import Profile
from ...session.keys import KeyStore
from ..threads import LoopThread
from .flaw import Data, Flaw, FlawedLink, serve
from .named import find


class MisbehavingServer:
    """What a test sees of it. Made by `misbehaving`, or by the pytest fixture `misbehaving_server`.

    Attributes:
        uri: Where it listens, on loopback; any path behind it works, too.
        flaw: Its name; empty where it has none, or none with a name.
        sessions: Ids of the sessions so far, in the order of their upgrades.
        received: Messages of all clients so far, as objects; text that is no JSON object is left out.
        audio: Bytes of audio of all clients so far.
    """

    def __init__(self, flaw: str) -> None:
        self.uri = ""
        self.flaw = flaw
        self.sessions: list[str] = []
        self.received: list[dict[str, Any]] = []
        self.audio = 0

    def of(self, type: str) -> list[dict[str, Any]]:
        """Messages of one type so far."""
        return [message for message in self.received if message.get("type") == type]

    def watch(self, link: FlawedLink, data: Data) -> None:
        """See a message of a client."""
        if link.session.id not in self.sessions:
            self.sessions.append(link.session.id)
        if isinstance(data, bytes):
            self.audio += len(data)
            return
        try:
            message = json.loads(data)
        except (ValueError, RecursionError):
            return
        if isinstance(message, dict):
            self.received.append(message)


@contextmanager
def misbehaving(
    flaw: str | Flaw | None = None,
    *,
    profile: Profile | str | None = None,
    keys: Mapping[str, str] | None = None,
    thread: LoopThread | None = None,
) -> Iterator[MisbehavingServer]:
    """Serve until the end of the block.

    Args:
        flaw: A name of `FLAWS`, a `Flaw` of your own, or None for a server that is right.
        profile: The product; by default the one in which the flaw shows.
        keys: API keys with their client secrets in base64; None lets everybody in.
        thread: To serve in; by default one of its own.

    Raises:
        UsageError: There is no such flaw or product.
        KeyFileError: A key or secret that the platform would not take.
    """
    named = find(flaw) if isinstance(flaw, str) else None
    chosen = profile_of(profile or (named.profile if named else "connector"))
    made = named.make() if named else flaw
    assert not isinstance(made, str)
    told = MisbehavingServer(flaw if isinstance(flaw, str) else "")
    store = None if keys is None else KeyStore.from_pairs(keys)
    own = thread or LoopThread()
    try:
        told.uri = own.enter(serve(chosen, made, store, watch=told.watch))
        yield told
    finally:
        if thread is None:
            own.close()
