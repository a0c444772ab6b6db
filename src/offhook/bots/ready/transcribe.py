"""`offhook serve transcribe`: what both sides say, as `transcript` entities while they say it; kept with `--keep`."""

from __future__ import annotations

from ...protocol import TRANSCRIPTION
from ..monitor import Monitor, MonitorCall


def make(*, languages: str = "en-US") -> Monitor:
    """A monitor for AudioHook Monitor and for the Transcription Connector.

    Args:
        languages: What to list where the platform asks, with commas between them.
    """
    listed = tuple(tag.strip() for tag in languages.split(",") if tag.strip())
    monitor = Monitor("transcribe", profile=TRANSCRIPTION, interim=True, languages=listed)

    @monitor.handler
    async def transcribe(call: MonitorCall) -> None:
        async for transcript in call.transcripts():
            await call.send_transcript(transcript)

    return monitor
