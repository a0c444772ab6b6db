"""Google's speech services on loopback: real gRPC, the real messages, behind a relay that can cut the line."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import grpc
from google.cloud import speech_v2, texttospeech_v1
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status
from tests.speech.adapters.services import HEARD, Service, tone, understood

from offhook.audio import ulaw


class GoogleService(Service):
    def __init__(self) -> None:
        super().__init__()
        self.relay: _Relay | None = None
        self.once = False  # only the first line is cut

    def fail(self, context: Any) -> None:
        if self.mode == "limited":
            detail = any_pb2.Any()
            detail.Pack(error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=7)))
            status = status_pb2.Status(code=8, message=f"no more: {HEARD}", details=[detail])
            context.abort_with_status(rpc_status.to_status(status))
        elif self.mode == "wrong":
            context.abort(grpc.StatusCode.INTERNAL, f"cannot do: {HEARD}")
        elif self.mode == "refused":
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "who are you")
        elif self.mode == "slow":
            time.sleep(1.0)
        elif self.mode == "cut":
            self.cut()

    def cut(self) -> None:
        assert self.relay is not None
        if self.once:
            self.mode = "well"
        self.relay.cut()


def _alternative(text: str) -> dict[str, Any]:
    words = [
        {"word": word, "start_offset": timedelta(seconds=n * 0.25), "end_offset": timedelta(seconds=n * 0.25 + 0.2),
         "confidence": 0.95}
        for n, word in enumerate(text.split())
    ]  # fmt: skip
    return {"transcript": text, "confidence": 0.9, "words": words}


def _recognize(service: GoogleService) -> Any:
    def answer(request: Any, context: Any) -> Any:
        service.asked.append({"request": request})
        service.fail(context)
        text = understood(ulaw.to_float(request.content))
        return speech_v2.RecognizeResponse(results=[{"alternatives": [_alternative(text)]}] if text else [])

    return answer


def _stream(service: GoogleService) -> Any:
    def answer(requests: Any, context: Any) -> Any:
        first = next(requests)
        service.asked.append({"request": first})
        if service.mode not in ("slow", "cut"):
            service.fail(context)
        heard, told = b"", 0
        for request in requests:
            assert len(request.audio) <= 15_000
            heard += request.audio
            if service.mode == "cut":
                service.cut()
            if len(heard) // 4000 > told:
                told = len(heard) // 4000
                guess = {"transcript": " ".join(HEARD.split()[:told])}
                result = {"alternatives": [guess], "stability": 0.5, "result_end_offset": timedelta(seconds=told / 2)}
                yield speech_v2.StreamingRecognizeResponse(results=[result])
        if service.mode == "slow":
            time.sleep(1.0)
        if text := understood(ulaw.to_float(heard)):
            end = timedelta(seconds=len(heard) / 8000)
            last = {"alternatives": [_alternative(text)], "is_final": True, "result_end_offset": end}
            yield speech_v2.StreamingRecognizeResponse(results=[last])

    return answer


def _synthesize(service: GoogleService) -> Any:
    def answer(request: Any, context: Any) -> Any:
        service.asked.append({"request": request})
        service.fail(context)
        rate = request.audio_config.sample_rate_hertz
        return texttospeech_v1.SynthesizeSpeechResponse(audio_content=tone(request.input.ssml[7:-8], rate))

    return answer


def _speak(service: GoogleService) -> Any:
    def answer(requests: Any, context: Any) -> Any:
        config = next(requests).streaming_config
        text = next(requests).input.text
        service.asked.append({"config": config, "text": text})
        if service.mode != "cut":
            service.fail(context)
        data = tone(text, config.streaming_audio_config.sample_rate_hertz)
        assert service.relay is not None
        carried = service.relay.carried
        for at in range(0, len(data), 4801):  # odd: samples are cut
            if service.mode == "cut" and at:
                service.relay.wait_for(carried + 4801)  # the first piece gets through
                service.cut()
                return
            yield texttospeech_v1.StreamingSynthesizeResponse(audio_content=data[at : at + 4801])

    return answer


class _Relay:
    """Carries bytes both ways, and cuts all lines when told to."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._lines: list[socket.socket] = []
        self.carried = 0  # bytes to the client
        self._grown = threading.Condition()
        self._used: list[socket.socket] = []  # closed at the end: a number must not be used anew while a thread writes
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        lines, self._lines = self._lines, []
        for line in lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def wait_for(self, carried: int) -> None:
        """Return when so many bytes have been brought to the client."""
        with self._grown:
            self._grown.wait_for(lambda: self.carried >= carried, 10)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.cut()
        for line in self._used:
            line.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._to))
            self._lines += [near, far]
            self._used += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(source, target, target is near), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, counts: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
                if counts:
                    with self._grown:
                        self.carried += len(data)
                        self._grown.notify_all()
        for line in (source, target):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)


@contextmanager
def serving() -> Iterator[GoogleService]:
    service = GoogleService()
    server = grpc.server(ThreadPoolExecutor(8))
    speech, voices = speech_v2, texttospeech_v1
    handlers = {
        "google.cloud.speech.v2.Speech": {
            "Recognize": grpc.unary_unary_rpc_method_handler(
                _recognize(service), speech.RecognizeRequest.deserialize, speech.RecognizeResponse.serialize
            ),
            "StreamingRecognize": grpc.stream_stream_rpc_method_handler(
                _stream(service),
                speech.StreamingRecognizeRequest.deserialize,
                speech.StreamingRecognizeResponse.serialize,
            ),
        },
        "google.cloud.texttospeech.v1.TextToSpeech": {
            "SynthesizeSpeech": grpc.unary_unary_rpc_method_handler(
                _synthesize(service),
                voices.SynthesizeSpeechRequest.deserialize,
                voices.SynthesizeSpeechResponse.serialize,
            ),
            "StreamingSynthesize": grpc.stream_stream_rpc_method_handler(
                _speak(service),
                voices.StreamingSynthesizeRequest.deserialize,
                voices.StreamingSynthesizeResponse.serialize,
            ),
        },
    }
    server.add_generic_rpc_handlers(
        tuple(grpc.method_handlers_generic_handler(name, methods) for name, methods in handlers.items())
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    relay = service.relay = _Relay(port)
    service.port = relay.port
    try:
        yield service
    finally:
        relay.close()
        server.stop(0).wait(5)
