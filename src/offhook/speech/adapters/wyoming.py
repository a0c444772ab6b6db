"""Recognition and synthesis by local services that speak Wyoming, as those of Home Assistant do, over TCP.

Knows the package `wyoming` and sockets. A connection serves one request: that is how these services see it.
"""

from __future__ import annotations

import contextlib
import socket
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...audio.resample import Resampler
from ...errors import EngineError, EngineMissing, UsageError
from ..engines import Float32, Recogniser, Synthesiser, Transcription, speaks
from ..registry import Options
from ..remote import TIMEOUT, UNTOLD, told, worth_sending
from ..samples import from_pcm16, to_pcm16
from ..sentences import sentences
from ..ssml.steps import is_sayable

_RATE = 16000
_OUT = 22050
_CHUNK = 4096

#: It is a service: it is used only where somebody names it.
LOCAL = False


@dataclass(frozen=True, slots=True)
class _Address:
    host: str
    port: int
    timeout: float

    @contextlib.contextmanager
    def talk(self, *events: Any) -> Iterator[Iterator[Any]]:
        """Sends events and reads those that come back, to the end of the connection."""
        from wyoming.event import read_event, write_event

        with told("wyoming"), socket.create_connection((self.host, self.port), self.timeout) as line:
            line.settimeout(self.timeout)
            with line.makefile("wb") as out, line.makefile("rb") as back:
                for event in events:
                    write_event(event, out)
                yield iter(lambda: read_event(back), None)

    def describe(self) -> Any:
        from wyoming.info import Describe, Info

        with self.talk(Describe().event()) as answers:
            for answer in answers:
                if Info.is_type(answer.type):
                    return Info.from_event(answer)
        raise EngineError("wyoming: the service does not describe itself")


class WyomingRecogniser:
    """A Wyoming service for speech to text. It tells no confidence and no words.

    Raises:
        EngineMissing: wyoming is not installed.
        EngineError: Nobody answers there, or not as such a service.
    """

    rate = _RATE
    waits = True

    def __init__(self, address: _Address, language: str = "") -> None:
        self._address = address
        info = address.describe()
        known = tuple(dict.fromkeys(tag for program in info.asr for model in program.models for tag in model.languages))
        if not info.asr:
            raise EngineError("wyoming: the service there recognises no speech")
        if language and not speaks(known, language):
            raise UsageError(f"wyoming: the service there does not understand {language!r}")
        first = language or (known[0] if known else "en")
        self.languages = (first, *(tag for tag in known if tag != first))

    def transcribe(self, pcm: Float32, language: str | None) -> Transcription:
        from wyoming.asr import Transcribe, Transcript
        from wyoming.audio import AudioChunk, AudioStart, AudioStop
        from wyoming.error import Error

        if not speaks(self.languages, language):
            raise EngineError(f"wyoming: the service does not understand {language}")
        tag = (language or self.languages[0]).partition("-")[0]
        if not worth_sending(pcm, self.rate):
            return Transcription("", 0.0, (), tag)
        sound = to_pcm16(pcm)
        form = {"rate": self.rate, "width": 2, "channels": 1}
        events = [
            Transcribe(language=tag).event(),
            AudioStart(**form).event(),
            *(AudioChunk(**form, audio=sound[at : at + _CHUNK]).event() for at in range(0, len(sound), _CHUNK)),
            AudioStop().event(),
        ]
        with self._address.talk(*events) as answers:
            for answer in answers:
                if Error.is_type(answer.type):
                    raise EngineError("wyoming: the service tells of an error")
                if Transcript.is_type(answer.type):
                    text = " ".join(Transcript.from_event(answer).text.split())
                    return Transcription(text, UNTOLD if text else 0.0, (), tag)
        raise EngineError("wyoming: the service broke off")


class WyomingSynthesiser:
    """A Wyoming service for text to speech; sound of any rate is made 22,050 Hz.

    Raises:
        EngineMissing: wyoming is not installed.
        EngineError: Nobody answers there, or not as such a service.
    """

    rate = _OUT
    waits = True

    def __init__(self, address: _Address, voice: str = "") -> None:
        self._address = address
        voices = [voice for program in address.describe().tts for voice in program.voices if voice.installed]
        if not voices:
            raise EngineError("wyoming: the service there has no voices")
        names = tuple(each.name for each in voices)
        if voice and voice not in names:
            raise UsageError(f"wyoming: there is no voice {voice!r} there; there are: {', '.join(names)}")
        first = voice or names[0]
        self.voices: tuple[str, ...] = (first, *(name for name in names if name != first))
        self._tags = {each.name: tuple(tag.replace("_", "-") for tag in each.languages) for each in voices}
        self.languages: tuple[str, ...] = tuple(dict.fromkeys(tag for name in self.voices for tag in self._tags[name]))
        self.name = f"wyoming-{address.host}:{address.port}-{first}"

    def synthesise(self, text: str, *, voice: str | None = None, language: str | None = None) -> Iterator[Float32]:
        if voice is None:
            voice = next((name for name in self.voices if speaks(self._tags[name], language)), None)
            if voice is None:
                raise EngineError(f"wyoming: no voice there speaks {language}")
        elif voice not in self.voices:
            raise EngineError(f"wyoming: there is no voice {voice!r} there")
        return self._sentences(text, voice)

    def _sentences(self, text: str, voice: str) -> Iterator[Float32]:
        from wyoming.audio import AudioChunk, AudioStop
        from wyoming.error import Error
        from wyoming.tts import Synthesize, SynthesizeVoice

        for sentence in sentences(text):
            resampler: Resampler | None = None
            with self._address.talk(Synthesize(sentence, voice=SynthesizeVoice(name=voice)).event()) as answers:
                for answer in answers:
                    if Error.is_type(answer.type):
                        raise EngineError("wyoming: the service tells of an error")
                    if AudioStop.is_type(answer.type):
                        break
                    if AudioChunk.is_type(answer.type):
                        chunk = AudioChunk.from_event(answer)
                        if (chunk.width, chunk.channels) != (2, 1):
                            raise EngineError("wyoming: the service gives sound that is not 16 bit mono")
                        resampler = resampler or Resampler(chunk.rate, self.rate)
                        sound = resampler.push(from_pcm16(chunk.audio))
                        if len(sound):
                            yield sound
                else:
                    raise EngineError("wyoming: the service broke off")
            if resampler is None:
                if is_sayable(sentence):
                    raise EngineError("wyoming: the service answers without a sound")
                continue
            rest = resampler.push(np.zeros(0, np.float32), last=True)
            if len(rest):
                yield rest


def recogniser(options: Options) -> Recogniser:
    """`wyoming:HOST:PORT[?language=en][&timeout=10]`."""
    address = _address(options, 10300)
    return WyomingRecogniser(address, options.text("language", ""))


def synthesiser(options: Options) -> Synthesiser:
    """`wyoming:HOST:PORT[?voice=NAME][&timeout=10]`."""
    address = _address(options, 10200)
    return WyomingSynthesiser(address, options.text("voice", ""))


def _address(options: Options, usual: int) -> _Address:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # it imports audioop, of which we use nothing
            import wyoming.audio  # noqa: F401
    except ImportError as error:
        raise EngineMissing("wyoming", "wyoming") from error
    host, _, port = (options.variant or "127.0.0.1").partition(":")
    if port and not (port.isdigit() and 0 < int(port) < 65536):
        raise UsageError(f"wyoming: {options.variant!r} is no address; write it like wyoming:127.0.0.1:{usual}")
    return _Address(host, int(port or usual), options.number("timeout", TIMEOUT, 0.05, 120))
