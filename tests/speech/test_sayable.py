"""What is rewritten before it is spoken, and what is left alone."""

from __future__ import annotations

import pytest

from offhook.speech.sayable import sayable


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Your order C7419 has shipped.", "Your order C, seven four one nine has shipped."),
        ("Ref AB-1234-X.", "Ref A B, one two three four, X."),
        ("7XK9", "seven, X K, nine"),
        ("Order 48213 is here.", "Order four eight two one three is here."),
        ("1234567", "one two three, four five six seven"),
        ("1234567890", "one two three, four five six, seven eight nine zero"),
        ("Order number 4821.", "Order number four eight two one."),
        ("The code is: 998", "The code is: nine nine eight"),
        ("The card ending in 4421", "The card ending in four four two one"),
        ("ticket #4821", "ticket number four eight two one"),
        ("Call 1-800-555-0199 now.", "Call one, eight zero zero, five five five, zero one nine nine now."),
        ("(317) 555-0142", "three one seven, five five five, zero one four two"),
        ("317.555.0142", "three one seven, five five five, zero one four two"),
        ("555-0142, please", "five five five, zero one four two, please"),
        ("+44 20 7946 0000", "plus four four, two zero, seven nine four six, zero zero zero zero"),
        ("at 12 Main St.", "at 12 Main Street."),
        ("at 12 Main St. Call us.", "at 12 Main Street. Call us."),
        ("at 7 North Oak Ave., Springfield", "at 7 North Oak Avenue, Springfield"),
        ("at 9 Elm Rd in town", "at 9 Elm Road in town"),
    ],
)
def test_numbers_that_are_names_are_spelled(written: str, spoken: str) -> None:
    assert sayable(written) == spoken


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello, how can I help you today?",
        "It is 3:30 PM, or 10AM, on June 3rd, 2026.",
        "In 2024 there were 1500 people, 12,345 chairs and 3.14159 pies.",
        "That is $12345.50, or €99999.",
        "on 10/12/2026 and 2026-10-12",
        "Press 1 for sales, 2 for support.",
        "St. Louis and Dr. Smith, MP3, B2B, F16, COVID19 and the 1990S",
        "from 2019-2021 at 192.168.10.20",
        "20 Dr. Smith files",
        "25% off 4K screens",
    ],
)
def test_the_rest_is_left_to_the_engine(text: str) -> None:
    assert sayable(text) == text


def test_saying_it_twice_changes_nothing_more() -> None:
    once = sayable("Order C7419 to 12 Main St., call 1-800-555-0199, number 48213.")
    assert sayable(once) == once
