"""`offhook decode`, as people use it: mistakes that were seen in the field, each named with its rule (P16)."""

from __future__ import annotations

import json

import pytest
from tests.cli.running import ID, MONO, client, ndjson, offhook, opened, opening, server, transcript, wrong_use

from offhook.protocol import trace

BOT_ENDS = (
    opening(),
    opened(),
    server("event", 2, 1, entities=[{"type": "bot_turn_response", "data": {"disposition": "match", "text": "hello"}}]),
    client("playback_started", 2, 2, "PT0.4S"),
    client("ping", 3, 2, "PT1S"),
    server("pong", 3, 3),
    client("ping", 4, 3, "PT1S", rtt="PT0.031S"),
    server("pong", 4, 4),
    client("dtmf", 5, 4, "PT2.2S", digit="5"),
    server("event", 5, 5, entities=[{"type": "barge_in", "data": {}}]),
    client("playback_completed", 6, 5, "PT2.4S"),
    server("pause", 6, 6),
    client("paused", 7, 6, "PT10S"),
    server("resume", 7, 7),
    client("resumed", 8, 7, "PT15S", start="PT10S", discarded="PT5S"),
    server("disconnect", 8, 8, reason="completed", outputVariables={"intent": "billing"}),
    client("close", 9, 8, "PT16.2S", reason="disconnect"),
    server("closed", 9, 9),
)
"""Appendix A of the protocol sheet."""


def faults(*messages: object, options: tuple[str, ...] = ()) -> list[str]:
    """What is wrong, harmless things left out."""
    ran = offhook("decode", "--json", *options, stdin=ndjson(*messages))
    found = [f"{f['what']}: {f['rule']}" for line in ran.lines for f in line["faults"] if not f["harmless"]]
    assert ran.code == (1 if found else 0)
    return found


def oddities(*messages: object) -> list[str]:
    ran = offhook("decode", "--json", stdin=ndjson(*messages))
    return [fault["what"] for line in ran.lines for fault in line["faults"] if fault["harmless"]]


def test_a_faultless_session_is_faultless():
    assert faults(*BOT_ENDS) == []
    assert oddities(*BOT_ENDS) == []


def test_says_what_a_message_means_who_sends_it_and_what_it_holds():
    ran = offhook("decode", stdin=ndjson(opening(inputVariables={"tier": "gold"}, media=[MONO])))
    assert ran.code == 0
    for words in (
        "open  client -> server",
        "wants a session",
        "within 5 s",
        "PCMU, 8000 Hz, external",
        'tier = "gold"',
    ):
        assert words in ran.out
    assert "from tel:+15550001111 to tel:+15550002222" in ran.out
    assert ran.out.endswith("1 messages, no faults\n")


@pytest.mark.parametrize(
    ("messages", "what", "rule"),
    [
        ([opening(), server("opened", 2, 1, startPaused=False, media=[MONO])], "`seq` is 2 in the first", "from 1"),
        ([opened(media=[{"type": "audio", "codec": "PCMU", "channels": ["external"], "rate": 8000}])],
         "media[0].codec` does not exist", "calls it `format`"),
        ([opened(media=[MONO | {"channels": ["capture", "playback"]}])], 'channels[0]` is "capture"', "external"),
        ([opening(), opened(), server("pong", 2, 1)], "`pong` without a ping", "409"),
        ([server("disconnect", 1, 1, reason="complete")], '`parameters.reason` is "complete"', 'meant is "completed"'),
        ([server("disconnect", 1, 1, reason="normal")], '`parameters.reason` is "normal"', "completed"),
        ([server("pong", 2, 2) | {"position": "PT1S"}], "a server message has a `position`", "the client's stream"),
        ([client("pause", 2, 1)], "`pause` comes from the client", "sends `paused`"),
        ([server("error", 2, 1, code=400, message="no")], "`error` comes from the server", "`disconnect`"),
        ([server("disconnect", 1, 1, reason="completed", outputVariables={"n": 3})],
         "outputVariables.n` is 3", "strings"),
        ([opening(), opened(), client("close", 2, 1, reason="end"), server("disconnect", 2, 2, reason="completed")],
         "`disconnect` in state closing", "`closed`"),
        ([opened(media=[MONO, MONO])], "`parameters.media` has 2 elements", "at most one"),
        ([opening(), opened(media=[MONO | {"format": "L16"}])], "the media was not offered", "exact copy"),
        ([client("dtmf", 2, 1, digit="11")], '`parameters.digit` is "11"', "one key"),
        ([client("discarded", 2, 1, start="PT1M", discarded="PT1S")], '`parameters.start` is "PT1M"', "PT1.5S"),
        ([client("resumed", 2, 1, "PT9S", start="PT1S", discarded="PT1S")], "start + discarded is 2 s", "here 9 s"),
        ([server("event", 2, 1, entities=[transcript(channel=0, channelId=7)])], "data.channel` does not", "channelId"),
        ([server("event", 2, 1, entities=[transcript(alternatives="hello")])], 'alternatives` is "hello"', "array"),
        ([{**opening(), "version": 2}], "`version` is 2", 'string "2"'),
        ([client("update", 2, 1)], "`parameters.language` is missing", "required"),
        ([opening(customConfig={"x": "y" * 64_000})], "it has 64,", "64,000 bytes"),
        ([server("opend", 1, 1)], '"opend" is no message type', "meant is `opened`"),
    ],
)  # fmt: skip
def test_names_what_is_wrong_and_the_rule(messages, what, rule):
    named = [fault for fault in faults(*messages) if what in fault]
    assert len(named) == 1
    assert rule in named[0]


