"""The scorecard's page, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.testing.conformance.test_scorecard import BAD, RESULTS, card

from offhook.testing.conformance.report import render


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    (tmp_path / "card.html").write_text(render(card(*RESULTS, BAD)))
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto((tmp_path / "card.html").as_uri())
    yield page
    context.close()
    assert complaints == []


def shown(page: Page) -> list[str]:
    return [case.text_content() or "" for case in page.locator("details:visible .number").all()]


def test_it_shows_score_and_cases(page: Page) -> None:
    expect(page.locator("h1")).to_have_text("ws://h/<x>")
    expect(page.locator(".badge")).to_have_text("Failed")
    assert page.locator(".chapters b").all_text_contents() == ["1/1", "1/3"]
    assert shown(page) == ["1.1", "1.2", "3.1", "3.2", "3.3"]


def test_a_case_opens_to_its_messages(page: Page) -> None:
    case = page.locator("details").first
    expect(case.locator(".ladder")).not_to_be_visible()
    case.locator("summary").click()
    expect(case.locator(".ladder")).to_contain_text("open {}")
    expect(case.locator("dd").last).not_to_be_empty()


def test_filters(page: Page) -> None:
    page.locator("button.ok").click()
    assert shown(page) == ["1.2", "3.1", "3.2", "3.3"]
    page.locator("button.skipped").click()
    expect(page.locator("#chapter-1")).to_be_hidden()
    page.locator("button.ok").click()
    page.locator("#search").fill("e <&>")
    assert shown(page) == ["3.3"]


def test_only_problems(page: Page) -> None:
    problems = page.get_by_role("button", name="Only problems")
    problems.click()
    assert shown(page) == ["3.1", "3.3"]
    expect(page.locator("button.ok")).to_have_attribute("aria-pressed", "false")
    problems.click()
    assert shown(page) == ["1.1", "1.2", "3.1", "3.2", "3.3"]


def test_skipped_says_why_and_has_filters_of_its_own(page: Page) -> None:
    expect(page.locator("details .verdict.skipped")).to_have_text("SKIPPED (not seen)")
    expect(page.locator('button[data-verdict="skipped-unseen"]')).to_have_text("SKIPPED (not seen) 1")


def test_names_of_the_wire_are_code(page: Page) -> None:
    expect(page.locator("details").last.locator(".detail code")).to_have_text("error")


def test_a_rule_says_what_its_section_is_about(page: Page) -> None:
    expect(page.locator("details abbr").first).to_have_attribute("title", "request line and URI of the upgrade")


def test_where_no_case_fits_it_says_so(page: Page) -> None:
    expect(page.locator("#none")).to_be_hidden()
    page.locator("#search").fill("nothing like it")
    expect(page.locator("#none")).to_be_visible()


def test_a_filter_of_ones_own_ends_only_problems(page: Page) -> None:
    problems = page.get_by_role("button", name="Only problems")
    problems.click()
    page.locator("button.ok").click()
    expect(problems).to_have_attribute("aria-pressed", "false")
    assert shown(page) == ["1.1", "3.1", "3.3"]


@pytest.mark.parametrize("width", [1200, 390])
def test_it_fits(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for case in page.locator("summary").all():
        case.click()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
