"""The page in a real browser: it is drawn, fits, plays, and asks nothing of any network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.records.calls import summary
from tests.records.report.test_page import record, show

WIDE, PHONE = {"width": 1400, "height": 1000}, {"width": 390, "height": 800}


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """The report of a small call, opened from its file; whatever the browser complains of fails the test."""
    (tmp_path / "call.html").write_text(show(summary(), record(tmp_path / "audio.wav")))
    complaints: list[str] = []
    asked: list[str] = []
    context = browser.new_context(viewport=WIDE)  # type: ignore[arg-type]
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto((tmp_path / "call.html").as_uri())
    yield page
    context.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []


def painted(page: Page) -> int:
    """How many pixels of the waveforms are not empty."""
    return page.evaluate(
        """() => {
        const canvas = document.getElementById("waves");
        const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        let count = 0;
        for (let i = 3; i < pixels.length; i += 4) count += pixels[i] > 0;
        return count;
    }"""
    )


def test_waves_words_and_keys_are_drawn(page: Page) -> None:
    assert painted(page) > 10_000
    assert page.locator("#layer .word.caller").all_text_contents() == ["Where", "is", "it?"]
    assert page.locator("#layer kbd").all_text_contents() == ["5"]
    assert page.locator("#layer s").text_content() == " on Monday."


@pytest.mark.parametrize("size", [WIDE, PHONE])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_every_screen(page: Page, size: dict[str, int], scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size(size)  # type: ignore[arg-type]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    ink = page.evaluate("getComputedStyle(document.body).color")
    paper = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert (luminance(ink) < luminance(paper)) == (scheme == "light")


@pytest.mark.parametrize("size", [WIDE, PHONE])
def test_what_is_said_last_stays_at_its_place(page: Page, size: dict[str, int]) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    page.get_by_role("button", name="Fit").click()
    page.evaluate(
        "call.lines.push({ speaker: 'bot', start: call.seconds - 0.2, end: call.seconds,"
        " text: 'Thank you very much for calling us today. Goodbye!' }); lay()"
    )
    shifts = page.evaluate(
        "[...document.querySelectorAll('#layer .phrase')].map((it) => it.dataset.at * scale - it.offsetLeft)"
    )
    assert shifts
    assert max(shifts) < 120


def luminance(colour: str) -> int:
    return sum(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))


def test_it_zooms(page: Page) -> None:
    width = "document.getElementById('track').offsetWidth"
    before = page.evaluate(width)
    page.get_by_role("button", name="Zoom in").click()
    assert page.evaluate(width) > before
    page.get_by_role("button", name="Fit").click()
    assert page.evaluate(f"{width} <= document.getElementById('scroll').clientWidth")


def test_a_click_on_what_was_said_goes_there_and_it_plays(page: Page) -> None:
    now, play = page.locator("#now"), page.locator("#play")
    page.locator(".transcript [data-at]").nth(1).click()
    expect(now).not_to_have_text("0:00.0")
    there = now.text_content()
    page.get_by_role("button", name="Play").click()
    expect(play).to_have_class("on")
    expect(now).not_to_have_text(there or "")
    page.get_by_role("button", name="Pause").click()
    expect(play).not_to_have_class("on")
    assert page.evaluate("player.error === null && player.duration > 5")
