"""What a person is shown of a call."""

from __future__ import annotations

import pytest
from tests.connector.lines import Bot, call_to

from offhook.cli.callview import CallView
from offhook.connector import Fault, Heartbeat, Result, RoundTrips
from offhook.protocol import (
    MONITOR,
    Entity,
    Event,
    LanguageRequested,
    Paused,
    bot_turn_response,
    transcript,
)
from offhook.session.reception import Answer

RESULT = Result(
    outcome="completed",
    reason="completed",
    info="",
    output={},
    session_id="s",
    opened_ms=1.25,
    rtt_ms=RoundTrips(2, 1.0, 1.5, 2.0),
    duration=3.0,
    sent_seconds=2.5,
    received_seconds=2.0,
    heard_seconds=1.0,
    unheard_seconds=0.0,
    messages={"sent": {"open": 1, "audio": 5}, "received": {"opened": 1}},
    playbacks=(),
    gaps=0,
    violations=(),
    tolerated=(),
    entities=(),
    caller=Heartbeat(0, 0.0, 0.0),
)


def changed(**fields: object) -> Result:
    from dataclasses import replace

    return replace(RESULT, **fields)


def shown(result: Result, capsys: pytest.CaptureFixture[str]) -> list[str]:
    CallView().result(result)
    return capsys.readouterr().out.splitlines()


def test_a_good_call_is_summed_up(capsys):
    assert shown(RESULT, capsys) == [
        "completed",
        "  opened in 1.2 ms, round trip 1.5 ms (at most 2.0), lasted 3.00 s",
        "  said 2.50 s, heard 1.00 s of 2.00 s; 6 messages sent, 1 received",
    ]


def test_what_was_odd_is_told(capsys):
    result = changed(
        outcome="error",
        reason="closed too early",
        info="why",
        output={"intent": "agent"},
        gaps=2,
        violations=(Fault(409, "pong without a ping", False), Fault(999, "news", True)),
        tolerated=("this", "that"),
        caller=Heartbeat(3, 41.2, 0.0),
    )
    lines = shown(result, capsys)
    assert lines[:2] == ["error (closed too early: why)", "  intent = agent"]
    assert lines[-5:] == [
        "  the bot's audio ran dry 2 times",
        "  this machine was late 3 times, by 41 ms at most",
        "  tolerated: this; that",
        "  error 409: pong without a ping (the message has no place in this state of the session)",
        "  error 999: news",
    ]


def test_a_goodbye_that_nobody_heard_is_told(capsys):
    assert shown(changed(unheard_seconds=0.5), capsys)[-1] == (
        "  the bot ended the call before its last 0.50 s could be heard"
    )


def test_a_call_that_never_began_has_no_figures(capsys):
    nothing = {"sent": {}, "received": {}}
    lines = shown(changed(outcome="lost", reason="nobody", opened_ms=None, rtt_ms=None, messages=nothing), capsys)
    assert lines == ["lost (nobody)"]


def test_standard_output_can_be_kept_clean(capsys):
    CallView(to_stderr=True).result(RESULT)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("completed\n")


@pytest.mark.virtual_time
async def test_whatever_a_server_says_has_a_line(capsys):
    def talk(bot: Bot, event: Event) -> None:
        if isinstance(event, Paused):
            bot.session.resume()
        elif isinstance(event, LanguageRequested):
            bot.session.updated()
            bot.session.reconnect()
            bot.session.send_event(
                transcript("u", 1, "he", final=False, offset=0, duration=1, confidence=1.0),
                Entity("transcript", {"alternatives": 7}),
                bot_turn_response("no_input"),
                Entity("news", "x" * 400),
                Entity("barge_in"),
            )

    bot = Bot(talk, profile=MONITOR, answer=Answer(None, start_paused=True))
    call = call_to(bot)
    async with call:
        await call.wait(0.5)
        call.update("de-DE")
        await call.wait(0.5)
    await CallView().follow(call)
    lines = [line[9:] for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "opened in 0.0 ms, no audio, paused",
        "bot pauses the caller's audio",
        "bot takes its pause back",
        "bot takes the language",
        "bot asks for a new session",
        "hears on channel 1: he",
        'transcript {"alternatives":7}',
        "turn no_input",
        'news "' + "x" * 299 + "…",
        "barge-in",
    ]
