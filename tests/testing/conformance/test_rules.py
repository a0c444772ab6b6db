"""The sections that rules of cases refer to."""

from __future__ import annotations

from offhook.testing.conformance.rules import SECTIONS, split
from offhook.testing.conformance.suites import client_suite, server_suite


def test_each_section_that_a_rule_names_is_known_and_each_known_one_is_named() -> None:
    named = {part for suite in (server_suite(), client_suite()) for case in suite for part in split(case.rule)[1::2]}
    assert named == set(SECTIONS)


def test_a_rule_falls_into_pieces() -> None:
    assert split("P3.4, P4.9: R2 does so") == ["", "P3.4", ", ", "P4.9", ": ", "R2", " does so"]
    assert split("RFC 6455 section 5.2") == ["RFC 6455 section 5.2"]