def test_the_documentation_s_wrong_example_of_an_event_is_a_server_message_all_the_same():
    wrong = server("event", 2, 1, entities=[])
    del wrong["clientseq"]
    wrong["serverseq"] = 1
    assert faults(wrong) == [
        "`clientseq` is missing: every message of a server has it",
        "a server message has `serverseq`: servers acknowledge with `clientseq`",
    ]


def test_what_peers_forgive_is_odd_and_not_wrong():
    probe = opening()
    del probe["serverseq"]
    bare = server("pong", 3, 3)
    del bare["parameters"]
    assert oddities(probe) == ["`serverseq` is missing"]
    assert oddities(bare) == ["`parameters` is missing"]
    assert oddities(server("opened", 1, 1, media=[MONO])) == ["`parameters.startPaused` is missing"]
    assert oddities(opening(customConfig='{"a":1}')) == ["`parameters.customConfig` is a string"]
    assert oddities(server("pong", 3, 3) | {"extra": 1}) == ["`extra` does not exist"]
    assert oddities(server("event", 2, 1, entities=[{"type": "voice_mood", "data": 1}])) != []


def test_a_profile_restricts_what_may_occur():
    assert faults(client("dtmf", 2, 1, digit="1")) == []
    assert "none of the monitor profile" in faults(client("dtmf", 2, 1, digit="1"), options=("--profile", "monitor"))[0]


def test_who_sent_it_can_be_told():
    bare = {"version": "2", "id": ID, "type": "pause", "seq": 1, "parameters": {}}
    assert offhook("decode", "--json", stdin=ndjson(bare)).json["from"] == "server"
    assert offhook("decode", "--json", "--from", "client", stdin=ndjson(bare)).json["from"] == "client"


def test_a_trace_is_judged_with_its_audio(tmp_path):
    lines: list[bytes] = []
    writer = trace.TraceWriter(lines.append, role="server", session=ID, profile="connector")
    writer.message(0.0, "client", json.dumps(opening()))
    writer.message(0.1, "server", json.dumps(opened()))
    writer.message(0.2, "client", bytes(1600))
    writer.message(0.3, "client", json.dumps(client("paused", 2, 1, "PT0.2S")))
    writer.message(0.4, "client", bytes(1600))
    writer.message(0.5, "client", bytes(1600))
    writer.end(0.6, "lost")
    (tmp_path / "trace.ndjson").write_bytes(b"".join(lines))
    ran = offhook("decode", "--json", str(tmp_path / "trace.ndjson"))
    assert ran.code == 1
    # Audio is shown where something is wrong with it, and the same thing is told once.
    assert [(line["type"], line["from"]) for line in ran.lines] == [
        ("open", "client"), ("opened", "server"), ("paused", "client"), ("audio", "client"),
    ]  # fmt: skip
    assert ran.lines[-1]["faults"][0]["what"] == "audio of the client in state paused"


def test_several_files_are_named_and_only_faults_are_shown_if_wished(tmp_path):
    (tmp_path / "good").write_text(ndjson(opening()))
    (tmp_path / "bad").write_text(ndjson(opening(media=None)))
    ran = offhook("decode", "--faults", str(tmp_path / "good"), str(tmp_path / "bad"))
    assert ran.code == 1
    assert f"[{tmp_path / 'bad'}, line 1]" in ran.out
    assert str(tmp_path / "good") not in ran.out
    assert "2 messages, 1 fault\n" in ran.out


def test_a_peer_cannot_steer_the_terminal():
    ran = offhook("decode", stdin=ndjson(server("disconnect", 1, 1, reason="error", info="\x1b[2Jgone\r")))
    assert "\x1b[2J" not in ran.out
    assert "\\x1b[2Jgone\\r" in ran.out


def test_nothing_to_explain_is_wrong_use(tmp_path):
    assert "no AudioHook message found" in wrong_use(offhook("decode", stdin="nothing here\n"))
    assert "cannot read" in wrong_use(offhook("decode", str(tmp_path / "absent")))
    assert "no such option" in wrong_use(offhook("decode", "--nope")).lower()


def test_an_environment_variable_stands_for_an_option(monkeypatch):
    monkeypatch.setenv("OFFHOOK_DECODE_PROFILE", "monitor")
    assert offhook("decode", "--json", stdin=ndjson(client("dtmf", 2, 1, digit="1"))).code == 1
