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


async def update(talk: Talk, **session: Any) -> dict[str, Any]:
    await talk.send.session.update(session={"type": "realtime", **session})  # type: ignore[arg-type]
    return (await talk.until("session.updated", "error"))["session"]  # type: ignore[no-any-return]


async def test_a_function_of_the_client(connect: Connect, upstream: Upstream) -> None:
    upstream.script(replies=({"calls": [{"name": "weather", "arguments": '{"city": "Oslo"}'}]}, "It rains in Oslo."))
    async with connect() as talk:
        assert (await update(talk, tools=[WEATHER]))["tools"] == [WEATHER]
        await talk.type("How is the weather in Oslo?")
        call = await talk.until("response.function_call_arguments.done")
        done = await talk.until("response.done")
        assert (call["name"], json.loads(call["arguments"])) == ("weather", {"city": "Oslo"})
        assert done["response"]["output"][0]["type"] == "function_call"
        output = {"type": "function_call_output", "call_id": call["call_id"], "output": "Rain, 4 degrees."}
        await talk.send.conversation.item.create(item=output)  # type: ignore[arg-type]
        await talk.send.response.create()
        done = await talk.until("response.done")
        assert done["response"]["output"][0]["content"][0]["transcript"] == "It rains in Oslo."
    asked = upstream.requests("chat")[-1]["asked"]["messages"]
    assert asked[-1] == {"role": "tool", "tool_call_id": call["call_id"], "content": "Rain, 4 degrees."}
    kept = await load_items(talk.conversation_id)
    assert [item.type for item in kept] == ["message", "function_call", "function_call_output", "message"]
    assert kept[1].input_tokens
    assert kept[1].llm == "openai:gpt-6-luna"


async def test_a_tool_of_the_site(connect: Connect, upstream: Upstream) -> None:
    upstream.script(replies=({"text": "Let me look.", "calls": [{"name": "current_time", "arguments": "{}"}]}, "Noon."))
    async with connect(time_zone="Europe/Vienna") as talk:
        await talk.until("conversation.created")
        await talk.type("What time is it?")
        await talk.until("response.mcp_call.completed")
        done = (await talk.until("response.done"))["response"]
        await talk.until("rate_limits.updated")
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
        await talk.until("conversation.created")
        await talk.type("What time is it?")
        call, _ = (await talk.until("response.done"))["response"]["output"]
    async with connect(conversation=talk.conversation_id) as again:
        await again.until("conversation.created")
        await again.type("What did you say?")
        await again.until("response.done")
    said = upstream.requests("chat")[-1]["asked"]["messages"]
    assert [message["content"] for message in said[-3:]] == [call["output"], "Noon.", "What did you say?"]
    assert call["id"] in [event["item"]["id"] for event in again.events if event["type"] == "conversation.item.added"]


async def test_an_assistant_without_tools(connect: Connect, upstream: Upstream) -> None:
    await Assistant.objects.acreate(slug="plain", name="Plain", instructions="Be brief.", tools=[])
    async with connect(assistant="plain") as talk:
        await talk.until("conversation.created")
        await talk.type("What time is it?")
        await talk.until("response.done")
    assert "tools" not in upstream.requests("chat")[-1]["asked"]


async def test_a_response_out_of_band_beside_one_that_speaks(connect: Connect, upstream: Upstream) -> None:
    upstream.behave("chat", first_byte_ms=50)
    upstream.script(replies=("A long answer, with several clauses, all of them spoken.", "Curious."))
    async with connect() as talk:
        await talk.until("conversation.created")
        await talk.type("Tell me something.")
        await talk.until("response.created")
        await asyncio.to_thread(upstream.wait_for, "chat", "received")
        ask = {"conversation": "none", "output_modalities": ["text"], "metadata": {"topic": "mood"}, "input": []}
        await talk.send.response.create(response=ask)  # type: ignore[arg-type]
        done = [(await talk.until("response.done"))["response"] for _ in range(2)]
    mood = next(response for response in done if response["conversation_id"] is None)
    assert (mood["metadata"], mood["output"][0]["content"][0]["text"]) == ({"topic": "mood"}, "Curious.")
    assert [item.role for item in await load_items(talk.conversation_id)] == ["user", "assistant"]
