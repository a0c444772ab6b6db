"""The page of a run, as text and in a real browser."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser
from tests.testing.load.test_result import seen

from offhook.testing.load.report import render
from offhook.testing.load.result import Report, summarise


def report() -> Report:
    run = seen(lag=0.05, costs=True, failed=1)
    for number in (4, 5):
        run.seconds[number].failures["<b>refused</b>"] = 1
        run.seconds[number].violations["409 audio in state paused"] = 2
    made = summarise(run, max_p99_ms=50.0)
    bad = msgspec.structs.replace(made.rows[0], outcome="failed", reason="<script>alert(1)</script>")
    return msgspec.structs.replace(made, rows=[bad, *made.rows[1:]])


def test_what_a_server_said_is_no_markup() -> None:
    page = render(report())
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "<b>refused" not in page


def test_an_empty_run_has_a_page() -> None:
    run = seen()
    run.seconds.clear()
    run.calls.clear()
    assert "Load on an AudioHook server" in render(summarise(run))


@pytest.mark.parametrize("size", [{"width": 1400, "height": 1000}, {"width": 390, "height": 800}])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_a_browser(browser: Browser, tmp_path: Path, size: dict[str, int], scheme: str) -> None:
    (tmp_path / "load.html").write_text(render(report()))
    complaints: list[str] = []
    context = browser.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto((tmp_path / "load.html").as_uri())
    titles = page.locator("figcaption").all_text_contents()
    assert titles == ["Latency over calls", "Latency over time", "Calls up", "Processor", "Every call"]
    assert page.locator(".badge").text_content() == "Broken"
    assert "at its limit" in (page.locator(".notice").text_content() or "")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    boxes = page.evaluate("[...document.querySelectorAll('svg polyline, svg .dots')].map(e => e.getBBox().width)")
    assert len(boxes) >= 8
    assert max(boxes) > 500
    assert page.evaluate("document.querySelector('svg text').getBoundingClientRect().height") > 9, "it can be read"
    strokes = page.evaluate("getComputedStyle(document.querySelector('svg polyline')).stroke")
    assert strokes not in ("none", "rgb(0, 0, 0)")
    context.close()
    assert complaints == []
