"""The last half minute: bounded, in order, and given to a session as it would have got it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from offhook.connector import CAPTURE, encode
from offhook.connector.window import Window
from offhook.protocol import ClientSession, Role
from offhook.testing.pair import Pair, opening


def lanes(start: int, samples: int) -> tuple[bytes, bytes]:
    data = bytes((start + n) % 251 for n in range(samples))
    return data, bytes(samples)


@given(st.lists(st.tuples(st.sampled_from(["audio", "paused", "discarded"]), st.integers(1, 500)), max_size=30))
def test_it_keeps_the_latest_and_its_ends_are_exact(script):
    window, total = Window(1000), 0
    for kind, samples in script:
        if kind == "audio":
            window.audio(*lanes(total, samples))
        else:
            window.gap(kind, samples)
        total += samples
    assert window.end == total
    assert window.start == max(0, total - 1000)


def test_what_is_forgotten_is_kept_no_longer_but_time_goes_on():
    window = Window()
    window.audio(*lanes(0, 100))
    window.forget()
    window.audio(*lanes(100, 100))
    assert (window.start, window.end, window.samples) == (200, 200, 0)


def replayed(window: Window, discard_to: int | None = None) -> tuple[Pair, list[object]]:
    """A session that opens and is given the window; and all that left, in order."""
    client = ClientSession("30b0e395-84d3-4570-ac13-9a62d8f514c0", opening(), capture=CAPTURE, encode=encode)
    left: list[object] = []
    client.open()
    client.data_to_send(0.0)
    client.receive(
        '{"version":"2","id":"30b0e395-84d3-4570-ac13-9a62d8f514c0","type":"opened","seq":1,"clientseq":1,"parameters":'
        '{"startPaused":false,"media":[{"type":"audio","format":"PCMU","channels":["external"],"rate":8000}]}}',
        0.1,
    )
    window.replay(client, 0, discard_to)
    left = list(client.data_to_send(0.2))
    assert client.position == window.end
    return client, left


def kinds(left: list[object]) -> list[str]:
    import json

    return [f"audio {len(each)}" if isinstance(each, bytes) else json.loads(each)["type"] for each in left]


def test_gaps_and_languages_stand_where_they_were():
    window = Window()
    window.audio(*lanes(0, 800))
    window.gap("paused", 400)
    window.gap("paused", 400)
    window.update("de-DE")
    window.audio(*lanes(0, 300))
    window.audio(*lanes(0, 300))
    window.gap("discarded", 200)
    window.audio(*lanes(0, 100))
    assert kinds(replayed(window)[1]) == [
        "audio 800", "paused", "resumed", "update", "audio 600", "discarded", "audio 100",
    ]  # fmt: skip


def test_what_is_older_than_the_window_or_not_wanted_is_announced():
    window = Window(1000)
    window.audio(*lanes(0, 1500))
    assert kinds(replayed(window)[1]) == ["discarded", "audio 1000"]
    window = Window(1000)
    window.audio(*lanes(0, 1000))
    assert kinds(replayed(window, 400)[1]) == ["discarded", "audio 600"]
    assert Role.CLIENT
