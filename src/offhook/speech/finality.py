"""Whether what somebody has said so far sounds finished: read from the words, not from the voice.

A hint for turn taking, made for speech on the telephone. It knows words of five languages and the digits of all; of
other languages it says `unsure`, which leaves the decision to the silence.
"""

from __future__ import annotations

import re
from typing import Final, Literal

Finality = Literal["finished", "unsure", "digits", "open"]
"""`finished`: a whole sentence or a known short answer. `digits`: more may well come, as of digits or letters one by
one, behind a bare "no", or behind "to pay my bill". `open`: nobody stops there ("my number is", "Monday and").
`unsure`: none of these."""

_SHORT: Final = {
    "en": "yes yeah yep yup sure okay ok correct right wrong thanks goodbye bye hello hi never nothing none "
    "stop agent operator help cancel cancelled repeat today tomorrow tonight yesterday monday tuesday wednesday "
    "thursday friday saturday sunday "
    "january february march april may june july august september october november december",
    "es": "sí si no vale claro correcto gracias adiós hola hoy mañana",
    "fr": "oui non d'accord exact merci bonjour aujourd'hui demain",
    "it": "sì si no va bene esatto grazie ciao oggi domani",
    "de": "ja nein genau richtig danke tschüss hallo heute morgen",
}
# What people say first and often go on from, after a pause: "no, tomorrow at ten".
_FIRST: Final = {"en": frozenset({"no", "nope"})}
_OPEN: Final = {
    "en": "and or but because if which the a an my your our their his her its this to of for with from in on "
    "at by into than as about between through until whether is are was were am be will would "
    "has have had having been being every during including via per called named dot dash hyphen underscore slash "
    "um umm uh uhm er erm ehm hmm exactly currently press i i'm it's he's she's that's there's let's we're you're "
    "they're i've we've you've they've i'd i'll mr mrs ms",
    "es": "y e o u pero porque si que el la los las un una mi su de del para con en por es son está eh este",
    "fr": "et ou mais parce que qui le la les un une mon ma mes de du pour avec en à est sont euh",
    "it": "e o ma perché se che il lo la i gli un una mio mia di del per con in è sono ehm",
    "de": "und oder aber weil wenn dass der die das ein eine mein meine von für mit in ist sind äh ähm",
}
_WAITING: Final = {
    # What announces something that has not come yet, at the end of what was said.
    "en": r"(my|the|caller|extension|account|card|phone|order|reference)( \w+)? number( is)?|there are|it's"
    r"|(call|caller) from|extension|set to|i('d| would) like|let me (see|think|check|look)|hold on|hang on"
    r"|just a (moment|second|sec|minute)",
    "es": r"mi (número|nombre)( \w+)?( es)?",
    "fr": r"mon (numéro|nom)( \w+)?( est)?",
    "it": r"il mio (numero|nome)( \w+)?( è)?",
    "de": r"meine? (nummer|name|\w+nummer)( ist)?",
}
# An answer that ends with a word of `_OPEN` and is whole.
_BRIEF: Final = {
    "en": r"(yes|yeah|no|nope) (i|we|you|he|she|it|they|that|there) (is|are|was|were|am|will|would|have|has)"
}
_ANNOUNCED: Final = {
    "en": "number numbers extension extensions",
    "es": "número",
    "fr": "numéro",
    "it": "numero",
    "de": "nummer",
}
"""What is often followed by what it means, and as often not."""
# What begins a sentence whose main clause is still to come; people also answer by the second kind ("to pay my bill").
_CONDITION: Final = {"en": "if unless", "es": "si", "fr": "si", "it": "se", "de": "wenn falls"}
_CLAUSE: Final = {
    "en": "to when while because",
    "es": "para cuando porque",
    "fr": "pour quand",
    "it": "per quando",
    "de": "um weil",
}
_DIGIT_WORDS: Final = {
    "en": "zero oh one two three four five six seven eight nine double triple",
    "es": "cero uno dos tres cuatro cinco seis siete ocho nueve",
    "fr": "zéro un deux trois quatre cinq six sept huit neuf",
    "it": "zero uno due tre quattro cinque sei sette otto nove",
    "de": "null eins zwei zwo drei vier fünf sechs sieben acht neun",
}
_PART: Final = (2, 3, 12, 13, 14, 15)  # too few or too many for most numbers: an area code, three quarters of a card
_WHOLE: Final = (10, 16)  # a telephone number, a card's: hardly more digits follow
_SENTENCE: Final = 3  # words; fewer end with a full stop for most recognisers, whatever they are the beginning of
_HARDLY: Final = 0.7
_WORD: Final = re.compile(r"[\w'\u2019]+(?:[-.:][\w'\u2019]+)*")
_SPELLED: Final = re.compile(r"^(\w[\s,.-]+)*\w[.]?$")  # letters one by one
_DOTTED: Final = re.compile(r"\b\d(\.\d){2,}\b")  # digits one by one, as some recognisers write them
_BREAK: Final = re.compile(r"[.!?]\s+")
_ITEMS: Final = re.compile(r"^([\w'\u2019]+, )+[\w'\u2019]+\.*$")  # words one by one: a spelling alphabet, say

