"""Calls from the page in real Chromium, with a recorded voice as its microphone."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from offhook.audio import ulaw, wav
from offhook.connector import happenings as h
from offhook.testing.recordings import Recordings

from .telephone import Talker, running

# What the page lets be heard, 50 times a second: [milliseconds, RMS, strongest frequency].
LISTEN = """
const heard = window.heard = [];
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (target, ...rest) {
  if (target instanceof AudioDestinationNode && !(this instanceof AnalyserNode)) {
    const analyser = new AnalyserNode(this.context, { fftSize: 512, smoothingTimeConstant: 0 });
    connect.call(this, analyser);
    const wave = new Float32Array(512), bins = new Float32Array(256);
    setInterval(() => {
      analyser.getFloatTimeDomainData(wave);
      analyser.getFloatFrequencyData(bins);
      const rms = Math.hypot(...wave) / Math.sqrt(wave.length);
      heard.push([performance.now(), rms, bins.indexOf(Math.max(...bins)) * this.context.sampleRate / 512]);
    }, 20);
  }
  return connect.call(this, target, ...rest);
};
"""


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of nothing, then a person who speaks, then nothing."""
    recordings = Recordings.find()
    keys = ["hello", 0.2, "something-terribly-wrong"] if recordings.source == "asterisk" else ["best-of-times"]
    said = recordings.utterance(keys).audio
    path = tmp_path_factory.mktemp("voice") / "voice.wav"
    wav.write_pcm(path, [ulaw.decode(ulaw.silence(3 * 8000) + said + ulaw.silence(20 * 8000))], 8000)
    return path


@pytest.fixture(scope="module")
def chromium(voice: Path) -> Iterator[Browser]:
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    assert executable, "these tests need a browser: scripts/install_test_packages.sh"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable,
            args=[
                "--no-sandbox",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                f"--use-file-for-fake-audio-capture={voice}%noloop",
                "--autoplay-policy=no-user-gesture-required",
                "--disable-background-networking",
                "--disable-component-update",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(permissions=["microphone"])
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.add_init_script(LISTEN)
    yield page
    context.close()
    assert complaints == []


def sounding(page: Page, hertz: float, after: float = 0.0) -> list[float]:
    """Milliseconds at which a tone could be heard in the page."""
    heard = page.evaluate("window.heard")
    return [at for at, rms, strongest in heard if at > after and rms > 0.05 and abs(strongest - hertz) < 40]


def until(page: Page, condition: Callable[[], object], seconds: float = 20.0) -> None:
    """The page's own policy forbids what playwright would wait with."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, page.evaluate("window.heard.slice(-20)")
        page.wait_for_timeout(50)


def test_a_call_from_a_page_is_heard_cut_off_and_ended_by_a_key(page: Page) -> None:
    bot, outcomes = Talker(), []

    async def flow(call):
        outcomes.append(await call.audio_connector("bot"))

    with running(bot, flow) as run:
        page.goto(run.url + "?raw")
        page.get_by_role("button", name="Call").click()
        expect(page.get_by_role("status")).to_have_text("Connected", timeout=10_000)
        until(page, lambda: len(sounding(page, 440)) > 40)  # the bot's words come back and can be heard
        # The voice of the fake microphone begins after three seconds; the bot hears it and stops.
        until(page, lambda: sounding(page, 880))
        last, first = sounding(page, 440)[-1], sounding(page, 880)[0]
        assert bot.barged_in
        (barge,) = [event for event in run.of(h.EntityCame) if event.type == "barge_in"]
        (stopped,) = [event for event in run.of(h.BotSpoke) if not event.on][:1]
        assert stopped.t - barge.t < 0.2
        assert 500 < first - last < 2_500  # of twelve seconds, most were never heard
        assert page.evaluate("document.getElementById('mine').value") >= 0
        page.keyboard.press("5")
        expect(page.get_by_role("status")).to_have_text("Call ended", timeout=5_000)
        expect(page.get_by_role("button", name="Call")).to_be_enabled()
    assert outcomes[0].outputs == {"key": "5"}
    assert len(bot.heard) > 3 * 8000


def test_mute_and_hang_up_by_mouse(page: Page) -> None:
    bot = Talker()

    async def flow(call):
        await call.audio_connector("bot")

    with running(bot, flow, number="+1555") as run:
        page.goto(run.url + "?raw")
        page.get_by_role("button", name="Call").click()
        expect(page.get_by_role("status")).to_have_text("Connected", timeout=10_000)
        page.get_by_role("button", name="Mute").click()
        expect(page.get_by_role("button", name="Unmute")).to_have_attribute("aria-pressed", "true")
        page.wait_for_timeout(4_500)  # the voice speaks in this time
        assert not bot.barged_in
        page.get_by_role("button", name="Hang up").click()
        expect(page.get_by_role("status")).to_have_text("You hung up")
    assert [event.by for event in run.of(h.CallOver)] == ["caller"]
    assert run.of(h.CallArrived)[0].dnis == "+1555"


def test_the_page_can_be_used_without_seeing_it(page: Page) -> None:
    with running(Talker(), lambda call: call.collect(1)) as run:
        page.goto(run.url)
        for name in ("Call", "Mute", "Hang up", "star", "hash", *"0123456789"):
            assert page.get_by_role("button", name=name, exact=True).count() == 1
        assert page.get_by_role("button", name="Mute").is_disabled()
        assert page.locator("html").get_attribute("lang") == "en"
        page.set_viewport_size({"width": 320, "height": 600})
        lines = (
            "(it) => { const r = document.createRange(); r.selectNodeContents(it); return r.getClientRects().length }"
        )
        assert page.get_by_role("button", name="Hang up").evaluate(lines) == 1
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
