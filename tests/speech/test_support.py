"""The table of who does what is made from what engines say, and stands in the documentation."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from offhook.speech.phrases import Abilities
from offhook.speech.ssml.reader import TAGS, parse
from offhook.speech.support import ITSELF, NOBODY, OURS, abilities_of, support, table

PAGE = Path(__file__).parents[2] / "docs" / "saying.md"


def test_the_documentation_has_the_table() -> None:
    assert table() in PAGE.read_text(), f"put this into {PAGE.name}:\n{table()}"


def test_what_the_documentation_shows_is_ssml() -> None:
    shown = re.findall(r"<speak>.*?</speak>|(?<=SSML\(\")[^\"]+", PAGE.read_text())
    assert len(shown) >= 5
    for source in shown:
        parse(source)


def test_every_tag_is_in_it() -> None:
    rows = " ".join(support(Abilities()))
    assert [tag for tag in TAGS if f"`<{tag}" not in rows and tag not in ("w", "token")] == []


def test_it_says_what_engines_say() -> None:
    able = dataclasses.replace(Abilities(), rate=(0.5, 2.0), phonemes=True, emphasis=True)
    assert support(able)['`<prosody rate="...">`'] == f"{ITSELF} from 50% to 200%, {OURS} beyond"
    assert support(able)["`<emphasis>`"] == ITSELF
    assert support(Abilities())["`<phoneme>`"] == NOBODY
    assert abilities_of("hibari").timing
    assert abilities_of("moonshine") == Abilities()
