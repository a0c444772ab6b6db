"""`offhook trace`: a recording shown, and played against a bot behind a socket."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.cli.recordings import clerk, record
from tests.cli.running import offhook, wrong_use
from tests.connector.lines import Bot

from offhook.protocol import DtmfReceived, Event
from offhook.protocol.trace import read
from offhook.session.keys import SAMPLE_KEY, SAMPLE_SECRET, KeyStore
from offhook.session.reception import Reception
from offhook.session.server import Server
from offhook.testing.clock import run

ANI = "tel:+13175550142"


async def hastens(call: object) -> None:
    """A call of a fifth of a second."""
    await call.play(bytes(range(120)) * 13)  # type: ignore[attr-defined]
    await call.dtmf("1")  # type: ignore[attr-defined]
    await call.result()  # type: ignore[attr-defined]


async def _recorded(**options: object) -> bytes:
    return await record(Bot(clerk()), hastens, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trace of a call that a bot has ended."""
    path = tmp_path_factory.mktemp("trace") / "call.ndjson"
    path.write_bytes(run(_recorded()))
    return path


@contextmanager
def serving(on_event: Callable[[Bot, Event], None], keys: KeyStore | None = None) -> Iterator[str]:
    """A bot behind a socket, in a thread of its own."""
    ready = threading.Event()
    shared: dict[str, object] = {}

    async def main() -> None:
        bot, stop, loop = Bot(on_event), asyncio.Event(), asyncio.get_running_loop()
        bot.reception = Reception(bot, keys=keys)
        shared["stop"] = lambda: loop.call_soon_threadsafe(stop.set)
        async with Server(bot.reception) as server:
            shared["uri"] = f"ws://127.0.0.1:{server.port}/bot"
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    assert ready.wait(10)
    try:
        yield str(shared["uri"])
    finally:
        shared["stop"]()  # type: ignore[operator]
        thread.join(10)


def test_shows_the_ladder_and_the_figures(recorded):
    ran = offhook("trace", "show", str(recorded))
    assert ran.code == 0
    assert "connector  recorded by the client" in ran.out
    rungs = [line.split() for line in ran.out.splitlines()]
    order = [words[3] for words in rungs if words[1:3] in (["client", "->"], ["<-", "server"])]
    assert order[:3] == ["open", "opened", "audio"]
    assert order[-3:] == ["disconnect", "close", "closed"]
    assert order.count("audio") < 6
    assert "end: completed" in ran.out
    assert 'output  intent = "billing"' in ran.out
    assert "said  hello" in ran.out


def test_shows_every_frame_if_wished(recorded):
    frames = sum(isinstance(message.data, bytes) for message in read(recorded.read_bytes().splitlines()).messages)
    assert offhook("trace", "show", "--audio", str(recorded)).out.count("  audio  ") == frames


def test_as_json_and_from_standard_input(recorded):
    shown = offhook("trace", "show", "-", "--json", stdin=recorded.read_bytes()).json
    assert shown["header"]["role"] == "client"
    assert shown["outline"]["output"] == {"intent": "billing"}
    assert shown["messages"][0]["text"]["type"] == "open"
    assert {"messages", "bytes"} == set(next(item["audio"] for item in shown["messages"] if "audio" in item))


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_redacted_it_shows_nothing_personal(recorded, options):
    assert ANI in offhook("trace", "show", *options, str(recorded)).out
    out = offhook("trace", "show", "--redact", *options, str(recorded)).out
    for personal in (ANI, "hello", "billing", "digit 1", '"digit":"1"'):
        assert personal not in out
    assert "intent" in out


def test_a_recording_that_was_cut_off_says_so(recorded, tmp_path):
    (tmp_path / "cut").write_bytes(recorded.read_bytes()[:-60])
    assert "has no end" in offhook("trace", "show", str(tmp_path / "cut")).out
    assert offhook("trace", "show", "--json", str(tmp_path / "cut")).json["cut"] is True


def test_what_is_no_trace_is_wrong_use(tmp_path):
    (tmp_path / "other").write_text('{"a":1}\n')
    assert "not the header of a trace" in wrong_use(offhook("trace", "show", str(tmp_path / "other")))
    assert "cannot read" in wrong_use(offhook("trace", "show", str(tmp_path / "absent")))
    assert "not the header" in wrong_use(offhook("trace", "replay", "-", "ws://x/", stdin=""))


def test_replays_to_a_signed_server_and_keeps_what_passed(recorded, tmp_path, monkeypatch):
    monkeypatch.setenv("OFFHOOK_KEY", SAMPLE_KEY)
    monkeypatch.setenv("OFFHOOK_SECRET", SAMPLE_SECRET)
    kept = str(tmp_path / "again.ndjson")
    with serving(clerk(), KeyStore.sample()) as uri:
        ran = offhook("trace", "replay", str(recorded), uri, "--trace", kept)
    assert ran.code == 0
    assert ran.out.rstrip().endswith("SAME outcome and output variables as in the recording")
    assert offhook("decode", kept).code == 0
    assert offhook("trace", "show", "--json", kept).json["outline"]["output"] == {"intent": "billing"}


def test_a_bot_that_does_otherwise_fails(recorded):
    with serving(clerk("sales")) as uri:
        text = offhook("trace", "replay", str(recorded), uri)
        told = offhook("trace", "replay", str(recorded), uri, "--json", "--speed", "2")
    assert (text.code, told.code) == (1, 1)
    assert 'output variables: was {"intent": "billing"}, is {"intent": "sales"}' in text.out
    assert text.out.rstrip().endswith("DIFFERENT")
    assert told.json["ok"] is False
    assert [d["what"] for d in told.json["differences"] if d["decides"]] == ["output variables"]
    assert (told.json["recorded"]["outcome"], told.json["now"]["outcome"]) == ("completed", "completed")


def test_a_bot_that_breaks_rules_is_told(recorded):
    def breaks(bot: Bot, event: Event) -> None:
        if isinstance(event, DtmfReceived):
            bot.link.connection._wire.send(json.dumps({"version": "2"}))  # type: ignore[union-attr]

    with serving(breaks) as uri:
        ran = offhook("trace", "replay", str(recorded), uri)
    assert ran.code == 1
    assert "broken rule: not an AudioHook message" in ran.out


def test_who_refuses_or_is_not_there_is_told_in_one_line(recorded):
    with serving(clerk(), KeyStore.sample()) as uri:
        refused = offhook("trace", "replay", str(recorded), uri, "--key", "other")
    gone = offhook("trace", "replay", str(recorded), uri)
    for ran, words in ((refused, "HTTP 401"), (gone, "is the server up?")):
        assert (ran.code, ran.out) == (1, "")
        assert words in ran.err
        assert ran.err.count("\n") == 1
    assert "ws://" in wrong_use(offhook("trace", "replay", str(recorded), "http://x/"))
    assert "base64" in wrong_use(offhook("trace", "replay", str(recorded), "ws://x/", "--secret", "?"))
