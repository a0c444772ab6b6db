"""Log lines, for people and as JSON."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import pytest
from tests.bots.realtime_server import Realtime, serving

from offhook.bots.realtime import RealtimeBot
from offhook.bots.realtime_wire import connected
from offhook.cli.logs import _TALKATIVE, set_up
from offhook.errors import EngineError
from offhook.speech import registry


@pytest.fixture(autouse=True)
def restore():
    """Logging as it was before."""
    root = logging.getLogger()
    before = root.level, root.handlers[:]
    talkative = {name: logging.getLogger(name).level for name in _TALKATIVE}
    yield
    for name, level in talkative.items():
        logging.getLogger(name).setLevel(level)
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


FULL = """
import sys
from offhook.cli.logs import Output, set_up
set_up("info")
output = Output()
for _ in range(5):
    output.write("event")
sys.exit(7 if output else 0)
"""


def test_a_full_disk_behind_standard_output_is_told_once():
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-c", FULL], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert line.endswith("standard output cannot be written to (No space left on device): events are no longer written")


@pytest.mark.parametrize("engine", ["openai", "deepgram", "elevenlabs"])
def test_keys_are_not_in_the_log_at_any_level(engine, capsys, monkeypatch):
    pytest.importorskip(engine)
    monkeypatch.setenv("OUR_KEY", "sk-telltale")
    set_up("debug")
    voice = registry.synthesiser(f"{engine}?url=http://127.0.0.1:1&key_env=OUR_KEY&timeout=1")
    with pytest.raises(EngineError) as raised:
        list(voice.synthesise("Hello."))
    assert "telltale" not in str(raised.value)
    assert "telltale" not in capsys.readouterr().err


async def test_nor_is_that_of_a_realtime_model(capsys, monkeypatch):
    monkeypatch.setenv("OUR_KEY", "sk-telltale")
    set_up("debug")
    async with serving(Realtime()) as server:
        bot = RealtimeBot("Help.", url=server.url, key_env="OUR_KEY")
        async with connected(bot._client, "some-model", 5):
            pass
        await bot.aclose()
        assert server.asked[0][1] == "Bearer sk-telltale"
    assert "telltale" not in capsys.readouterr().err
