"""Tells agents what may help while the caller speaks: offhook serve examples/agent_assist.py

It suggests from the Markdown files in `knowledge` beside it: pip install 'offhook[speech,assist]'
"""

from pathlib import Path

from offhook import Monitor, MonitorCall
from offhook.bots.knowledge import Knowledge, Suggester

knowledge = Knowledge(Path(__file__).parent / "knowledge", uri="https://kb.example.com/")
monitor = Monitor("agent-assist")


@monitor.handler
async def assist(call: MonitorCall) -> None:
    suggester = Suggester(knowledge)  # of this call: suggests nothing twice in a row
    async for transcript in call.transcripts():
        await call.send_assist(transcript, suggester.on(transcript))
