"""Plain functions as tools of a language model: their types become a schema, and its arguments are checked by them.

Knows functions and JSON; no model.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final, get_type_hints

import msgspec

from ..errors import CallEnded, UsageError, wordless

logger = logging.getLogger("offhook.bots")

#: A parameter of this name is the call itself, and is hidden from the model.
CALL: Final = "call"


class Tool:
    """One function.

    Args:
        function: With a type for each parameter and a docstring that says when to use it; `async` or not. One that is
            not runs in a thread, so that it may block.

    Raises:
        UsageError: A parameter has no type, or one that JSON cannot carry; or the docstring is missing.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.name = function.__name__
        about = inspect.getdoc(function)
        if not about:
            raise UsageError(f"tool {self.name} needs a docstring: it tells the model when to use it")
        parameters = inspect.signature(function).parameters
        hints = get_type_hints(function)
        self._takes_call = CALL in parameters
        fields: list[Any] = []
        for name, parameter in parameters.items():
            if name == CALL:
                continue
            if name not in hints or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                raise UsageError(f"tool {self.name}: parameter {name!r} needs a type, such as {name}: str")
            fields.append((name, hints[name], *(() if parameter.default is parameter.empty else (parameter.default,))))
        try:
            self._arguments = msgspec.defstruct(f"{self.name}_arguments", fields, kw_only=True)
            (_,), components = msgspec.json.schema_components([self._arguments], ref_template="#/$defs/{name}")
        except (TypeError, ValueError) as error:
            raise UsageError(f"tool {self.name}: its parameters cannot be written as JSON: {error}") from error
        schema = components.pop(self._arguments.__name__)
        schema.pop("title", None)
        if components:
            schema["$defs"] = components
        self.schema: dict[str, Any] = {
            "type": "function",
            "function": {"name": self.name, "description": about, "parameters": schema},
        }

    async def use(self, call: object, arguments: str) -> str:
        """Calls the function with the model's arguments, JSON; returns what to tell the model: text, or JSON.

        What goes wrong is told to the model, which can then say so or try again; only the end of the call is raised.
        """
        try:
            given = msgspec.json.decode(arguments or "{}", type=self._arguments)
        except msgspec.DecodeError as error:
            return f"error: the arguments are wrong: {error}"
        values = {name: getattr(given, name) for name in given.__struct_fields__}
        if self._takes_call:
            values[CALL] = call
        try:
            if inspect.iscoroutinefunction(self.function):
                result = await self.function(**values)
            else:
                result = await asyncio.to_thread(self.function, **values)
            return result if isinstance(result, str) else msgspec.json.encode(result).decode()
        except CallEnded:
            raise
        except Exception as error:
            kind = type(error).__name__
            logger.error("tool %s failed (%s)", self.name, kind, exc_info=wordless(error, logger))
            return "error: this is not possible now"


def toolbox(functions: Sequence[Callable[..., Any]]) -> dict[str, Tool]:
    """Tools by name. Raises `UsageError` as `Tool` does, and for two of one name."""
    tools: dict[str, Tool] = {}
    for function in functions:
        tool = Tool(function)
        if tool.name in tools:
            raise UsageError(f"there are two tools named {tool.name}")
        tools[tool.name] = tool
    return tools
