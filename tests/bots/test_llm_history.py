"""What a model is told of a conversation."""

from __future__ import annotations

from offhook.bots.llm_history import History


def told(history: History) -> list[tuple[str, str | None]]:
    return [(message["role"], message["content"]) for message in history.messages()]


def test_only_what_was_heard_is_told() -> None:
    history = History("Be kind.")
    history.heard("Hello.")
    history.caller("Hi.")
    history.caller("Are you there?")
    history.heard("Yes, I")
    history.heard("am", interrupted=True)
    history.heard("")
    history.heard("", interrupted=True)
    assert told(history) == [
        ("system", "Be kind."),
        ("assistant", "Hello."),
        ("user", "Hi. Are you there?"),
        ("assistant", "Yes, I am —"),
    ]


def test_results_of_tools_follow_their_use_and_are_never_alone() -> None:
    history = History("x", limit=3)
    history.caller("a")
    history.used([("1", "f", "{}"), ("2", "g", "{}")], ["one", "two"])
    history.heard("Done.")
    assert told(history) == [("system", "x"), ("assistant", "Done.")]
    whole = History("x")
    whole.caller("a")
    whole.used([("1", "f", "{}")], ["one"])
    whole.heard("Done.")
    assert [message["role"] for message in whole.messages()] == ["system", "user", "assistant", "tool", "assistant"]
    assert whole.messages()[2]["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}
