"""A tool of the site: a plain function with typed arguments.

Its first parameter is the Context; the others, with their annotations (`Annotated[str, Field(description=…)]`), become
the JSON schema that the model sees, and its docstring the description. It returns text, or raises ToolError with what
the model should know. A coroutine function runs in the event loop; any other runs in a thread, with a database
connection of its own, and may use the ORM.
"""

import inspect
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any, get_type_hints

from django.conf import settings
from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from accounts.models import Scope
from conversations.engines.base import Tool
from conversations.storage import database_threads
from conversations.tools.base import Context, ToolError

Function = Callable[..., str] | Callable[..., Awaitable[str]]


@dataclass(frozen=True, slots=True)
class SiteTool:
    """A function as a tool."""

    tool: Tool
    arguments: type[BaseModel]
    function: Function
    scope: Scope | None = None  # that a caller needs to have this tool: a key must not open more through a model

    @classmethod
    def from_function(cls, function: Function, scope: Scope | None = None) -> "SiteTool":
        """Return the tool that calls `function`."""
        name = function.__name__
        arguments = _build_argument_model(function)
        schema = arguments.model_json_schema()
        del schema["title"]
        for described in schema.get("properties", {}).values():
            described.pop("title", None)  # it only repeats the name
        return cls(Tool(name, inspect.getdoc(function) or "", schema), arguments, function, scope)

    async def call(self, context: Context, arguments: str) -> str:
        """Call the function with `arguments`, JSON as the model wrote it. Raise ToolError, or what it raises."""
        given = self._parse(arguments)
        if inspect.iscoroutinefunction(self.function):
            return str(await self.function(context, **given))
        return str(await database_threads.in_thread(self.function, _get_thread_pool())(context, **given))

    def _parse(self, arguments: str) -> dict[str, Any]:
        try:
            parsed = self.arguments.model_validate(json.loads(arguments))
        except ValueError as error:
            raise ToolError(_describe_error(error)) from None
        return {name: getattr(parsed, name) for name in self.arguments.model_fields}


def _build_argument_model(function: Function) -> type[BaseModel]:
    hints = get_type_hints(function, include_extras=True)
    _, *parameters = inspect.signature(function).parameters.values()
    fields: dict[str, Any] = {
        parameter.name: (hints[parameter.name], ... if parameter.default is parameter.empty else parameter.default)
        for parameter in parameters
    }
    return create_model(function.__name__, __config__=ConfigDict(extra="forbid"), **fields)


def _describe_error(error: ValueError) -> str:
    if not isinstance(error, ValidationError):  # json's
        return f"The arguments are not valid JSON: {error}."
    wrong = [f"{'.'.join(map(str, each['loc'])) or 'the arguments'}: {each['msg']}" for each in error.errors()]
    return f"Wrong arguments. {'; '.join(wrong)}."


@cache
def _get_thread_pool() -> ThreadPoolExecutor:
    """Return the threads of tools. They are not the store's, so that a slow tool does not delay what is stored."""
    return ThreadPoolExecutor(int(settings.TOOLS["THREADS"]), thread_name_prefix="tool")
