"""Bots and monitors are taken out of Python files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from offhook.bots import Bot, Monitor
from offhook.cli.target import load_host
from offhook.errors import UsageError

BOT = """
from offhook import Bot, Monitor

bot = Bot("first")

@bot.handler
async def answer(call):
    pass
"""


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    """What a file adds to the interpreter goes with the test."""
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(folder: Path, text: str, name: str = "some_bot.py") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def test_the_only_one_is_found(tmp_path):
    host = load_host(write(tmp_path, BOT))
    assert isinstance(host, Bot)
    assert host.name == "first"


def test_one_of_several_is_named(tmp_path):
    two = BOT + "\nwatch = Monitor('second')\n\n@watch.handler\nasync def listen(call):\n    pass\n"
    path = write(tmp_path, two)
    assert isinstance(load_host(f"{path}:watch"), Monitor)
    with pytest.raises(UsageError, match=r"has several: say which, as in .*:bot"):
        load_host(path)
    with pytest.raises(UsageError, match="no bot or monitor named 'other'; it has bot, watch"):
        load_host(f"{path}:other")


def test_two_names_of_one_bot_are_one(tmp_path):
    assert load_host(write(tmp_path, BOT + "\napp = bot\n")).name == "first"


def test_it_finds_what_lies_beside_it(tmp_path):
    write(tmp_path, "NAME = 'beside'\n", "words_beside.py")
    text = "from words_beside import NAME\n" + BOT.replace('"first"', "NAME")
    assert load_host(write(tmp_path, text)).name == "beside"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1\n", "makes no Bot"),
        ("from offhook import Bot\nbot = Bot()\n", "has no handler: put @bot.handler on one"),
        ("x = (\n", "line 1: '\\(' was never closed"),
        ("import nothing_like_that\n", "line 1: ModuleNotFoundError"),
        ("def f():\n    return 1 / 0\n\nf()\n", "line 2: ZeroDivisionError"),
        (BOT.replace("async def", "def"), "a handler is a coroutine function"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, text, words):
    with pytest.raises(UsageError, match=words):
        load_host(write(tmp_path, text))


def test_no_file():
    with pytest.raises(UsageError, match="no such file"):
        load_host("absent.py")
    with pytest.raises(UsageError, match="no such file"):
        load_host("absent.py:bot")
    with pytest.raises(UsageError, match="a folder"):
        load_host("/tmp")
