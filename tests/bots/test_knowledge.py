"""What is suggested to agents: found by what callers say, current when files change, and not twice in a row."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest

from offhook.bots import Transcript
from offhook.bots.knowledge import Knowledge, Suggester
from offhook.errors import UsageError
from offhook.protocol.entities import Article, Faq

HOURS = """# Branches

## When are you open on Sundays?

All branches are open from **10 to 14** on Sundays.

## Returning a parcel

Print the label and bring the parcel to a branch. A refund takes three days.
"""
CARDS = """# Cards

## Lost or stolen card

Block the card in the app. A new card is sent within two working days.

## Change the PIN

You can change your PIN at any cash machine.
"""


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def knowledge(tmp_path: Path, clock: Clock) -> Knowledge:
    (tmp_path / "hours.md").write_text(HOURS)
    (tmp_path / "my cards").mkdir()
    (tmp_path / "my cards" / "cards.md").write_text(CARDS)
    (tmp_path / "other.txt").write_text("open on Sundays")
    return Knowledge(tmp_path, uri="https://kb.example/", clock=clock)


def headings(knowledge: Knowledge, said: str) -> list[str]:
    return [found.section.heading for found in knowledge.search(said)]


@pytest.mark.parametrize(
    ("said", "heading"),
    [
        ("Hello, I'd like to know whether you're open on Sunday.", "When are you open on Sundays?"),
        ("My card was stolen yesterday, what can I do?", "Lost or stolen card"),
        ("I want to return a parcel that I got from you.", "Returning a parcel"),
        ("How do I change my PIN?", "Change the PIN"),
    ],
)
def test_callers_do_not_use_the_words_of_the_file(knowledge: Knowledge, said: str, heading: str) -> None:
    assert headings(knowledge, said)[0] == heading


@pytest.mark.parametrize(
    "said",
    ["", "Hello, my name is Bob.", "The weather is nice today.", "Yes please.", "Your total is forty nine dollars."],
)
def test_small_talk_finds_nothing(knowledge: Knowledge, said: str) -> None:
    assert headings(knowledge, said) == []


def test_files_that_change_come_and_go(knowledge: Knowledge, tmp_path: Path, clock: Clock) -> None:
    assert headings(knowledge, "a parking place for my bicycle") == []
    (tmp_path / "new.md").write_text("# Parking\n\nThere are parking places for bicycles.")
    assert headings(knowledge, "a parking place for my bicycle") == [], "it looks at the folder every two seconds"
    clock.now += 3
    assert headings(knowledge, "a parking place for my bicycle") == ["Parking"]
    (tmp_path / "new.md").write_text("# Pets\n\nDogs may come in.")
    os.utime(tmp_path / "new.md", ns=(1, 1))
    clock.now += 3
    assert headings(knowledge, "may my dogs come in") == ["Pets"]
    assert headings(knowledge, "a parking place for my bicycle") == []
    (tmp_path / "new.md").unlink()
    clock.now += 3
    assert headings(knowledge, "may my dogs come in") == []
    assert len(knowledge) == 4
    clock.now += 3
    assert not knowledge.refresh(), "nothing changed"


def test_files_that_cannot_be_read_are_left_out(
    knowledge: Knowledge, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "bad.md").write_bytes(b"\xff\xfe\x00# open")
    assert headings(knowledge, "open on sundays") == ["When are you open on Sundays?"]
    assert "bad.md is left out" in caplog.text


def test_a_folder_without_files_suggests_nothing(tmp_path: Path) -> None:
    assert Knowledge(tmp_path).search("open on sundays") == []


def test_what_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        Knowledge(tmp_path / "none")
    with pytest.raises(UsageError, match="no stemmer for 'klingon'"):
        Knowledge(tmp_path, language="klingon")


def test_a_question_becomes_a_question_and_the_rest_articles(knowledge: Knowledge) -> None:
    faq = knowledge.suggest(knowledge.search("open on sundays")[0], 8000)
    assert isinstance(faq, Faq)
    assert faq.question == "When are you open on Sundays?"
    assert faq.answer == "<p>All branches are open from <strong>10 to 14</strong> on Sundays.</p>"
    assert (faq.position, faq.confidence) == (8000, 1.0)
    article = knowledge.suggest(knowledge.search("stolen card")[0])
    assert isinstance(article, Article)
    assert article.title == "Cards - Lost or stolen card"
    assert article.excerpts == ("Block the card in the app. A new card is sent within two working days.",)
    assert article.document_uri == "https://kb.example/my%20cards/cards.md#lost-or-stolen-card"
    assert article.metadata == {"source": "my cards/cards.md"}
    uuid.UUID(article.id), uuid.UUID(faq.id)
    assert knowledge.suggest(knowledge.search("stolen card")[0]).id == article.id, "one section, one id"


def said(text: str, end: int, channel: str = "external", *, final: bool = True) -> Transcript:
    return Transcript("u", channel, 0, text, final, end - 8000, end, 0.9, (), "en")


def test_nothing_is_suggested_twice_within_three_minutes(knowledge: Knowledge) -> None:
    suggester = Suggester(knowledge)
    assert len(suggester.on(said("Are you open on Sundays?", 8000))) == 1
    assert suggester.on(said("So you are open on Sundays?", 80_000)) == ()
    assert len(suggester.on(said("Are you open on Sundays?", 8000 * 200))) == 1
    assert len(Suggester(knowledge).on(said("Are you open on Sundays?", 80_000))) == 1, "another call"


def test_a_short_question_goes_on_with_the_one_before(knowledge: Knowledge) -> None:
    suggester = Suggester(knowledge)
    assert suggester.on(said("My bicycle lock was stolen and found.", 8000)) == ()
    first, *_ = suggester.on(said("And the card.", 16_000))
    assert isinstance(first, Article)
    assert first.title == "Cards - Lost or stolen card"


def test_only_what_the_caller_said_in_the_end_asks_for_anything(knowledge: Knowledge) -> None:
    suggester = Suggester(knowledge)
    assert suggester.on(said("Are you open on Sundays?", 8000, "internal")) == ()
    assert suggester.on(said("Are you open on Sundays?", 8000, final=False)) == ()
