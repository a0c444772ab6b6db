"""Pipecat's serializer for AudioHook as an echo that gathers keys, and ends the call itself at `#`.

pip install 'pipecat-ai' fastapi uvicorn; uvicorn pipecat_keys:app --port 8096
"""

from fastapi import FastAPI, WebSocket
from pipecat.frames.frames import EndFrame, InputDTMFFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.runner import PipelineRunner
from pipecat.pipeline.task import PipelineParams, PipelineTask
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.serializers.genesys import GenesysAudioHookSerializer
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat_server import Echo

app = FastAPI()


class Keys(FrameProcessor):
    def __init__(self, serializer, end):
        super().__init__()
        self.serializer, self.end, self.pressed = serializer, end, ""

    async def process_frame(self, frame, direction: FrameDirection):
        await super().process_frame(frame, direction)
        if isinstance(frame, InputDTMFFrame):
            if frame.button.value == "#":
                self.serializer.set_output_variables({"keys": self.pressed})
                await self.end()
            self.pressed += frame.button.value
        await self.push_frame(frame, direction)


@app.websocket("/{path:path}")
async def call(websocket: WebSocket):
    await websocket.accept()
    serializer = GenesysAudioHookSerializer()
    transport = FastAPIWebsocketTransport(
        websocket,
        FastAPIWebsocketParams(
            audio_in_enabled=True, audio_out_enabled=True, add_wav_header=False, fixed_audio_packet_size=1600,
            serializer=serializer,
        ),
    )  # fmt: skip

    async def end():
        await task.queue_frame(EndFrame())

    task = PipelineTask(
        Pipeline([transport.input(), Keys(serializer, end), Echo(), transport.output()]),
        params=PipelineParams(audio_in_sample_rate=8000, audio_out_sample_rate=8000),
    )

    @transport.event_handler("on_client_disconnected")
    async def gone(transport, websocket):
        await task.cancel()

    await PipelineRunner(handle_sigint=False).run(task)
