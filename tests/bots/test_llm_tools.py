"""Functions as tools: their schema, their arguments, and what goes wrong."""

from __future__ import annotations

import threading
from enum import Enum
from typing import Literal

import pytest

from offhook.bots.llm_tools import Tool, toolbox
from offhook.errors import CallEnded, UsageError


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


def order(call: object, title: str, size: Size, copies: int = 1, how: Literal["post", "shop"] = "post") -> list[str]:
    """Order a book."""
    return [title, size.value, str(copies), how, str(call)]


def test_types_become_a_schema() -> None:
    schema = Tool(order).schema
    assert (schema["type"], schema["function"]["name"]) == ("function", "order")
    assert schema["function"]["description"] == "Order a book."
    parameters = schema["function"]["parameters"]
    assert parameters["type"] == "object"
    assert set(parameters["properties"]) == {"title", "size", "copies", "how"}
    assert parameters["required"] == ["title", "size"]
    assert parameters["properties"]["how"]["enum"] == ["post", "shop"]
    assert parameters["$defs"]["Size"]["enum"] == ["large", "small"]


async def test_arguments_are_checked_and_the_call_is_given() -> None:
    tool = Tool(order)
    assert await tool.use("CALL", '{"title": "Emma", "size": "small"}') == '["Emma","small","1","post","CALL"]'
    wrong = await tool.use("CALL", '{"title": "Emma", "size": "huge"}')
    assert wrong.startswith("error: the arguments are wrong")
    assert (await tool.use("CALL", "{")).startswith("error: the arguments are wrong")


async def test_functions_that_block_do_so_elsewhere_and_coroutines_here() -> None:
    def where() -> str:
        """Where it runs."""
        return threading.current_thread().name

    async def here() -> str:
        """Where it runs."""
        return threading.current_thread().name

    assert await Tool(where).use(None, "") != threading.current_thread().name
    assert await Tool(here).use(None, "{}") == threading.current_thread().name


async def test_failures_are_told_to_the_model_without_their_words() -> None:
    def broken() -> None:
        """Breaks."""
        raise ValueError("secret")

    async def over() -> None:
        """Ends."""
        raise CallEnded("over")

    assert await Tool(broken).use(None, "") == "error: this is not possible now"
    with pytest.raises(CallEnded):
        await Tool(over).use(None, "")


def test_functions_that_cannot_be_tools_are_refused() -> None:
    def silent(x: int) -> None: ...

    def untyped(x) -> None:  # type: ignore[no-untyped-def]
        """Has no type."""

    def many(*x: int) -> None:
        """Takes any number."""

    def odd(x: threading.Thread) -> None:
        """Takes what JSON has not."""

    for function, words in ((silent, "docstring"), (untyped, "needs a type"), (many, "needs a type"), (odd, "JSON")):
        with pytest.raises(UsageError, match=words):
            Tool(function)
    with pytest.raises(UsageError, match="two tools named order"):
        toolbox([order, order])
