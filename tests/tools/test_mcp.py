"""Remote MCP servers: real ones, on local ports."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from conversations.engines.base import Tool
from conversations.models import Assistant, McpServer
from conversations.storage.mcp_servers import MOST, ServerSpec, list_usable
from conversations.tools.base import Outcome
from conversations.tools.toolbox import Toolbox
from tests.support.mcp_host import MakeHost, McpHost
from tests.support.tools import MakeConversation, open_toolbox


def make_spec(host: McpHost, label: str = "house", **fields: Any) -> ServerSpec:
    return ServerSpec(**{"label": label, "url": host.url, "timeout_sec": 5.0, **fields})


def list_names(box: Toolbox) -> list[str]:
    return [tool.name for tool in box.tools]


async def test_it_works(make_opened: MakeConversation, mcp_host: MakeHost) -> None:
    house = mcp_host(key="Bearer secret")
    told: list[list[str]] = []
    own = make_opened(tools=(), mcp_servers=(make_spec(house, authorization="Bearer secret"),))
    async with open_toolbox(own, offer=lambda box: told.append(list_names(box))) as box:
        assert list_names(box) == []  # it opens without waiting
        await box.settle()
        assert told == [list_names(box)]
        assert box.tools[0] == Tool(
            "add",
            "Adds two numbers.",
            {
                "type": "object",
                "properties": {"a": {"title": "A", "type": "integer"}, "b": {"title": "B", "type": "integer"}},
                "required": ["a", "b"],
                "title": "addArguments",
            },
        )
        assert box.get_server_label("add") == "house"
        assert await box.run("add", '{"a": 2, "b": 3}') == Outcome(output="5")


async def test_names_fit_the_model_and_do_not_clash(make_opened: MakeConversation, mcp_host: MakeHost) -> None:
    house = mcp_host()
    both = make_opened(mcp_servers=(make_spec(house),))
    async with open_toolbox(both) as box:
        await box.settle()
        assert list_names(box) == ["current_time", "search_past_talks", "add", "count", "odd_name_v2",
                              "house_current_time", "picture", "facts", "fail", "hang"]  # fmt: skip
        assert box.get_server_label("current_time") == "site"
        assert await box.run("house_current_time", "{}") == Outcome(output="long ago")
        assert await box.run("odd_name_v2", "") == Outcome(output="odd")
        assert len(next(tool for tool in box.tools if tool.name == "odd_name_v2").description) == 1024


async def test_a_session_has_room_for_so_many(
    make_opened: MakeConversation, mcp_host: MakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conversations.tools.toolbox.MOST", 3)
    async with open_toolbox(make_opened(tools=(), mcp_servers=(make_spec(mcp_host()),))) as box:
        await box.settle()
        assert len(box.tools) == 3


@pytest.mark.django_db
def test_an_assistant_has_so_many_servers() -> None:
    assistant = Assistant.objects.create(slug="many", name="Many")
    for number in range(MOST + 1):
        assistant.mcp_servers.add(McpServer.objects.create(label=f"server_{number:02}", url="https://example.com/mcp"))
    assert [server.label for server in list_usable(assistant)] == [f"server_{number:02}" for number in range(MOST)]


async def test_two_servers_with_the_same_tools(make_opened: MakeConversation, mcp_host: MakeHost) -> None:
    one, other = mcp_host(), mcp_host()
    specs = (make_spec(one, allowed_tools=("count",)), make_spec(other, "garden", allowed_tools=("count",)))
    async with open_toolbox(make_opened(tools=(), mcp_servers=specs)) as box:
        await box.settle()
        assert sorted(list_names(box)) in (["count", "garden_count"], ["count", "house_count"])
        assert {box.get_server_label(name) for name in list_names(box)} == {"house", "garden"}


async def test_only_the_allowed_tools_are_offered(make_opened: MakeConversation, mcp_host: MakeHost) -> None:
    async with open_toolbox(
        make_opened(tools=(), mcp_servers=(make_spec(mcp_host(), allowed_tools=("add", "gone")),))
    ) as box:
        await box.settle()
        assert list_names(box) == ["add"]
        assert (await box.run("count", "{}")).error == "There is no tool 'count'."


@pytest.mark.parametrize("is_old", [False, True])
@pytest.mark.parametrize(
    ("tool", "outcome"),
    [
        ("picture", Outcome(output="Look:\n(image/png, which cannot be shown here)")),
        ("facts", Outcome(output='{\n  "legs": 4\n}')),
        ("fail", Outcome(error="Error executing tool fail: the cellar is flooded")),
    ],
)
async def test_what_tools_say(
    make_opened: MakeConversation, mcp_host: MakeHost, is_old: bool, tool: str, outcome: Outcome
) -> None:
    async with open_toolbox(make_opened(mcp_servers=(make_spec(mcp_host(is_old=is_old)),))) as box:
        await box.settle()
        assert await box.run(tool, "{}") == outcome


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [("{", "The arguments are not valid JSON"), ("[]", "not a JSON object"), ('{"a": "x"}', "valid integer")],
)
async def test_wrong_arguments_are_told(
    make_opened: MakeConversation, mcp_host: MakeHost, arguments: str, complaint: str
) -> None:
    async with open_toolbox(make_opened(mcp_servers=(make_spec(mcp_host()),))) as box:
        await box.settle()
        assert complaint in (await box.run("add", arguments)).error


@pytest.mark.parametrize("is_old", [False, True])
async def test_a_call_that_hangs_is_stopped_and_others_go_on(
    make_opened: MakeConversation, mcp_host: MakeHost, is_old: bool
) -> None:
    house = mcp_host(is_old=is_old)
    async with open_toolbox(make_opened(mcp_servers=(make_spec(house, timeout_sec=1.0),))) as box:
        await box.settle()
        hanging = asyncio.create_task(box.run("hang", "{}"))
        await asyncio.to_thread(house.received.wait)
        assert await box.run("add", '{"a": 2, "b": 3}') == Outcome(output="5")
        assert await hanging == Outcome(error="The tool took longer than 1 seconds and was stopped.")
        assert await box.run("add", '{"a": 2, "b": 4}') == Outcome(output="6")


@pytest.mark.parametrize("is_old", [False, True])
async def test_a_server_that_dies_amid_a_call_is_not_asked_twice_and_comes_back(
    make_opened: MakeConversation, mcp_host: MakeHost, is_old: bool
) -> None:
    house = mcp_host(is_old=is_old)
    async with open_toolbox(make_opened(mcp_servers=(make_spec(house),))) as box:
        await box.settle()
        before = list_names(box)
        call = asyncio.create_task(box.run("hang", "{}"))
        await asyncio.to_thread(house.received.wait)
        await asyncio.to_thread(house.die)
        assert "Whether it was carried out is not known" in (await call).error
        assert (await box.run("count", "{}")).error == "house could not be reached. Check the URL, or try again later."
        house.come_back()
        assert await box.run("count", "{}") == Outcome(output="1")
        assert house.asked.count("tools/call hang") == 1
        assert list_names(box) == before


async def test_a_server_that_forgot_the_session_is_asked_anew(
    make_opened: MakeConversation, mcp_host: MakeHost
) -> None:
    house = mcp_host(is_old=True)
    async with open_toolbox(make_opened(mcp_servers=(make_spec(house),))) as box:
        await box.settle()
        house.die()
        house.come_back()
        assert await box.run("count", "{}") == Outcome(output="1")
        assert await box.run("count", "{}") == Outcome(output="2")
        assert house.asked.count("initialize") == 2


@pytest.fixture
def silent_url() -> Iterator[str]:
    """Return the URL of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"


