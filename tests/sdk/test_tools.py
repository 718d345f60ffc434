"""Functions of the client and tools of the site, through the official client, a live server and a model that calls."""

import asyncio
import json
from typing import Any

import pytest

from conversations.models import Assistant
from tests.support.official_client import Connect, Talk, load_items
from tests.upstream.fixtures import Upstream

pytestmark = pytest.mark.usefixtures("committed_db")
WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "The weather now.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


async def update_session(talk: Talk, **session: Any) -> dict[str, Any]:
    await talk.send.session.update(session={"type": "realtime", **session})  # type: ignore[arg-type]
    return (await talk.wait_for("session.updated", "error"))["session"]  # type: ignore[no-any-return]


async def test_a_function_of_the_client(connect: Connect, upstream: Upstream) -> None:
    upstream.script(replies=({"calls": [{"name": "weather", "arguments": '{"city": "Oslo"}'}]}, "It rains in Oslo."))
    async with connect() as talk:
        assert (await update_session(talk, tools=[WEATHER]))["tools"] == [WEATHER]
        await talk.type("How is the weather in Oslo?")
        call = await talk.wait_for("response.function_call_arguments.done")
        done = await talk.wait_for("response.done")
        assert (call["name"], json.loads(call["arguments"])) == ("weather", {"city": "Oslo"})
        assert done["response"]["output"][0]["type"] == "function_call"
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "Rain, 4 degrees."}
        await talk.send.conversation.item.create(item=output)  # type: ignore[arg-type]
        await talk.send.response.create()
        done = await talk.wait_for("response.done")
        assert done["response"]["output"][0]["content"][0]["transcript"] == "It rains in Oslo."
    asked = upstream.list_requests("chat")[-1]["asked"]["messages"]
    assert asked[-1] == {"role": "tool", "tool_call_id": call["call_id"], "content": "Rain, 4 degrees."}
    kept = await load_items(talk.conversation_id)
    assert [item.type for item in kept] == ["message", "function_call", "function_call_output", "message"]
    assert kept[1].input_tokens
    assert kept[1].llm == "openai:gpt-6-luna"


async def test_a_tool_of_the_site(connect: Connect, upstream: Upstream) -> None:
    upstream.script(replies=({"text": "Let me look.", "calls": [{"name": "current_time", "arguments": "{}"}]}, "Noon."))
    async with connect(time_zone="Europe/Vienna") as talk:
        await talk.wait_for("conversation.created")
        await talk.type("What time is it?")
        await talk.wait_for("response.mcp_call.completed")
        done = (await talk.wait_for("response.done"))["response"]
        await talk.wait_for("rate_limits.updated")
    message, call = done["output"]
    assert message["content"][0]["transcript"] == "Let me look. Noon."
    assert (call["server_label"], call["name"]) == ("site", "current_time")
    assert "Europe/Vienna" in call["output"]
    kept = await load_items(talk.conversation_id)
    assert [(item.type, item.status) for item in kept] == [
        ("message", "completed"),
        ("message", "completed"),
        ("mcp_call", "completed"),
    ]
    assert kept[2].call["output"] == call["output"]


async def test_a_continued_conversation_remembers_what_tools_said(connect: Connect, upstream: Upstream) -> None:
    upstream.script(replies=({"calls": [{"name": "current_time", "arguments": "{}"}]}, "Noon.", "As I said, noon."))
    async with connect() as talk:
        await talk.wait_for("conversation.created")
        await talk.type("What time is it?")
        call, _ = (await talk.wait_for("response.done"))["response"]["output"]
    async with connect(conversation=talk.conversation_id) as again:
        await again.wait_for("conversation.created")
        await again.type("What did you say?")
        await again.wait_for("response.done")
    said = upstream.list_requests("chat")[-1]["asked"]["messages"]
    assert [message["content"] for message in said[-3:]] == [call["output"], "Noon.", "What did you say?"]
    assert call["id"] in [event["item"]["id"] for event in again.events if event["type"] == "conversation.item.added"]


async def test_an_assistant_without_tools(connect: Connect, upstream: Upstream) -> None:
    await Assistant.objects.acreate(slug="plain", name="Plain", instructions="Be brief.", tools=[])
    async with connect(assistant="plain") as talk:
        await talk.wait_for("conversation.created")
        await talk.type("What time is it?")
        await talk.wait_for("response.done")
    assert "tools" not in upstream.list_requests("chat")[-1]["asked"]


async def test_a_response_out_of_band_beside_one_that_speaks(connect: Connect, upstream: Upstream) -> None:
    upstream.behave("chat", first_byte_ms=50)
    upstream.script(replies=("A long answer, with several clauses, all of them spoken.", "Curious."))
    async with connect() as talk:
        await talk.wait_for("conversation.created")
        await talk.type("Tell me something.")
        await talk.wait_for("response.created")
        await asyncio.to_thread(upstream.wait_for, "chat", "received")
        ask = {"conversation": "none", "output_modalities": ["text"], "metadata": {"topic": "mood"}, "input": []}
        await talk.send.response.create(response=ask)  # type: ignore[arg-type]
        done = [(await talk.wait_for("response.done"))["response"] for _ in range(2)]
    mood = next(response for response in done if response["conversation_id"] is None)
    assert (mood["metadata"], mood["output"][0]["content"][0]["text"]) == ({"topic": "mood"}, "Curious.")
    assert [item.role for item in await load_items(talk.conversation_id)] == ["user", "assistant"]
