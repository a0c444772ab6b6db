"""What cloud voices have in common whose names begin with their language, such as `en-US-AvaNeural`.

Which voice is to speak, how text becomes requests, and the elements of SSML that all these services write alike. Knows
no service.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from ...errors import EngineError
from ..engines import Float32, speaks
from ..phrases import Part, Phrase, Spoken
from ..registry import Options
from ..sentences import split


class NamedVoices(ABC):
    """The voices of a service.

    Args:
        service: Its name, as it is told in errors.
        voices: Full names, the usual one first.

    Attributes:
        voices: Those that may be asked for.
        languages: Of the voices.
    """

    waits = True

    def __init__(self, service: str, voices: Sequence[str]) -> None:
        self._service = service
        self.voices: tuple[str, ...] = tuple(dict.fromkeys(voices))
        self.languages: tuple[str, ...] = tuple(dict.fromkeys(map(self._language, self.voices)))

    def synthesise(self, text: str, *, voice: str | None = None, language: str | None = None) -> Iterator[Float32]:
        """See `offhook.speech.engines.Synthesiser`."""
        chosen = self._chosen(voice, language)
        return (pcm for one in self._portions(text, chosen, language) for pcm in self._said(one, chosen))

    def express(self, phrase: Phrase, *, voice: str | None = None, language: str | None = None) -> Iterator[Spoken]:
        """See `offhook.speech.phrases.Expressive`."""
        chosen = self._chosen(voice, language)
        return (Spoken(pcm) for pcm in self._said(phrase, chosen))

    @abstractmethod
    def _speak(self, phrase: Phrase, voice: str) -> Iterator[Float32]:
        """Have the service say a phrase that is not empty. Raises `EngineError`."""

    def _portions(self, text: str, voice: str, language: str | None) -> Iterable[Phrase]:
        """What is asked for at a time: sentences, so that the first is heard while the next is made."""
        return (Phrase((Part(one),)) for one in split(text, language))

    def _language(self, voice: str) -> str:
        """Of `en-US-AvaNeural`, `en-US`."""
        return voice.rpartition("-")[0]

    def _said(self, phrase: Phrase, voice: str) -> Iterator[Float32]:
        return self._speak(phrase, voice) if phrase.text.strip() else iter(())

    def _chosen(self, voice: str | None, language: str | None) -> str:
        if voice is None:
            fitting = [name for name in self.voices if speaks((self._language(name),), language)]
            if not fitting:
                raise EngineError(f"{self._service}: no voice set by voice= and voices= speaks {language}")
            return fitting[0]
        if voice not in self.voices:
            raise EngineError(f"{self._service}: {voice!r} is none of the voices set by voice= and voices=")
        return voice


def asked_for(options: Options, usual: str) -> tuple[str, ...]:
    """The voices that an engine's URI names, the first of them first: `amazon:en-US-Joanna?voices=de-DE-Vicki`."""
    known = tuple(filter(None, options.text("voices", "").split(",")))
    return (options.variant, *known) if options.variant else known or (usual,)


def elements(parts: Iterable[Part]) -> str:
    """The text of parts in SSML, with their pronunciation, emphasis and pitch."""
    return "".join(map(_element, parts))


def _element(part: Part) -> str:
    text = escape(part.text)
    if part.phonemes:
        text = f'<phoneme alphabet="ipa" ph={quoteattr(part.phonemes)}>{text}</phoneme>'
    if part.emphasis:
        text = f'<emphasis level="{part.emphasis}">{text}</emphasis>'
    if part.pitch != 1.0:
        text = f'<prosody pitch="{(part.pitch - 1) * 100:+.0f}%">{text}</prosody>'
    return text