_short = {tag: frozenset(words.split()) for tag, words in _SHORT.items()}
_open = {tag: frozenset(words.split()) for tag, words in _OPEN.items()}
_announced = {tag: frozenset(words.split()) for tag, words in _ANNOUNCED.items()}
_condition = {tag: frozenset(words.split()) for tag, words in _CONDITION.items()}
_clause = {tag: frozenset(words.split()) for tag, words in _CLAUSE.items()}
_digit_words = {tag: frozenset(words.split()) for tag, words in _DIGIT_WORDS.items()}
_brief = {tag: re.compile(words) for tag, words in _BRIEF.items()}
_waiting = {tag: re.compile(rf"(^|\b)({words})$") for tag, words in _WAITING.items()}


def finality(text: str, language: str | None = None, confidence: float = 1.0) -> Finality:
    """How finished a text sounds.

    Args:
        text: As a recogniser gives it, with punctuation if it has any.
        language: BCP 47 tag of the text; English if None.
        confidence: 0..1; what was hardly understood is not taken for finished.
    """
    found = _of_words(text, language)
    return "unsure" if found == "finished" and confidence < _HARDLY else found


def _of_words(text: str, language: str | None) -> Finality:
    tag = (language or "en").replace("_", "-").partition("-")[0].lower()
    words = [word.lower().replace("\u2019", "'") for word in _WORD.findall(_DOTTED.sub(_apart, text))]
    if not words:
        return "unsure"
    stripped = text.rstrip()
    if stripped.endswith(("...", "…", ":", "-")):
        return "digits" if _is_digits(words[-1], tag) else "open"
    if len(words) == 1 and words[0] in _FIRST.get(tag, ()):
        return "digits"
    if len(words) == 1 and words[0] in _short.get(tag, ()):
        return "finished"
    run = _digits_at_the_end(words, tag)
    if run:
        return _of_digits(run, words)
    if tag in _brief and _brief[tag].fullmatch(" ".join(words)):
        return "finished"
    if words[-1] in _open.get(tag, ()):
        return "unsure" if stripped.endswith("?") else "open"  # "Where are you from?"
    if tag in _waiting and not stripped.endswith("?") and _waiting[tag].search(" ".join(words)):
        return "open"
    if len(words) > 1 and (_SPELLED.match(stripped) or _ITEMS.match(stripped)):
        return "digits"
    if not stripped.endswith((".", "!", "?")) or len(words) < _SENTENCE:
        return "unsure"
    last = _BREAK.split(stripped)[-1]
    if last.endswith("?"):
        return "finished"
    if words[-1] in _announced.get(tag, ()):
        return "digits"
    if "," in last:
        return "finished"  # a clause with another behind it
    begins = last.partition(" ")[0].lower()
    if begins in _condition.get(tag, ()):
        return "open"
    return "digits" if begins in _clause.get(tag, ()) else "finished"


def _of_digits(count: int, words: list[str]) -> Finality:
    """What so many digits at the end say."""
    if len(words) == 1 and count <= 3:
        return "unsure"  # an answer to "how many?", not one that is being read out
    if count in _WHOLE:
        return "unsure"
    return "open" if count in _PART else "digits"


def _apart(found: re.Match[str]) -> str:
    return found[0].replace(".", " ")


def _is_digits(word: str, tag: str) -> bool:
    return word.replace("-", "").isdigit() or word in _digit_words.get(tag, ())


def _digits_at_the_end(words: list[str], tag: str) -> int:
    """How many digits the text ends with."""
    count = 0
    for word in reversed(words):
        if not _is_digits(word, tag):
            break
        bare = word.replace("-", "")
        count += len(bare) if bare.isdigit() else 1
    return count
