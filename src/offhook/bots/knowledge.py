"""What an agent may be told while the caller still speaks: sections of Markdown files, found by their words.

A folder of files is split at its headings and ranked by BM25 (the library bm25s, in memory). Files may change, come and
go at any time. A heading that asks a question makes a question with its answer; any other, an article.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from ..audio.ulaw import RATE
from ..errors import EngineMissing, UsageError
from ..protocol.entities import Article, Faq
from .sections import Section, split

if TYPE_CHECKING:
    from .monitor import Transcript

logger = logging.getLogger("offhook.bots")

#: Seconds between two looks at the folder.
_LOOK: Final = 2.0
#: Files larger than this are no articles.
_LARGEST: Final = 2**20
#: Confidence from which something is worth an agent's glance.
WORTH: Final = 0.45
#: Samples of the call in which the same section is not suggested twice.
_AGAIN: Final = 180 * RATE
#: What callers say around what they want; bm25s brings the articles and pronouns.
_SMALL_TALK: Final = (
    "hello hi hey thanks thank please yes yeah no okay ok well um uh like know want need would could can may do does "
    "did have has had get got tell ask help just really maybe think mean say said go going let see how what when where "
    "which who why my your our me you we us i am was were been being about from so up out now"
)


@dataclass(frozen=True, slots=True)
class Found:
    """A section that fits what was said; `confidence` is the share of the words' weight that it covers, 0 to 1."""

    section: Section
    confidence: float


@dataclass(slots=True)
class _Index:
    sections: list[Section] = field(default_factory=list)
    words: list[frozenset[str]] = field(default_factory=list)
    headings: list[frozenset[str]] = field(default_factory=list)
    weights: dict[str, float] = field(default_factory=dict)
    ranking: Any = None


