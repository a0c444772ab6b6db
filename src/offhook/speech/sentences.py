"""Where one sentence ends and the next begins. Knows text only."""

from __future__ import annotations

import re
from typing import Final

#: A sentence with what ends it; a dot within a number or an abbreviation of one letter ends none.
_SENTENCE: Final = re.compile(
    r".*?\S.*?(?:(?<!\b\w)[.!?…]+[\"'”»)]*(?=\s|$)|[\u3002\uff01\uff1f]|\n\s*\n|$)", re.DOTALL
)


def sentences(text: str) -> list[str]:
    """Splits text into sentences, without the space around them. Nothing else of the text is lost."""
    return [sentence.strip() for sentence in _SENTENCE.findall(text.strip()) if sentence.strip()]


class SentenceStream:
    """Takes text as it comes and gives back whole sentences as soon as they are certain to be over.

    A sentence is over when something follows its end, so that `3.` is not cut from `3.50`.
    """

    def __init__(self) -> None:
        self._text = ""

    def push(self, text: str) -> list[str]:
        """Takes the next text; returns the sentences that are whole now."""
        self._text += text
        found = _SENTENCE.findall(self._text)
        whole: list[str] = []
        at = 0
        for sentence in found:
            at = self._text.index(sentence, at) + len(sentence)
            if at >= len(self._text) or not (self._text[at:].strip() or "\n\n" in sentence):
                break
            whole.append(sentence.strip())
            self._cut = at
        if whole:
            self._text = self._text[self._cut :]
        return [sentence for sentence in whole if sentence]

    def rest(self) -> str:
        """What is left when no more comes; forgets it."""
        text, self._text = self._text.strip(), ""
        return text
