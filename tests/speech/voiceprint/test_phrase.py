"""The words of a spoken password, as a recogniser hears them."""

from __future__ import annotations

import pytest

from offhook.speech.voiceprint.phrase import same_words

WANTED = "My voice is my password, please let me in."


@pytest.mark.parametrize(
    "heard",
    [
        "My voice is my password, please let me in.",
        "my voice is my password please let me in",
        "My voice is my passwort. Please, let me in!",
        "Um, my voice is my password please let me in",
        "voice is my password please let me in",
    ],
)
def test_the_phrase(heard: str) -> None:
    assert same_words(WANTED, heard)


@pytest.mark.parametrize(
    "heard",
    [
        "",
        "hello",
        "My voice is my passport, verify me.",
        "Please let me in.",
        "in me let please password my is voice my",
    ],
)
def test_other_words(heard: str) -> None:
    assert not same_words(WANTED, heard)


def test_accents_and_case_do_not_matter() -> None:
    assert same_words("Mi voz es mi contraseña", "mi voz es mi contrasena")
    assert not same_words("", "")
