"""A transcription monitor in ten lines: offhook serve examples/transcribe.py"""

from offhook import Monitor, MonitorCall

monitor = Monitor("transcribe")


@monitor.handler
async def transcribe(call: MonitorCall) -> None:
    async for transcript in call.transcripts():
        await call.send_transcript(transcript)
