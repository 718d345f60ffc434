"""A remote MCP server's tools in a live conversation."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async

from conversations.models import Assistant, McpServer
from tests.support.http_turns import EVENTS, build_client, make_wav, parse_raw_events
from tests.support.live import Site
from tests.support.mcp_host import MakeHost
from tests.support.official_client import Connect, Talk
from tests.upstream.fixtures import Upstream

pytestmark = pytest.mark.usefixtures("committed_db")


@sync_to_async
def create_assistant(url: str) -> str:
    """Create an assistant with the tools of the server at this URL, and return its slug."""
    slug = label = f"a{uuid4().hex[:20]}"
    assistant = Assistant.objects.create(slug=slug, name="A", instructions="Add.")
    assistant.mcp_servers.add(McpServer.objects.create(label=label, url=url))
    return slug


async def take_turn(talk: Talk, upstream: Upstream) -> list[str]:
    """Take a typed turn, and return the names of the tools that the model was offered."""
    await talk.type("Hello.")
    await talk.wait_for("response.done")
    return [tool["function"]["name"] for tool in upstream.list_requests("chat")[-1]["asked"].get("tools", ())]


async def test_it_works(connect: Connect, upstream: Upstream, mcp_host: MakeHost) -> None:
    slug = await create_assistant(mcp_host().url)
    async with connect(assistant=slug) as talk:
        async with asyncio.timeout(15):
            while "add" not in await take_turn(talk, upstream):
                pass  # the server is connected to in the background, while one talks already
        upstream.script(replies=({"calls": [{"name": "add", "arguments": {"a": 2, "b": 3}}]}, "Five."))
        await talk.type("What is two and three?")
        await talk.wait_for("response.mcp_call.completed")
        call, message = (await talk.wait_for("response.done"))["response"]["output"]
    assert (call["server_label"], call["name"], call["output"]) == (slug, "add", "5")
    assert message["content"][0]["transcript"] == "Five."
    assert upstream.list_requests("chat")[-1]["asked"]["messages"][-1]["content"] == "5"


async def test_a_client_secret_may_name_it(site: Site, key: str, connect: Connect, mcp_host: MakeHost) -> None:
    """A secret may name the assistant's own server, as every `session.update` may, and no other."""
    label = await create_assistant(mcp_host().url)
    tools = [{"type": "mcp", "server_label": label}]
    async with build_client(site, key) as http:
        made = await http.post("/v1/realtime/client_secrets", json={"session": {"model": label, "tools": tools}})
        assert made.json()["session"]["tools"] == tools
        async with connect(key=made.json()["value"]) as talk:
            assert (await talk.receive_next())["session"]["tools"] == tools
        refused = await http.post("/v1/realtime/client_secrets", json={"session": {"model": "tutor", "tools": tools}})
        assert refused.json()["error"]["param"] == "session.tools.0.server_label"


async def test_a_dead_server_costs_nothing_but_its_tools(
    connect: Connect, upstream: Upstream, mcp_host: MakeHost
) -> None:
    host = mcp_host()
    host.close()
    async with connect(assistant=await create_assistant(host.url)) as talk:
        assert await take_turn(talk, upstream) == []


async def test_a_turn_over_http_knows_them_too(
    site: Site, key: str, upstream: Upstream, mcp_host: MakeHost, utterance: bytes
) -> None:
    """It waits for the tools, since it has no second turn in which to know them."""
    slug = await create_assistant(mcp_host().url)
    calls = {"calls": [{"name": "add", "arguments": {"a": 2, "b": 3}}]}
    upstream.script(transcripts=("What is two and three?",), replies=(calls, "Five."))
    async with build_client(site, key) as http:
        answer = await http.post(
            "/v1/voice/turns", params={"assistant": slug}, content=make_wav(utterance), headers=EVENTS
        )
    done = json.loads(parse_raw_events(answer.text)[-1])
    assert done["type"] == "response.done"
    assert [item["type"] for item in done["response"]["output"]] == ["mcp_call", "message"]
    assert done["response"]["output"][0]["output"] == "5"


async def test_a_client_that_names_a_server_is_told_what_it_has(
    connect: Connect, upstream: Upstream, mcp_host: MakeHost
) -> None:
    slug = await create_assistant(mcp_host().url)
    async with connect(assistant=slug) as talk:
        await talk.send.session.update(session=build_session(slug))
        item_id = (await talk.wait_for("mcp_list_tools.in_progress"))["item_id"]
        await talk.send.conversation.item.retrieve(item_id=item_id)
        await talk.wait_for("mcp_list_tools.completed")
        item = (await talk.wait_for("conversation.item.done"))["item"]
    assert (item["id"], item["server_label"]) == (item_id, slug)
    assert {tool["name"]: tool["description"] for tool in item["tools"]}["add"] == "Adds two numbers."
    assert "error" not in talk.kinds


async def test_a_client_that_names_a_dead_server_is_told(
    connect: Connect, upstream: Upstream, mcp_host: MakeHost
) -> None:
    host = mcp_host()
    host.close()
    slug = await create_assistant(host.url)
    async with connect(assistant=slug) as talk:
        await talk.send.session.update(session=build_session(slug))
        await talk.wait_for("mcp_list_tools.failed")
        assert await take_turn(talk, upstream) == []


def build_session(label: str) -> Any:
    return {"type": "realtime", "tools": [{"type": "mcp", "server_label": label}]}
