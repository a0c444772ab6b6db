"""A Wyoming service on loopback, made of the protocol's own package, that fails as it is told."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from tests.speech.adapters.services import HEARD, Service, tone, understood

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it imports audioop
    from wyoming.asr import Transcript
    from wyoming.audio import AudioChunk, AudioStart, AudioStop
    from wyoming.error import Error as WyomingError
    from wyoming.event import read_event, write_event
    from wyoming.info import AsrModel, AsrProgram, Attribution, Describe, Info, TtsProgram, TtsVoice
    from wyoming.tts import Synthesize


class WyomingService(Service):
    """A Wyoming service of one recogniser and two voices, in threads."""

    def __init__(self) -> None:
        super().__init__()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]

    def run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = self.listening.accept()
                threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with contextlib.suppress(OSError), line, line.makefile("rb") as given, line.makefile("wb") as out:
            heard = b""
            while (event := read_event(given)) is not None:
                if Describe.is_type(event.type):
                    write_event(_INFO.event(), out)
                    continue
                self.asked.append({"type": event.type, **event.data})
                if AudioChunk.is_type(event.type):
                    heard += AudioChunk.from_event(event).audio
                if Synthesize.is_type(event.type) or AudioStop.is_type(event.type):
                    if self.mode == "slow":
                        time.sleep(1.0)
                    if self.mode == "wrong":
                        write_event(WyomingError(f"cannot do: {HEARD}").event(), out)
                        return
                    if Synthesize.is_type(event.type):
                        self._speak(event.data["text"], out)
                    elif self.mode != "cut":
                        pcm = np.frombuffer(heard, "<i2").astype(np.float32) / 32768
                        write_event(Transcript(understood(pcm)).event(), out)
                    return

    def _speak(self, text: str, out: Any) -> None:
        form = {"rate": 16000, "width": 2, "channels": 1}
        sound = tone(text, 16000)
        if self.mode == "page":
            out.write(b"HTTP/1.1 400 Bad Request\r\n\r\n<html>" + HEARD.encode())
            return
        write_event(AudioStart(**form).event(), out)
        for at in range(0, 0 if self.mode == "empty" else len(sound), 2048):
            if self.mode == "cut" and at:
                return
            write_event(AudioChunk(**form, audio=sound[at : at + 2048]).event(), out)
        write_event(AudioStop().event(), out)


_BY = Attribution("tests", "")
_INFO = Info(
    asr=[AsrProgram("asr", _BY, True, None, "1", [AsrModel("m", _BY, True, None, "1", ["en", "fr"])])],
    tts=[
        TtsProgram(
            "tts", _BY, True, None, "1",
            [TtsVoice("amy", _BY, True, None, "1", ["en_US"]), TtsVoice("eva", _BY, True, None, "1", ["de_DE"]),
             TtsVoice("gone", _BY, False, None, "1", ["fr_FR"])],
        )
    ],
)  # fmt: skip


@contextmanager
def wyoming() -> Iterator[WyomingService]:
    """A Wyoming service on a free port of loopback."""
    service = WyomingService()
    threading.Thread(target=service.run, daemon=True).start()
    try:
        yield service
    finally:
        service.listening.shutdown(socket.SHUT_RDWR)
        service.listening.close()
