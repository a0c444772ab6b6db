"""The network computes what its definition says; the real weights tell voices apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.spoken import encoder, reader, says

from offhook.errors import EngineError, EngineMissing
from offhook.speech.voiceprint import encoder as encoders
from offhook.speech.voiceprint.encoder import Encoder


def test_a_layer_is_an_lstm() -> None:
    rng = np.random.default_rng(5)
    inputs, weight, recurrent, bias = (
        rng.standard_normal(shape).astype(np.float32) for shape in ((2, 7, 5), (5, 12), (3, 12), (12,))
    )
    outputs = encoders._lstm(inputs, weight, recurrent, bias)
    for item in range(2):
        hidden = cell = np.zeros(3)
        for step in range(7):
            i, f, g, o = np.split(inputs[item, step] @ weight + hidden @ recurrent + bias, 4)
            cell = cell / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
            hidden = np.tanh(cell) / (1 + np.exp(-o))
            np.testing.assert_allclose(outputs[item, step], hidden, atol=1e-5)


def random_encoder() -> Encoder:
    rng = np.random.default_rng(3)
    shapes: dict[str, tuple[int, ...]] = {"linear.weight": (256, 256), "linear.bias": (256,)}
    for layer, width in enumerate((40, 256, 256)):
        shapes |= {f"lstm.weight_ih_l{layer}": (1024, width), f"lstm.weight_hh_l{layer}": (1024, 256)}
        shapes |= {f"lstm.bias_ih_l{layer}": (1024,), f"lstm.bias_hh_l{layer}": (1024,)}
    return Encoder({name: 0.1 * rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()})


@pytest.mark.parametrize("seconds", [0.2, 1.6, 5.0])
def test_vectors_have_length_one_and_tell_how_much_voice_there_was(seconds: float) -> None:
    rng = np.random.default_rng(1)
    speech = rng.integers(0, 256, round(8000 * seconds), np.uint8).tobytes()
    made = random_encoder().embed(speech)
    assert float(np.linalg.norm(made.vector)) == pytest.approx(1.0, abs=1e-4)
    assert made.seconds == pytest.approx(seconds, abs=0.05)


@pytest.mark.parametrize("speech", [b"", b"\xff" * 8000])
def test_without_voice_there_is_no_vector(speech: bytes) -> None:
    made = random_encoder().embed(speech)
    assert (made.seconds, float(made.vector.sum())) == (0.0, 0.0)


def test_weights_that_are_missing_or_others(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing, match="offhook engines install voiceprint"):
        Encoder.load(tmp_path / "none.pt")
    (tmp_path / "others.pt").write_bytes(b"x")
    with pytest.raises(EngineError, match="not the file"):
        Encoder.load(tmp_path / "others.pt")


def test_the_real_encoder_tells_voices_apart() -> None:
    network = encoder()
    woman = [network.embed(says(key)).vector for key in ("agent-pass", "vm-invalidpassword", "vm-whichbox")]
    man = [network.embed(reader(number)).vector for number in (0, 1, 2)]
    alike = [float(group[a] @ group[b]) for group in (woman, man) for a, b in ((0, 1), (0, 2), (1, 2))]
    apart = [float(one @ other) for one in woman for other in man]
    assert min(alike) > 0.75
    assert max(apart) < 0.65
