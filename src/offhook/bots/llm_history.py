"""What a language model is told of a conversation: what the caller said, and of its own words those that were heard.

Knows messages as chat completions have them; no model and no call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

Message: TypeAlias = dict[str, Any]


class History:
    """A conversation.

    Args:
        instructions: What the model is to be and to do.
        limit: Messages that are told, the latest; the instructions do not count.
    """

    def __init__(self, instructions: str, limit: int = 60) -> None:
        self._instructions = instructions
        self._limit = limit
        self._messages: list[Message] = []

    def caller(self, text: str) -> None:
        """The caller said something. What follows on something unanswered belongs to it."""
        if self._messages and self._messages[-1]["role"] == "user":
            self._messages[-1]["content"] += " " + text
        else:
            self._messages.append({"role": "user", "content": text})

    def heard(self, text: str, *, interrupted: bool = False) -> None:
        """The caller heard this of what the model said; the model is to know where it was cut off."""
        said = text.strip() + (" —" if interrupted and text.strip() else "")
        if not said:
            return
        last = self._messages[-1] if self._messages else None
        if last is not None and last["role"] == "assistant" and "tool_calls" not in last:
            last["content"] = f"{last['content']} {said}"
        else:
            self._messages.append({"role": "assistant", "content": said})

    def used(self, calls: Sequence[tuple[str, str, str]], results: Sequence[str]) -> None:
        """The model used tools: id, name and arguments of each, and what came of them."""
        made = [
            {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
            for id, name, arguments in calls
        ]
        self._messages.append({"role": "assistant", "content": None, "tool_calls": made})
        self._messages += [
            {"role": "tool", "tool_call_id": id, "content": result}
            for (id, _, _), result in zip(calls, results, strict=True)
        ]

    def messages(self) -> list[Message]:
        """What to tell the model. A tool's result is never told without the use that it belongs to."""
        kept = self._messages[-self._limit :]
        while kept and kept[0]["role"] == "tool":
            kept = kept[1:]
        return [{"role": "system", "content": self._instructions}, *kept]
