"""What a conversation with a realtime model was, for the next connection if one breaks: the server forgets all of it.

Knows items as the realtime wire has them; no call and no connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

Item: TypeAlias = dict[str, Any]

#: Items that are told to the next connection, the latest.
LIMIT: Final = 60


class Memory:
    """The items of one call, in the order in which they began; their words may come later.

    Args:
        limit: Items to keep.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._items: dict[str, Sequence[Item]] = {}

    def __bool__(self) -> bool:
        return bool(self.items())

    def begun(self, id: str) -> None:
        """Somebody has begun to say something."""
        self._items.setdefault(id, ())
        while len(self._items) > self._limit:
            del self._items[next(iter(self._items))]

    def caller(self, id: str, said: Item | None) -> None:
        """What the caller said, or did; None if it was not understood."""
        self._put(id, [said] if said is not None else [])

    def heard(self, id: str, text: str, *, interrupted: bool) -> None:
        """What the caller heard of an item of the model; it is to know where it was cut off."""
        said = text.strip() + (" —" if interrupted and text.strip() else "")
        content = [{"type": "output_text", "text": said}]
        self._put(id, [{"type": "message", "role": "assistant", "content": content}] if said else [])

    def used(self, items: Sequence[Item]) -> None:
        """A tool was used: the items of `use`."""
        self._put(f"use of {items[0]['call_id']}", items)

    def items(self) -> list[Item]:
        """What there is to tell."""
        return [item for items in self._items.values() for item in items]

    def _put(self, id: str, items: Sequence[Item]) -> None:
        self.begun(id)
        self._items[id] = tuple(items)


def message(text: str) -> Item:
    """Something that the caller has said or done."""
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def use(call_id: str, name: str, arguments: str, result: str) -> list[Item]:
    """The use of a tool, and what came of it."""
    return [
        {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments},
        {"type": "function_call_output", "call_id": call_id, "output": result},
    ]
