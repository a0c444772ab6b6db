"""English recognition by Moonshine tiny: onnxruntime on the weights that the moonshine-voice wheel carries.

The package itself is never imported (it wants an audio device), only its files are used. Knows nothing of calls.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ...errors import EngineError, EngineMissing, UsageError
from ..engines import Float32, Recogniser, Transcription, Word, speaks
from ..registry import Options
from ..weights import checked, package_folder
from ..wordtimes import spread

# The files of moonshine-voice 0.1.0; later wheels no longer carry them.
_FILES: Final = {
    "encoder_model.ort": "94e90a4654fc45cdfedb77c4c08e1739f48862998e58fada384b25118134f221",
    "decoder_model_merged.ort": "cf524c4862d36e9e5ab032eddc73637efd822d70e868ac575cf1a46e1e4708a0",
    "tokenizer.bin": "6884b35fd6377d4c4d32336a0bc152f36b64d1e45b6503683cdc238250a8472d",
}
_LAYERS, _HEADS, _HEAD_SIZE = 6, 8, 36
_BEGIN, _END = 1, 2
_SPACE = "▁".encode()
_SHORTEST = 16000  # samples; shorter audio is followed by silence up to here


@dataclass(frozen=True, slots=True)
class _Token:
    piece: bytes
    log_probability: float


class Moonshine:
    """Moonshine tiny-en: punctuated and cased English, digits as digits, some 25 ms of CPU for a second of speech.

    It returns no times: those of the words are an estimate, see `offhook.speech.wordtimes.spread`.

    The confidence of an utterance is `exp` of its mean log-probability per token, that of a word the same over the
    word's tokens. It is no probability of being right, but it orders results: right ones of telephone speech averaged
    0.90, wrong ones 0.76.

    Args:
        folder: Where the three files are; by default the installed wheel.
        reject: Mean log-probability below which nothing counts as understood. Silence, noise and tones decode to "You"
            at -1 to -3, speech in other languages to anything at -0.8 to -1.3.
        tokens_per_second: Stops a decoder that repeats itself; fast speech needs about 6.

    Raises:
        EngineMissing: onnxruntime or moonshine-voice is not installed.
        EngineError: The files are not those of moonshine-voice 0.1.0.
    """

    rate = 16000
    languages = ("en",)

    def __init__(self, folder: Path | None = None, *, reject: float = -0.8, tokens_per_second: float = 12.0) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise EngineMissing("moonshine", "speech") from error
        if folder is None:
            folder = package_folder("moonshine_voice", engine="moonshine", extra="speech") / "assets" / "tiny-en"
        files = {name: checked(folder / name, sha256) for name, sha256 in _FILES.items()}
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # calls run side by side instead
        options.log_severity_level = 3
        providers = ["CPUExecutionProvider"]
        self._encoder = onnxruntime.InferenceSession(files["encoder_model.ort"], options, providers=providers)
        self._decoder = onnxruntime.InferenceSession(files["decoder_model_merged.ort"], options, providers=providers)
        self._pieces = _read_pieces(files["tokenizer.bin"].read_bytes())
        self._reject = reject
        self._tokens_per_second = tokens_per_second

    def transcribe(self, pcm: Float32, language: str | None) -> Transcription:
        if not speaks(self.languages, language):
            raise EngineError(f"moonshine recognises English only, not {language}")
        tokens, mean = self._decode(pcm)
        groups = _words(tokens)
        if mean < self._reject or not groups:
            return Transcription("", math.exp(mean), (), "en")
        texts = [_text(group) for group in groups]
        if len(texts) == 1 and texts[0].rstrip(".") == "You" and mean < self._reject / 8:  # a cough or a click
            return Transcription("", math.exp(mean), (), "en")
        words = tuple(
            Word(text, start, end, math.exp(sum(token.log_probability for token in group) / len(group)))
            for text, group, (start, end) in zip(texts, groups, spread(texts, pcm, self.rate), strict=True)
        )
        return Transcription(" ".join(texts), math.exp(mean), words, "en")

    def _decode(self, pcm: Float32) -> tuple[list[_Token], float]:
        """Greedy decoding: the tokens, and their mean log-probability with the end token's counted in."""
        audio = np.zeros((1, max(len(pcm), _SHORTEST)), np.float32)
        audio[0, : len(pcm)] = pcm
        hidden = self._encoder.run(None, {"input_values": audio, "attention_mask": np.ones(audio.shape, np.int64)})[0]
        inputs: dict[str, Any] = {
            "encoder_hidden_states": hidden,
            # All of it counts. A mask of full length says the same, but the decoder fails with one of over 384 (9.2 s).
            "encoder_attention_mask": np.ones((1, 1), np.int64),
            "use_cache_branch": np.array([False]),
            **_empty_cache(),
        }
        names = [output.name.replace("present", "past_key_values") for output in self._decoder.get_outputs()[1:]]
        tokens: list[_Token] = []
        token, total = _BEGIN, 0.0
        for _ in range(max(8, int(audio.shape[1] / self.rate * self._tokens_per_second))):
            inputs["input_ids"] = np.array([[token]], np.int64)
            logits, *cache = self._decoder.run(None, inputs)
            token, log_probability = _best(logits[0, -1])
            total += log_probability
            if token == _END:
                break
            tokens.append(_Token(self._pieces[token], log_probability))
            # What is made of the encoder's output is there after the first token and stays.
            kept = zip(names, cache, strict=True)
            inputs |= {name: value for name, value in kept if ".decoder." in name or len(tokens) == 1}
            inputs["use_cache_branch"] = np.array([True])
        return tokens, total / max(1, len(tokens))


def recogniser(options: Options) -> Recogniser:
    """Loads Moonshine: `moonshine[:tiny-en][?reject=-0.8][&tokens_per_second=12]`."""
    if options.variant not in ("", "tiny-en"):
        raise UsageError(f"moonshine has no model {options.variant!r}; it has: tiny-en")
    return Moonshine(
        reject=options.number("reject", -0.8, -100, 0),
        tokens_per_second=options.number("tokens_per_second", 12, 1, 100),
    )


def _empty_cache() -> dict[str, Any]:
    nothing = np.zeros((1, _HEADS, 0, _HEAD_SIZE), np.float32)
    return {
        f"past_key_values.{layer}.{side}.{part}": nothing
        for layer in range(_LAYERS)
        for side in ("decoder", "encoder")
        for part in ("key", "value")
    }


def _best(logits: Float32) -> tuple[int, float]:
    token = int(logits.argmax())
    return token, -math.log(float(np.exp(logits - logits[token]).sum()))


def _read_pieces(data: bytes) -> list[bytes]:
    """Reads the vocabulary: each piece behind its length, in one byte or, from 128 on, two (low seven bits first)."""
    pieces = []
    at = 0
    while at < len(data):
        length = data[at]
        at += 1
        if length >= 128:
            length += 128 * data[at] - 128
            at += 1
        pieces.append(data[at : at + length])
        at += length
    return pieces


def _words(tokens: list[_Token]) -> list[list[_Token]]:
    """Groups tokens into words: one begins with each piece that starts with a space."""
    groups: list[list[_Token]] = []
    for token in tokens:
        if token.piece.startswith(_SPACE) or not groups:
            groups.append([])
        groups[-1].append(token)
    return [group for group in groups if _text(group)]


def _text(tokens: list[_Token]) -> str:
    pieces = (bytes([int(token.piece[3:5], 16)]) if token.piece.startswith(b"<0x") else token.piece for token in tokens)
    return b"".join(pieces).replace(_SPACE, b" ").decode(errors="replace").strip()
