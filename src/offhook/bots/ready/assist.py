"""`offhook serve assist --knowledge DIR`: what both sides say, and what may help the agent with it."""

from __future__ import annotations

from pathlib import Path

from ...speech import pool as pools
from ..knowledge import Knowledge, Suggester
from ..monitor import Monitor, MonitorCall


def make(*, knowledge: Path, knowledge_uri: str = "", languages: str = "en-US") -> Monitor:
    """A monitor that sends `agentassist` entities: each utterance, with sections of the knowledge that fit it.

    Args:
        knowledge: Folder of Markdown files.
        knowledge_uri: What is put before a file's path in links to it.
        languages: What to list where the platform asks, with commas between them.

    Raises:
        UsageError: There is no such folder.
        EngineMissing: A library is not installed.
    """
    known = Knowledge(knowledge, uri=knowledge_uri)
    known.refresh()
    monitor = Monitor("assist", languages=tuple(tag.strip() for tag in languages.split(",") if tag.strip()))

    @monitor.handler
    async def assist(call: MonitorCall) -> None:
        suggester = Suggester(known)
        async for transcript in call.transcripts():
            await call.send_assist(transcript, await pools.shared().run(suggester.on, transcript))

    return monitor
