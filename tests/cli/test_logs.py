"""Log lines, for people and as JSON."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from offhook.cli.logs import set_up


@pytest.fixture(autouse=True)
def restore():
    """Logging as it was before."""
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]


def test_lines_for_people(capsys):
    set_up("info")
    logging.getLogger("offhook.test").info("session %s", "x")
    logging.getLogger("offhook.test").debug("too much")
    err = capsys.readouterr().err
    assert err.endswith(" INFO session x\n")
    assert err.count("\n") == 1


def test_one_json_object_a_line(capsys):
    set_up("DEBUG", json=True)
    logger = logging.getLogger("offhook.test")
    logger.debug('said "%s"\nand more', "hello")
    try:
        sys.intern(5)  # type: ignore[arg-type]
    except TypeError:
        logger.exception("failed")
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert first.keys() == {"time", "level", "logger", "message"}
    assert (first["level"], first["logger"]) == ("debug", "offhook.test")
    assert first["message"] == 'said "hello"\nand more'
    assert first["time"].endswith("+00:00")
    assert "TypeError" in second["error"]


def test_standard_output_stays_clean(capsys):
    set_up("info", json=True)
    logging.getLogger("offhook.test").warning("x")
    assert capsys.readouterr().out == ""
