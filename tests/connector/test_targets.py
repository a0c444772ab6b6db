"""Toll fraud is shut by default: what may be called is listed, and nothing passes for something else."""

from __future__ import annotations

import pytest

from offhook.connector.exchange import Connector
from offhook.connector.targets import allowed

LISTED = ["sip:*@pbx.example", "+1555*", "reception", "tel:+49301234"]


@pytest.mark.parametrize(
    "target",
    ["sip:agents@pbx.example", "+15550001", "tel:+15550001", "reception", "+49301234", "tel:+49301234"],
)
def test_what_is_listed_may_be_called(target):
    assert allowed(target, LISTED)


@pytest.mark.parametrize(
    "target",
    [
        "+1900555", "sip:agents@evil.example", "sip:agents@pbx.example.evil.example", "sips:agents@pbx.example",
        "sip:1900@evil.example;x=@pbx.example", "sip:1900@evil.example?a=@pbx.example",
        "sip:a@evil.example@pbx.example",
        "sip:a@evil.example,sip:b@pbx.example", "sip:<sip:x@evil.example>@pbx.example", "+15551;ext=2", "+1555&+1900",
        "sip:a\r\nTo: x@pbx.example", " +15551", "", "tel:", "sip:@pbx.example",
    ],
)  # fmt: skip
def test_what_is_not_listed_or_not_plain_may_not(target):
    assert not allowed(target, LISTED)


def test_without_a_list_nothing_may_be_called():
    assert not Connector().may_transfer("+15550001")
