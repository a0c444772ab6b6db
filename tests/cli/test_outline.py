"""What a recording comes to."""

from __future__ import annotations

import json

import pytest
from tests.cli.running import STEREO, client, opened, opening, server, transcript

from offhook.cli.outline import OUTCOMES, outline
from offhook.protocol.trace import TraceMessage

TURN = {"type": "bot_turn_response", "data": {"disposition": "match", "text": "one two"}}


def of(*items: dict | bytes, role: str = "client", step: float = 0.5):
    """The outline of messages half a second apart; audio is the client's."""
    messages = []
    for number, item in enumerate(items):
        sender = "client" if isinstance(item, bytes) or "serverseq" in item else "server"
        data = item if isinstance(item, bytes) else json.dumps(item)
        messages.append(TraceMessage(10 + number * step, sender, data))
    return outline(messages, role)


@pytest.mark.parametrize(
    ("end", "outcome", "reason"),
    [
        ([server("disconnect", 2, 1, reason="completed"), client("close", 2, 2, reason="disconnect")],
         "completed", "completed"),
        ([server("disconnect", 2, 1, reason="error", info="x")], "error", "error"),
        ([server("disconnect", 2, 1, reason="unauthorized")], "unauthorized", "unauthorized"),
        ([client("close", 2, 1, reason="end"), server("disconnect", 2, 1, reason="completed")], "hangup", "end"),
        ([client("error", 2, 1, code=400, message="m"), client("close", 3, 1, reason="error")], "error", "error"),
        ([], "open", ""),
    ],
)  # fmt: skip
def test_how_it_ended(end, outcome, reason):
    found = of(opening(), opened(), *end)
    assert (found.outcome, found.reason) == (outcome, reason)
    assert found.outcome in OUTCOMES


def test_a_refusal_is_none_of_these():
    assert of(opening(), server("disconnect", 1, 1, reason="error")).outcome == "refused"


def test_its_figures():
    found = of(
        opening(media=[STEREO]),
        opened(media=[STEREO]),
        bytes(3200),
        bytes(3200),
        client("playback_started", 2, 1),
        client("ping", 3, 1),
        server("pong", 2, 3),
        client("playback_completed", 4, 2),
        server("event", 3, 4, entities=[transcript(isFinal=False), transcript(), TURN, {"type": "x", "data": 1}]),
        server("disconnect", 4, 4, reason="completed", outputVariables={"a": "b", "n": 5}),
        client("close", 5, 4, reason="disconnect"),
        server("closed", 5, 5),
    )
    assert (found.opened_ms, found.rtt_ms, found.playbacks, found.seconds) == (500.0, 500.0, [1.5], 5.5)
    assert found.audio_seconds == {"client": 0.4, "server": 0.0}
    assert (found.width, found.closed) == (2, True)
    assert found.messages["client"] == {
        "open": 1, "audio": 2, "playback_started": 1, "ping": 1, "playback_completed": 1, "close": 1
    }  # fmt: skip
    assert found.said == ["hello", "one two"]
    assert found.output == {"a": "b", "n": "5"}


def test_a_server_knows_round_trips_by_what_the_client_reports():
    pings = [client("ping", 2, 1), server("pong", 2, 2), client("ping", 3, 2, rtt="PT0.02S"), server("pong", 3, 3)]
    assert of(opening(), opened(), *pings, role="server").rtt_ms == 20.0
    assert of(opening(), opened(), *pings, role="client").rtt_ms == 500.0


def test_what_is_no_message_is_counted_and_nothing_more():
    wrong = [server("opened", 1, 1), client("pause", 2, 1), server("ping", 2, 1), client("x", 2, 1)]
    messages = [TraceMessage(0.0, "client", "no json"), TraceMessage(0.0, "server", "{}")]
    found = outline(messages, "client")
    assert found.messages == {"client": {"unknown": 1}, "server": {"unknown": 1}}
    assert of(*wrong).messages == {"client": {"unknown": 2}, "server": {"unknown": 2}}
    assert outline([], "client").outcome == "open"
