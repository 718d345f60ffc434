"""A client that names a server in `tools` is told what that server has."""

from typing import Any

from conversations.realtime import commands, engine_events
from conversations.realtime.protocol.tools import Tool
from tests.support.realtime.harness import Table, get_kinds, make_message

LAMP = Tool("lamp", "On and off.", {"type": "object", "properties": {}}, "house")
HOUSE = {"type": "mcp", "server_label": "house"}
LISTED = ["conversation.item.added", "mcp_list_tools.completed", "conversation.item.done"]


def name_server(table: Table) -> list[dict[str, Any]]:
    return table.send("session.update", session={"tools": [HOUSE]})


def make_connecting_table() -> Table:
    table, house = Table(), frozenset({"house"})
    table.report(engine_events.ToolsReady((), house, awaited=house))
    return table


def test_it_works() -> None:
    table = Table()
    table.report(engine_events.ToolsReady((LAMP,), frozenset({"house"})))
    table.send("conversation.item.create", item=make_message("Hello.") | {"id": "item_hello"})
    sent = name_server(table)
    assert get_kinds(sent) == ["session.updated", "mcp_list_tools.in_progress", *LISTED]
    item_id = sent[1]["item_id"]
    assert sent[-1]["previous_item_id"] == "item_hello"
    assert sent[-1]["item"] == {
        "id": item_id,
        "type": "mcp_list_tools",
        "server_label": "house",
        "tools": [{"name": "lamp", "description": "On and off.", "input_schema": LAMP.parameters}],
    }
    assert table.send("conversation.item.retrieve", item_id=item_id)[0]["item"] == sent[-1]["item"]
    assert get_kinds(name_server(table)) == ["session.updated"]


def test_the_site_is_a_server_too() -> None:
    table = Table()
    table.report(engine_events.ToolsReady((Tool("clock", "The time.", {"type": "object"}, "site"),)))
    sent = table.send("session.update", session={"tools": [{"type": "mcp", "server_label": "site"}]})
    assert [tool["name"] for tool in sent[-1]["item"]["tools"]] == ["clock"]


def test_a_server_that_is_still_connecting() -> None:
    table, house = make_connecting_table(), frozenset({"house"})
    sent = name_server(table)
    assert get_kinds(sent) == ["session.updated", "mcp_list_tools.in_progress"]
    # The agents SDK asks for the item as soon as it hears of it.
    retrieved = table.send("conversation.item.retrieve", item_id=sent[1]["item_id"])[0]
    assert retrieved["item"]["tools"] == []
    assert get_kinds(table.report(engine_events.ToolsReady((LAMP,), house, awaited=house))) == LISTED
    assert table.report(engine_events.ToolsReady((LAMP,), house)) == []


def test_a_server_that_cannot_be_reached() -> None:
    table, house = make_connecting_table(), frozenset({"house"})
    name_server(table)
    assert get_kinds(table.report(engine_events.ToolsReady((), house, failed=house))) == ["mcp_list_tools.failed"]


def test_a_server_that_has_no_tools() -> None:
    table = make_connecting_table()
    name_server(table)
    sent = table.report(engine_events.ToolsReady((), frozenset({"house"})))
    assert (get_kinds(sent), sent[-1]["item"]["tools"]) == (LISTED, [])


def test_it_is_no_part_of_the_conversation() -> None:
    table = Table()
    table.report(engine_events.ToolsReady((LAMP,), frozenset({"house"})))
    item_id = name_server(table)[1]["item_id"]
    assert not [action for action in table.actions if isinstance(action, commands.Save)]
    refused = table.send("conversation.item.delete", item_id=item_id)[0]["error"]
    assert refused["code"] == "item_delete_invalid_item_id"
