"""What of an error may be logged."""

from __future__ import annotations

import logging
import traceback

import pytest

from offhook.errors import EngineError, UsageError, wordless

logger = logging.getLogger("offhook.test")


def told(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def failure() -> BaseException:
    said = "12" + "34"
    try:
        try:
            {}[said]
        except KeyError as error:
            raise ValueError(f"no PIN {said}") from error
    except ValueError as error:
        return error


def test_messages_that_are_not_ours_are_left_out() -> None:
    logger.setLevel(logging.INFO)
    text = told(wordless(failure(), logger))
    assert "1234" not in text
    assert "KeyError\n" in text
    assert "direct cause" in text
    assert text.rstrip().endswith("ValueError")
    assert "in failure" in text, "where it was raised"


def test_a_group_and_what_came_of_it() -> None:
    logger.setLevel(logging.INFO)
    group = BaseExceptionGroup("1234", [failure(), UnicodeDecodeError("utf-8", b"1234", 0, 1, "1234")])
    text = told(wordless(group, logger))
    assert "1234" not in text
    assert "ValueError" in text
    assert "UnicodeDecodeError" in text


@pytest.mark.parametrize("error", [UsageError("set the key"), EngineError("it is away")])
def test_our_own_messages_stay(error: Exception) -> None:
    logger.setLevel(logging.INFO)
    assert told(wordless(error, logger)) == told(error)


def test_at_debug_all_is_told() -> None:
    logger.setLevel(logging.DEBUG)
    error = failure()
    assert wordless(error, logger) is error
