"""What the next connection is told of a conversation."""

from __future__ import annotations

from offhook.bots.realtime_memory import Memory, message, use


def texts(memory: Memory) -> list[str]:
    return [item["content"][0]["text"] for item in memory.items() if "content" in item]


def test_items_stand_in_the_order_in_which_they_began() -> None:
    memory = Memory()
    memory.begun("turn")
    memory.begun("answer")
    memory.heard("answer", "Yes,", interrupted=True)
    memory.caller("turn", message("Hello?"))
    assert texts(memory) == ["Hello?", "Yes, —"]


def test_what_nobody_heard_or_understood_is_not_told() -> None:
    memory = Memory()
    memory.begun("nothing")
    memory.caller("noise", None)
    memory.heard("unheard", " ", interrupted=True)
    assert not memory
    assert memory.items() == []


def test_a_tool_is_told_with_what_came_of_it() -> None:
    memory = Memory(limit=2)
    memory.caller("first", message("one"))
    memory.used(use("call_1", "stock", "{}", "there"))
    memory.caller("second", message("two"))
    assert [item["type"] for item in memory.items()] == ["function_call", "function_call_output", "message"]
    memory.caller("third", message("three"))
    assert texts(memory) == ["two", "three"]
    assert memory.items()[0]["type"] == "message"
