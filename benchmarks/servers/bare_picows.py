"""A bare picows server: answers open, ping and close, and with "echo" sends audio back. No session, no judgement.

What Python can do on the same engine if it does nothing else: see `benchmarks/sessions.py`.
"""

from __future__ import annotations

import gc
import sys

import msgspec
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

ECHO = "echo" in sys.argv


class Header(msgspec.Struct):
    type: str
    id: str
    seq: int
    parameters: msgspec.Raw = msgspec.Raw(b"{}")


decode = msgspec.json.Decoder(Header).decode


class Peer(WSListener):
    def __init__(self) -> None:
        self.seq = 0
        self.frames = 0

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.BINARY:
            self.frames += 1
            if ECHO:
                transport.send(WSMsgType.BINARY, frame.get_payload_as_bytes())
        elif frame.msg_type == WSMsgType.TEXT:
            self.answer(transport, decode(frame.get_payload_as_bytes()))
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(1000)
            transport.disconnect()

    def answer(self, transport: WSTransport, message: Header) -> None:
        parameters = "{}"
        if message.type == "open":
            channels = '["external","internal"]' if b'"internal"' in bytes(message.parameters) else '["external"]'
            parameters = (
                '{"startPaused":false,"media":[{"type":"audio","format":"PCMU","channels":'
                + channels
                + ',"rate":8000}]}'
            )
        answer = {"open": "opened", "ping": "pong", "close": "closed"}.get(message.type)
        if answer is not None:
            self.seq += 1
            text = (
                f'{{"version":"2","type":"{answer}","id":"{message.id}","seq":{self.seq},"clientseq":{message.seq},'
                f'"parameters":{parameters}}}'
            )
            transport.send(WSMsgType.TEXT, text.encode())


async def main() -> None:
    def accept(request: WSUpgradeRequest) -> WSListener:
        return Peer()

    server = await ws_create_server(accept, "127.0.0.1", int(sys.argv[1]), use_aiofastnet=False, backlog=4096)
    gc.collect()
    gc.freeze()
    print("listening", flush=True)
    await server.serve_forever()


uvloop.run(main())
