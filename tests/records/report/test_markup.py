"""Markup: whatever is not ours is escaped."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.records.report.markup import Html, content, data_block, element, fill, trusted

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \"'&amp; \u2028 {{title}} -->"


class Reader(HTMLParser):
    """What a browser would make of it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[dict[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.append(dict(attrs))

    def handle_data(self, data: str) -> None:
        self.text += data


def parse(markup: str) -> Reader:
    reader = Reader()
    reader.feed(markup)
    reader.close()
    return reader


strings = st.one_of(st.just(EVIL), st.text(st.characters(exclude_categories=["Cs", "Cc"])))


@given(strings, strings)
def test_text_and_attributes_come_back_as_they_were(text: str, attribute: str) -> None:
    page = parse(element("p", text, title=attribute))
    assert page.tags == ["p"]
    assert page.text == text
    assert page.attributes == [{"title": attribute}]


def test_elements_nest() -> None:
    inside = [element("b", 1), None, " & ", [element("i", "x")]]
    assert element("p", inside, class_="a", data_at=1.5, hidden=True, lang=None, open=False) == (
        '<p class="a" data-at="1.5" hidden><b>1</b> &amp; <i>x</i></p>'
    )
    assert content("a", Html("<br>")) == "a<br>"


@given(st.recursive(strings, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(strings, inner, max_size=3)))
def test_data_is_data(value: object) -> None:
    page = parse(data_block("d", value))
    assert page.tags == ["script"]
    assert json.loads(page.text) == value


def test_parts_are_put_in_once() -> None:
    template = "<h1>{{title}}</h1>{{body}}{{title}}"
    parts = {"title": content("{{body}}"), "body": iter([b"a", b"b"])}
    assert b"".join(fill(template, parts)) == b"<h1>{{body}}</h1>ab{{body}}"


def test_a_part_that_is_missing_is_an_error() -> None:
    with pytest.raises(KeyError):
        list(fill("{{nothing}}", {}))


def test_lone_surrogates_do_no_harm() -> None:
    assert b"".join(fill("{{a}}", {"a": content("\ud800")})) == b"?"
    assert trusted("<br>") == "<br>"
