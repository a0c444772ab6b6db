"""Who a caller is taken for."""

from __future__ import annotations

import pytest

from offhook.bots.ready.claims import claimed
from offhook.records import events as happenings


@pytest.mark.parametrize(
    ("ani", "named", "who"),
    [
        ("tel:+15550001111", "", "+15550001111"),
        ("sip:alice@example.com;user=phone", "", "alice@example.com"),
        ("tel:+15550001111", "4711", "4711"),
        ("", "tel:+15550001111", "+15550001111"),
        ("", "", ""),
    ],
)
def test_who_is_claimed(ani: str, named: str, who: str) -> None:
    class Fake:
        input = {"speaker": named} if named else {}
        participant = happenings.Party(ani=ani)

    assert claimed(Fake()) == who  # type: ignore[arg-type]
