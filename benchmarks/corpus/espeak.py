"""espeak-ng with the times of its words, which its library tells and its program does not.

The library is GPL: this runs as a program of its own, is no part of the package, and is only there to be measured
against. On standard input lines of a voice, a pace in words a minute and a text, with tabs between; on standard output
a line of JSON for each: `rate`, `pcm` (16 bit, base64), and `words`, pairs of a character and the sample where it
begins.
"""

from __future__ import annotations

import base64
import ctypes
import json
import sys
from typing import Any

_RETRIEVE = 1  # AUDIO_OUTPUT_RETRIEVAL
_WORD = 1  # espeakEVENT_WORD
_PACE = 1  # espeakRATE
_CHARACTERS = 1  # POS_CHARACTER, and espeakCHARS_UTF8


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int), ("unique", ctypes.c_uint), ("place", ctypes.c_int), ("length", ctypes.c_int),
        ("milliseconds", ctypes.c_int), ("sample", ctypes.c_int), ("user", ctypes.c_void_p), ("id", _Id),
    )  # fmt: skip


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)  # fmt: skip


def main() -> None:
    library = ctypes.CDLL("libespeak-ng.so.1")
    rate = library.espeak_Initialize(_RETRIEVE, 200, None, 0)
    sound = bytearray()
    words: list[tuple[int, int]] = []

    def take(samples: Any, count: int, events: Any) -> int:
        if samples and count:
            sound.extend(ctypes.string_at(samples, 2 * count))
        at = 0
        while events[at].type:
            if events[at].type == _WORD and events[at].length:
                words.append((events[at].place - 1, events[at].milliseconds * rate // 1000))
            at += 1
        return 0

    callback = _Callback(take)
    library.espeak_SetSynthCallback(callback)
    for line in sys.stdin:
        voice, pace, text = line.rstrip("\n").split("\t")
        sound.clear()
        words.clear()
        library.espeak_SetVoiceByName(voice.encode())
        library.espeak_SetParameter(_PACE, int(pace), 0)
        raw = text.encode() + b"\0"
        library.espeak_Synth(raw, len(raw), 0, _CHARACTERS, 0, _CHARACTERS, None, None)
        library.espeak_Synchronize()
        print(json.dumps({"rate": rate, "pcm": base64.b64encode(sound).decode(), "words": words}), flush=True)


if __name__ == "__main__":
    main()
