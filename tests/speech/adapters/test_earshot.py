"""earshot keeps the contract."""

from __future__ import annotations

import pytest
from tests.speech import contract

from offhook.speech import registry
from offhook.speech.engines import Float32

pytest.importorskip("earshot")


def test_it_keeps_the_contract(human_phrase: Float32) -> None:
    contract.check_voice_activity(lambda: registry.vad("earshot"), human_phrase)
