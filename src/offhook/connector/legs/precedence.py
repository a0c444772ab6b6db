"""Who goes first on a core that the connector and its SIP stack share, where this process has real-time priority.

The stack's thread does little at a time: it takes packets from the network and from the jitter buffer. Equal to ours it
waits until all calls of a tick are served, and its packets come too late for the tick that was to find them. So it goes
before us. The threads that it begins for calls look for work every 4 ms, and would cost more by interrupting us than
they gain: they stay beside us.
"""

from __future__ import annotations

import logging
import os
import threading

logger = logging.getLogger("offhook.connector")


class Precedence:
    """Of the stack's thread over the one that makes this. Without real-time priority it does nothing."""

    def __init__(self) -> None:
        self._policy = self._ours = self._thread = 0
        self._possible = False
        if hasattr(os, "sched_getscheduler"):  # not on every system
            self._policy, self._ours = os.sched_getscheduler(0), os.sched_getparam(0).sched_priority
            real_time = self._policy in (os.SCHED_FIFO, os.SCHED_RR)
            self._possible = real_time and self._ours < os.sched_get_priority_max(self._policy)

    def level(self) -> None:
        """Called by the stack's thread when it is about to begin another, which gets the priority that it has then."""
        if self._possible:
            self._thread = threading.get_native_id()
            self._set(self._thread, self._ours)

    def rise(self) -> None:
        """Called by ours when that one has begun."""
        if self._possible and self._thread:
            self._set(self._thread, self._ours + 1)

    def _set(self, thread: int, priority: int) -> None:
        try:
            os.sched_setscheduler(thread, self._policy, os.sched_param(priority))
        except OSError as error:  # RLIMIT_RTPRIO allows no more than what we have
            self._possible = False
            logger.debug("the SIP stack keeps the priority that it has: %s", error)
