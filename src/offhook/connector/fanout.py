"""Monitors of a call: any number at once, each with its own session, pauses, failures and budget.

Whatever one of them does, it ends there: the call, the bot and the other monitors do not notice.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from .context import CallContext
from .engagement import Engagement
from .integrations import Integration
from .policy import Fallback
from .sitting import Sitting
from .strand import Strand

logger = logging.getLogger("offhook.connector")

#: P8.5: up to five retries. A monitor has the whole call for them.
PATIENCE: Final = Fallback(retries=5, backoff=0.5, patience=120.0, dead_air=None)


class Monitoring:
    """One monitor of a call, as its flow holds it.

    Attributes:
        name: Of the integration, as events call it.
        failure: Why it has ended before the call, or empty.
    """

    def __init__(self, call: CallContext, integration: Integration, name: str, language: str | None) -> None:
        self.name = name
        self.failure = ""
        self._call = call
        self.strand = Strand(call, integration, name, language=language)
        self._task: asyncio.Task[None] | None = None

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Begin to stream; returns at once. What is said from now on is not lost."""
        self._call.line.ears.append(self.strand)
        self._task = tasks.create_task(self._run(), name=f"monitor {self.name}")

    async def _run(self) -> None:
        try:
            outcome = await Engagement(self.strand, PATIENCE).run()
            if not isinstance(outcome, Sitting):
                self.failure = f"{outcome.type}: {outcome.message}"
        except Exception:  # ours, not the monitor's: and still nothing that a caller should notice
            logger.exception("the stream to monitor %s failed", self.name)
            self.failure = "the connector failed on this stream"
        finally:
            self._detach()

    def _detach(self) -> None:
        if self.strand in self._call.line.ears:
            self._call.line.ears.remove(self.strand)
        self.strand.leave()

    @property
    def live(self) -> bool:
        """Whether it gets audio now."""
        return self.strand.live

    async def ended(self) -> None:
        """Wait until it has ended for good: its server is done, or has failed too often."""
        if self._task is not None:
            await asyncio.wait((self._task,))

    def pause(self) -> None:
        """Tell it nothing until `resume`; it knows that it is paused."""
        self.strand.pause()

    def resume(self) -> None:
        """End the pause."""
        self.strand.resume()

    async def stop(self) -> None:
        """End its session."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
        await self.strand.closed()