async def test_a_server_that_hangs_costs_nothing_but_its_tools(
    make_opened: MakeConversation, mcp_host: MakeHost, silent_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    silent = ServerSpec("silent", silent_url, timeout_sec=1.0)
    async with open_toolbox(make_opened(mcp_servers=(silent, make_spec(mcp_host())))) as box:
        assert list_names(box) == ["current_time", "search_past_talks"]
        await box.settle()
        assert "add" in list_names(box)
        assert "the MCP server silent did not answer within 1 seconds." in caplog.text


async def test_a_session_that_ends_waits_for_none(make_opened: MakeConversation, silent_url: str) -> None:
    async with asyncio.timeout(2), open_toolbox(make_opened(mcp_servers=(ServerSpec("silent", silent_url),))):
        pass


@pytest.mark.parametrize("is_old", [False, True])
async def test_a_session_that_ends_amid_a_call(make_opened: MakeConversation, mcp_host: MakeHost, is_old: bool) -> None:
    house = mcp_host(is_old=is_old)
    async with asyncio.timeout(4), open_toolbox(make_opened(mcp_servers=(make_spec(house),))) as box:
        await box.settle()
        call = asyncio.create_task(box.run("hang", "{}"))
        await asyncio.to_thread(house.received.wait)
        await box.close()
        assert (await call).error


async def test_a_wrong_key_is_logged_without_it(
    make_opened: MakeConversation, mcp_host: MakeHost, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = make_spec(mcp_host(key="Bearer right"), authorization="Bearer wrong-secret")
    async with open_toolbox(make_opened(mcp_servers=(wrong,))) as box:
        await box.settle()
        assert list_names(box) == ["current_time", "search_past_talks"]
    assert "the MCP server house refused the authorisation." in caplog.text
    assert "wrong-secret" not in caplog.text + repr(wrong)
