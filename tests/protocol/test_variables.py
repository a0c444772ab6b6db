from __future__ import annotations

import pytest

from offhook.connector import opening
from offhook.protocol import CONNECTOR
from offhook.protocol.variables import as_text, as_variables


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("gold", "gold"),
        ("", ""),
        (None, ""),
        (3, "3"),
        (True, "true"),
        (1.5, "1.5"),
        (["a", None], '["a", null]'),
        ({"k": "ü"}, '{"k": "ü"}'),
    ],
)
def test_variables_are_strings(value: object, text: str) -> None:
    assert as_text(value) == text
    assert as_variables({"name": value}) == {"name": text}


def test_a_variable_that_is_too_deep_to_write_is_empty() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert as_text(deep) == ""
    while deep:
        deep = deep[0]  # type: ignore[assignment]


def test_both_ends_write_them_alike() -> None:
    given = {"tier": "gold", "age": 3, "tags": ["a"]}
    assert opening(CONNECTOR, input=given).input_variables == as_variables(given)
