"""Text of each kind as words, in several languages; what is of another kind is left alone."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.errors import EngineMissing
from offhook.speech.ssml.sayas import KINDS, say_as

pytest.importorskip("num2words")
pytest.importorskip("babel")


@pytest.mark.parametrize(
    ("text", "kind", "format", "language", "spoken"),
    [
        ("A1-b@x", "characters", "", "en", "A, one, dash, B, at, X"),
        ("12345", "digits", "", "en", "one two three four five"),
        ("12345678", "digits", "", "en", "one two three four, five six seven eight"),
        ("123456", "digits", "2", "en", "one two, three four, five six"),
        ("123", "digits", "", "es", "uno dos tres"),
        ("+1 (317) 555-0142", "telephone", "", "en", "plus one, three one seven, five five five, zero one four two"),
        ("3175550142", "telephone", "", "en", "three one seven, five five five, zero one four two"),
        ("555-0142 ext. 12", "telephone", "", "en", "five five five, zero one four two, extension one two"),
        ("+49 30 1234", "telephone", "", "de", "plus vier neun, drei null, eins zwei drei vier"),
        ("2026-03-05", "date", "", "en", "March fifth, twenty twenty-six"),
        ("2026-03-05T10:00:00Z", "date", "", "en", "March fifth, twenty twenty-six"),
        ("3/5/2026", "date", "", "en-US", "March fifth, twenty twenty-six"),
        ("3/5/2026", "date", "", "en-GB", "the third of May, twenty twenty-six"),
        ("3/5/26", "date", "dmy", "en-US", "May third, twenty twenty-six"),
        ("20260305", "date", "", "en", "March fifth, twenty twenty-six"),
        ("5 Mar 2026", "date", "", "en", "March fifth, twenty twenty-six"),
        ("03/2026", "date", "my", "en", "March twenty twenty-six"),
        ("March 5", "date", "", "en", "March fifth"),
        ("2026-03-05", "date", "", "de", "5. März 2026"),
        ("2026-03-05", "date", "", "fr", "5 mars 2026"),
        ("5.3.", "date", "", "de", "5. März"),
        ("3-5", "date", "dm", "ja", "5月3日"),
        ("14:30", "time", "", "en", "fourteen thirty"),
        ("14:30", "time", "hms12", "en", "two thirty PM"),
        ("9:05 a.m.", "time", "", "en", "nine oh five AM"),
        ("12:00", "time", "", "en", "twelve o'clock"),
        ("14:05", "time", "", "de", "vierzehn Uhr fünf"),
        ("14h30", "time", "", "fr", "quatorze heures trente"),
        ("$49.95", "currency", "", "en", "forty-nine dollars and ninety-five cents"),
        ("USD 49", "currency", "", "en", "forty-nine dollars"),
        ("-$5", "currency", "", "en", "minus five dollars"),
        ("49.95", "currency", "EUR", "en", "forty-nine euros and ninety-five cents"),
        ("$0.99", "currency", "", "en", "ninety-nine cents"),
        ("12,50 €", "currency", "", "fr", "douze euros et cinquante centimes"),
        ("€ 1.234,50", "currency", "", "de", "eintausendzweihundertvierunddreißig Euro und fünfzig Cent"),
        ("¥1200", "currency", "", "en", "one thousand, two hundred Japanese yen"),
        ("3rd", "ordinal", "", "en", "third"),
        ("3", "ordinal", "", "fr", "troisième"),
        ("1,234", "cardinal", "", "en", "one thousand, two hundred and thirty-four"),
        ("1.234", "cardinal", "", "de", "eintausendzweihundertvierunddreißig"),
        ("-3.5", "number", "", "en", "minus three point five"),
        ("2/3", "fraction", "", "en", "two thirds"),
        ("1 1/2", "fraction", "", "en", "one and one half"),
        ("10kg", "unit", "", "en", "ten kilograms"),
        ("20 °C", "unit", "", "de", "zwanzig Grad Celsius"),
        ("1999", "year", "", "en", "nineteen ninety-nine"),
        ("12 Main St.", "address", "", "en", "12 Main St."),
    ],
)
def test_it_becomes_words(text: str, kind: str, format: str, language: str, spoken: str) -> None:
    assert say_as(text, kind, format=format, language=language) == spoken


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("N/A", "date"),
        ("2026-13-45", "date"),
        ("30/02/2026", "date"),
        ("25:00", "time"),
        ("13:00 pm", "time"),
        ("twelve", "cardinal"),
        ("x", "ordinal"),
        ("12 apples", "currency"),
        ("1/0", "fraction"),
        ("12 parsecs", "unit"),
        ("call me", "telephone"),
        ("12a", "digits"),
    ],
)
def test_what_is_of_another_kind_is_told_apart(text: str, kind: str) -> None:
    assert say_as(text, kind) is None


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.text(max_size=20), st.from_regex(r"[$€-]?[0-9]{1,25}[.,/: -]?[0-9]{0,6} ?[a-z€]{0,3}", fullmatch=True)
    ),
    st.sampled_from(sorted(KINDS)),
    st.sampled_from(["", "mdy", "ymd", "hms12", "EUR", "3", "0", "²"]),
    st.sampled_from(["en", "en-GB", "de", "fr", "ja", "xx", "zh-Hans", "", "x" * 20]),
)
def test_it_never_raises(text: str, kind: str, format: str, language: str) -> None:
    assert isinstance(say_as(text, kind, format=format, language=language), str | None)


def test_without_the_libraries_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "num2words", None)
    with pytest.raises(EngineMissing, match=r"pip install 'offhook\[ssml\]'"):
        say_as("1", "cardinal")
