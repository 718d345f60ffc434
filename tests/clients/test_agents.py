"""`@openai/agents-realtime` holds whole conversations: its session, tools, history, and what it makes of each event."""

import asyncio
from typing import Any

import pytest

from tests.support.clients.checks import Events, check_events, list_kinds, select_events
from tests.support.clients.node import RunScript
from tests.support.official_client import drop_repeats, load_items
from tests.support.realtime.wire import SPOKEN_REPLY
from tests.upstream.fixtures import Upstream

pytestmark = pytest.mark.usefixtures("committed_db")

RETRIEVED = "conversation.item.retrieved"


class Call:
    """A run of agents.mjs: its events (`wire`), what its session reported (`told`), and its own `history`."""

    def __init__(self, lines: list[dict[str, Any]]) -> None:
        self.wire: Events = check_events([line["wire"] for line in lines if "wire" in line])
        self.told = [line for line in lines if "session" in line and line["session"] != "history"]
        self.history: list[dict[str, Any]] = next(line["items"] for line in lines if line.get("session") == "history")
        assert lines[-1] == {"untaken": []}

    def list_told(self, *names: str) -> list[str]:
        return drop_repeats([line["session"] for line in self.told if line["session"] in names])


def read_words(item: dict[str, Any]) -> str:
    (part,) = item["content"]
    said: str = part["text"] if "text" in part else part["transcript"]
    return said


async def test_text(run_script: RunScript, upstream: Upstream) -> None:
    upstream.script(replies=("Four.", "Six."))
    call = Call(await run_script("agents.mjs", "text"))
    turn = ["agent_start", "audio_start", "audio", "audio_stopped", "agent_end"]
    assert call.list_told(*turn, "error") == turn * 2
    assert [(item["role"], read_words(item)) for item in call.history] == [
        ("user", "What is two and two?"),
        ("assistant", "Four."),
        ("user", "And three and three?"),
        ("assistant", "Six."),
    ]
    assert {item["status"] for item in call.history} == {"completed"}


async def test_voice(run_script: RunScript, upstream: Upstream) -> None:
    """The client sends settings by itself, `semantic_vad` among them."""
    upstream.script(transcripts=("Can you hear me?",), replies=("I hear you well.",))
    call = Call(await run_script("agents.mjs", "voice"))
    shown = select_events(call.wire, "session.updated")[-1]["session"]
    assert shown["audio"]["input"]["turn_detection"]["type"] == "semantic_vad"
    assert (shown["tracing"], shown["instructions"]) == ("auto", "Be brief.")
    seen = drop_repeats(
        [kind for kind in list_kinds(call.wire) if kind != RETRIEVED]
    )  # which the client asked for meanwhile
    assert seen[-len(SPOKEN_REPLY) :] == SPOKEN_REPLY
    assert [read_words(item) for item in call.history] == ["Can you hear me?", "I hear you well."]


async def test_interruption(run_script: RunScript, upstream: Upstream) -> None:
    upstream.behave("speech", realtime=1.0)
    upstream.script(
        transcripts=("Tell me everything.", *["Stop."] * 3), replies=("This will take long. " * 20, "Sorry.")
    )
    call = Call(await run_script("agents.mjs", "interruption"))
    assert call.list_told("audio_interrupted", "error") == ["audio_interrupted"]
    first, second = select_events(call.wire, "response.done")
    assert first["response"]["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert second["response"]["status"] == "completed"
    (truncated,) = select_events(call.wire, "conversation.item.truncated")
    question, reply, stop, sorry = await load_items(
        select_events(call.wire, "conversation.created")[0]["conversation"]["id"]
    )
    assert (reply.public_id, reply.heard_ms) == (truncated["item_id"], truncated["audio_end_ms"])
    (retrieved,) = [
        event["item"] for event in select_events(call.wire, RETRIEVED) if event["item"]["id"] == reply.public_id
    ]
    assert read_words(retrieved) == reply.heard_text
    assert [item.text for item in (question, stop, sorry)] == ["Tell me everything.", "Stop.", "Sorry."]


async def test_the_stop_button(run_script: RunScript, upstream: Upstream) -> None:
    upstream.behave("chat", piece_ms=50)
    upstream.script(replies=("one, two, three. " * 60,))
    call = Call(await run_script("agents.mjs", "stop"))
    assert call.list_told("audio_interrupted", "error") == ["audio_interrupted"]
    (done,) = select_events(call.wire, "response.done")
    assert done["response"]["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    await asyncio.to_thread(upstream.wait_for, "chat", "closed_by_peer")


async def test_a_function_of_its_own(run_script: RunScript, upstream: Upstream) -> None:
    call = {"name": "weather", "arguments": {"city": "Oslo"}}
    upstream.script(transcripts=("How is the weather in Oslo?",), replies=({"calls": [call]}, "It is warm."))
    seen = Call(await run_script("agents.mjs", "tools"))
    assert seen.list_told("agent_tool_start", "agent_tool_end", "error") == ["agent_tool_start", "agent_tool_end"]
    (asked,) = [item for item in seen.history if item["type"] == "function_call"]
    assert (asked["name"], asked["arguments"]) == ("weather", '{"city": "Oslo"}')
    assert (asked["status"], asked["output"]) == ("completed", "21 degrees in Oslo")
    said = upstream.list_requests("chat")[-1]["asked"]["messages"][-1]
    assert (said["role"], said["content"]) == ("tool", "21 degrees in Oslo")
    assert read_words(seen.history[-1]) == "It is warm."


async def test_a_tool_of_the_site(run_script: RunScript, upstream: Upstream) -> None:
    upstream.script(replies=({"calls": [{"name": "current_time", "arguments": {}}]}, "It is noon."))
    seen = Call(await run_script("agents.mjs", "siteTool"))
    assert seen.list_told("mcp_tool_call_completed", "error") == ["mcp_tool_call_completed"]
    (asked,) = [item for item in seen.history if item["type"] == "mcp_call"]
    assert asked["name"] == "current_time"
    assert "20" in asked["output"]  # a date


async def test_its_changes_of_history(run_script: RunScript, upstream: Upstream) -> None:
    call = Call(await run_script("agents.mjs", "history"))
    assert call.list_told("error") == []
    asked = upstream.list_requests("chat")[-1]["asked"]["messages"]
    assert [message["content"] for message in asked] == ["Be brief.", "My name is Bob.", "What is my name?"]
    assert [read_words(item) for item in call.history[:2]] == ["My name is Bob.", "What is my name?"]


async def test_a_refused_response(run_script: RunScript, upstream: Upstream) -> None:
    call = Call(await run_script("agents.mjs", "refusal"))
    (refusal,) = select_events(call.wire, "error")
    assert refusal["error"]["event_id"] == "agents_js_response_create_1"
    assert call.list_told("error") == ["error"]
    assert select_events(call.wire, "response.done")[0]["response"]["status"] == "completed"


async def test_a_conversation_goes_on_later(run_script: RunScript, upstream: Upstream) -> None:
    first = Call(await run_script("agents.mjs", "returning"))
    conversation_id = select_events(first.wire, "conversation.created")[0]["conversation"]["id"]
    later = Call(await run_script("agents.mjs", "text", f"?conversation={conversation_id}"))
    assert select_events(later.wire, "conversation.created")[0]["conversation"]["id"] == conversation_id
    assert len(await load_items(conversation_id)) == 6
