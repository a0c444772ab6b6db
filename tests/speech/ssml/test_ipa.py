"""Phonemes in either alphabet."""

from __future__ import annotations

import pytest

from offhook.speech.ssml.ipa import checked, from_xsampa


@pytest.mark.parametrize(
    ("written", "ipa"),
    [('h@"loU', "həˈloʊ"), ("t@'meIt@U", "təʲmeɪtəʊ"), ('"r\\Ed', "ˈɹɛd"), ("S9n", "ʃœn"), ("tS i:", "tʃ iː")],
)
def test_xsampa_is_ipa_in_ascii(written: str, ipa: str) -> None:
    assert from_xsampa(written) == ipa


def test_other_signs_are_refused() -> None:
    assert checked(" təˈmeɪtoʊ ") == "təˈmeɪtoʊ"
    with pytest.raises(ValueError, match="'#'"):
        checked("a#")
    with pytest.raises(ValueError, match="'ə'"):
        from_xsampa("ə")