class Knowledge:
    """The sections of a folder of Markdown files. Reads files and searches: run it in the pool.

    Args:
        folder: `*.md` in it and below.
        uri: What is put before a file's path in links to it, such as `https://kb.example.com/`.
        language: Of the texts, as the Snowball stemmers name it.
        clock: Seconds.

    Raises:
        UsageError: There is no such folder, or no stemmer for the language.
        EngineMissing: A library is not installed.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        uri: str = "",
        language: str = "english",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise UsageError(f"{self.folder}: no such folder; --knowledge names one with Markdown files in it")
        try:
            import bm25s.stopwords
            import snowballstemmer
        except ImportError:
            raise EngineMissing("agent assist", "assist") from None
        logging.getLogger("bm25s").setLevel(logging.WARNING)  # it turns its own log up to everything
        if language not in snowballstemmer.algorithms():
            known = ", ".join(snowballstemmer.algorithms())
            raise UsageError(f"there is no stemmer for {language!r}; there are: {known}")
        self._uri = uri
        self._stem: Callable[[list[str]], list[str]] = snowballstemmer.stemmer(language).stemWords
        self._left_out = (
            frozenset((*bm25s.stopwords.STOPWORDS_EN, *_SMALL_TALK.split())) if language == "english" else ()
        )
        self._clock = clock
        self._looked: float | None = None
        self._seen: dict[Path, tuple[int, int]] = {}
        self._index = _Index()

    def __len__(self) -> int:
        return len(self._index.sections)

    def refresh(self) -> bool:
        """Look at the folder, unless that was done just now, and read it anew if anything changed; True if so."""
        now = self._clock()
        if self._looked is not None and now - self._looked < _LOOK:
            return False
        self._looked = now
        seen = self._files()
        if seen == self._seen:
            return False
        self._seen = seen
        self._index = self._read(sorted(seen))
        logger.info("knowledge: %d sections in %d files", len(self._index.sections), len(seen))
        return True

    def search(self, text: str, count: int = 2) -> list[Found]:
        """The sections that fit what was said, the best first; those that hardly do are left out."""
        self.refresh()
        index = self._index
        words = list(dict.fromkeys(self.words(text)))
        known = [word for word in words if word in index.weights]
        if not known:
            return []
        scores = index.ranking.get_scores(known)
        found: list[Found] = []
        for at in sorted(range(len(scores)), key=lambda at: -float(scores[at]))[: count * 3]:
            hits = [word for word in known if word in index.words[at]]
            # One word in common is a coincidence, unless the section is about it.
            if len(hits) > 1 or any(word in index.headings[at] for word in hits):
                confidence = self._covered(words, hits)
                if confidence >= WORTH:
                    found.append(Found(index.sections[at], round(confidence, 3)))
        return found[:count]

    def suggest(self, found: Found, position: int | None = None) -> Faq | Article:
        """A section as the platform takes it. The same section always has the same id."""
        section = found.section
        source = f"{quote(section.file)}#{quote(section.anchor)}"
        id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"offhook:{source}"))
        if section.heading.endswith("?"):
            return Faq(id, found.confidence, section.heading, section.html, position)
        titles = " - ".join(dict.fromkeys(part for part in (section.title, section.heading) if part))
        metadata = {"source": section.file}
        return Article(id, found.confidence, titles, (section.excerpt,), self._uri + source, metadata, position)

    def words(self, text: str) -> list[str]:
        """The words of a text that tell what it is about, as stems."""
        plain = re.findall(r"[^\W_]+(?:'[^\W_]+)?", text.casefold().replace("\u2019", "'"))
        told = [re.sub(r"(?:n't|'[a-z]+)$", "", word) for word in plain]
        return self._stem([word for word in told if word not in self._left_out and (len(word) > 1 or word.isdigit())])

    def _covered(self, words: Sequence[str], hits: Sequence[str]) -> float:
        weights = self._index.weights
        rare = max(weights.values())
        matched = sum(weights[word] for word in hits)
        # What callers tell beside the point is not held against a section in full.
        missed = 0.5 * sum(weights.get(word, rare) for word in words if word not in hits)
        return matched / (matched + missed)

    def _files(self) -> dict[Path, tuple[int, int]]:
        seen: dict[Path, tuple[int, int]] = {}
        for path in self.folder.rglob("*.md"):
            try:
                facts = path.stat()
            except OSError:
                continue  # gone since
            if path.is_file() and facts.st_size <= _LARGEST:
                seen[path] = facts.st_mtime_ns, facts.st_size
        return seen

    def _read(self, paths: Sequence[Path]) -> _Index:
        import bm25s

        index = _Index()
        for path in paths:
            try:
                text = path.read_text("utf-8")
            except (OSError, UnicodeDecodeError) as error:
                logger.warning("knowledge: %s is left out: %s", path, error)
                continue
            index.sections += split(text, path.relative_to(self.folder).as_posix())
        if not index.sections:
            return index
        told = [self.words(f"{each.title} {each.heading} {each.text}") for each in index.sections]
        index.words = [frozenset(words) for words in told]
        index.headings = [frozenset(self.words(f"{each.title} {each.heading}")) for each in index.sections]
        index.weights = _weights(index.words)
        if index.weights:
            index.ranking = bm25s.BM25()
            index.ranking.index(told, show_progress=False)
        return index


def _weights(sections: Sequence[frozenset[str]]) -> dict[str, float]:
    """How much a word tells: the logarithm of how rare it is among the sections (BM25's own, never negative)."""
    from collections import Counter
    from math import log

    count = Counter(word for words in sections for word in words)
    return {word: log(1 + (len(sections) - n + 0.5) / (n + 0.5)) for word, n in count.items()}


class Suggester:
    """What to suggest in one call: by what the caller said last, and nothing twice within three minutes.

    Args:
        knowledge: Shared by all calls.
    """

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._before = ""
        self._told: dict[str, int] = {}

    def on(self, said: Transcript) -> tuple[Faq | Article, ...]:
        """Suggestions for a final result. Searches: run it in the pool."""
        if said.channel != "external" or not said.final:
            return ()
        text = said.text
        if len(self._knowledge.words(text)) < 3:  # "And on Sundays?" goes on with what was asked before
            text = f"{self._before} {text}"
        self._before = said.text
        made: list[Faq | Article] = []
        for found in self._knowledge.search(text):
            suggestion = self._knowledge.suggest(found, said.end)
            if said.end - self._told.get(suggestion.id, -_AGAIN) >= _AGAIN:
                self._told[suggestion.id] = said.end
                made.append(suggestion)
        return tuple(made)
