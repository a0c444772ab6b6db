"""Transcripts as subtitles: the form that players take."""

from __future__ import annotations

import re

from offhook.records.transcript import Line
from offhook.records.webvtt import render


def test_cues_have_times_speakers_and_escaped_words() -> None:
    made = render(
        [
            Line("caller", 0.25, 1.5, "Is 3 < 4 & true?"),
            Line("agent", 3723.0, 3724.0004, "Yes,\nsir."),
            Line("caller", 4000.0, 4000.1, keys="12#"),
            Line("bot", 4001.0, 4003.0, "Your parcel comes on Monday.", heard="Your parcel"),
            Line("bot", 4005.0, 4006.0, "Never heard.", heard=""),
        ]
    )
    assert made == (
        "WEBVTT\n\n"
        "00:00:00.250 --> 00:00:01.500\n<v Caller>Is 3 &lt; 4 &amp; true?\n\n"
        "01:02:03.000 --> 01:02:04.000\n<v Agent>Yes, sir.\n\n"
        "01:06:40.000 --> 01:06:40.500\n<v Caller>[keys: 12#]\n\n"
        "01:06:41.000 --> 01:06:43.000\n<v Bot>Your parcel\n"
    )


def test_each_cue_ends_after_it_begins_and_no_blank_line_splits_one() -> None:
    made = render([Line("caller", 1.0, 1.0, "a\n\nb --> c")])
    head, *cues = made.split("\n\n")
    assert head == "WEBVTT"
    (cue,) = cues
    times, words = cue.strip().split("\n")
    begin, end = re.findall(r"[\d:.]{12}", times)
    assert begin < end
    assert words == "<v Caller>a b --&gt; c"


def test_a_call_without_words_is_an_empty_track() -> None:
    assert render([]) == "WEBVTT\n"
