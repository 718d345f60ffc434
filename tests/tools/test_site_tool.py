import threading
from datetime import date
from typing import Annotated, Literal

import pytest
from pydantic import Field

from conversations.tools.base import Context, ToolError
from conversations.tools.registry import SITE_TOOLS
from conversations.tools.site_tool import SiteTool
from tests.support.tools import NOON, VIENNA

CONTEXT = Context(1, "conv_1", VIENNA, NOON)


def book(
    context: Context,
    day: Annotated[date, Field(description="Such as 2026-11-25.")],
    table: Literal["inside", "outside"] = "inside",
    people: Annotated[int, Field(ge=1, le=8)] = 2,
) -> str:
    """Books a table.

    Ask for the day first.
    """
    return f"{context.user_id} {day:%d.%m.} {table} {people} {threading.current_thread().name.split('_')[0]}"


BOOK = SiteTool.from_function(book)


def test_it_works() -> None:
    assert BOOK.tool.name == "book"
    assert BOOK.tool.description == "Books a table.\n\nAsk for the day first."
    assert BOOK.tool.parameters == {
        "type": "object",
        "properties": {
            "day": {"type": "string", "format": "date", "description": "Such as 2026-11-25."},
            "table": {"type": "string", "enum": ["inside", "outside"], "default": "inside"},
            "people": {"type": "integer", "minimum": 1, "maximum": 8, "default": 2},
        },
        "required": ["day"],
        "additionalProperties": False,
    }


async def test_a_plain_function_runs_in_a_thread_with_what_was_given(db: None) -> None:
    assert await BOOK.call(CONTEXT, '{"day": "2026-12-24", "people": 3}') == "1 24.12. inside 3 tool"


async def test_a_coroutine_function_runs_in_the_loop() -> None:
    async def where(context: Context) -> str:
        return threading.current_thread().name

    assert await SiteTool.from_function(where).call(CONTEXT, "{}") == threading.current_thread().name


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("{not json", "The arguments are not valid JSON"),
        ("7", "the arguments: Input should be a valid dictionary"),
        ("{}", "day: Field required"),
        ('{"day": "tomorrow"}', "day: Input should be a valid date"),
        ('{"day": "2026-12-24", "people": 9, "table": "roof"}', "table: .*; people: Input should be less"),
        ('{"day": "2026-12-24", "smoking": true}', "smoking: Extra inputs are not permitted"),
    ],
)
async def test_what_is_wrong_is_told_to_the_model(arguments: str, complaint: str) -> None:
    with pytest.raises(ToolError, match=complaint):
        await BOOK.call(CONTEXT, arguments)


def test_all_of_the_site_describe_themselves() -> None:
    for name, tool in SITE_TOOLS.items():
        assert tool.tool.name == name
        assert tool.tool.description
        for argument in tool.tool.parameters["properties"].values():
            assert argument["description"]
