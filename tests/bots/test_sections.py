"""Markdown files are split at their headings, and what an agent's browser gets is harmless."""

from __future__ import annotations

from offhook.bots.sections import split

PAGE = """---
owner: support
---
Before all.

# Branches

## When are you open, *on Sundays*?

From **10** to 14.

- not on holidays
- `closed` in July

## Empty

### Prices & fees

| Day | Price |
|---|---|
| Monday | 5 |

<script>alert(1)</script> [bad](javascript:alert(1)) [good](https://example.com) ![picture](x.png)
"""


def test_a_page_is_split_at_its_headings() -> None:
    before, hours, prices = split(PAGE, "branches/hours.md")
    assert (before.heading, before.text, before.anchor) == ("", "Before all.", "")
    assert {section.title for section in (before, hours, prices)} == {"Branches"}
    assert hours.heading == "When are you open, on Sundays?"
    assert hours.anchor == "when-are-you-open-on-sundays"
    assert hours.text == "From 10 to 14. not on holidays closed in July"
    assert hours.html.startswith("<p>From <strong>10</strong> to 14.</p>\n<ul>")
    assert prices.anchor == "prices-fees"
    assert prices.text.startswith("Day Price Monday 5")


def test_html_is_text_and_links_lead_where_links_lead() -> None:
    html = split(PAGE, "a.md")[-1].html
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert 'href="javascript' not in html
    assert '<a href="https://example.com">' in html
    assert "<img" not in html


def test_a_page_without_headings_has_its_name_for_title() -> None:
    (section,) = split("Just text.\r\n\r\nAnd more.", "folder/some page.md")
    assert (section.title, section.heading, section.text) == ("some page", "", "Just text. And more.")
    assert split("", "a.md") == split("# Only a title", "a.md") == []


def test_an_excerpt_ends_behind_a_word() -> None:
    (section,) = split("word " * 200, "a.md")
    assert len(section.excerpt) < 410
    assert section.excerpt.endswith("word ...")
