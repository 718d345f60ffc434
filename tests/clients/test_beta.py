"""Clients of the beta dialect: npm `openai` by header and by subprotocol, and the reference client of those days."""

from typing import Any

import pytest

from tests.support.clients.checks import Events, check_beta_events, list_kinds, select_events
from tests.support.clients.node import RunScript
from tests.support.official_client import load_items
from tests.upstream.fixtures import Upstream

pytestmark = pytest.mark.usefixtures("committed_db")

CALL = {"name": "weather", "arguments": {"city": "Oslo"}}


@pytest.fixture(params=["beta-ws", "beta-native"])
def client(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


async def test_text(run_script: RunScript, upstream: Upstream, client: str) -> None:
    upstream.script(replies=("Four.", "Six."))
    events = check_beta_events(await run_script("conversations.mjs", "text", client))
    assert list_kinds(events)[:3] == ["session.created", "conversation.created", "conversation.item.created"]
    spoken, written = [done["response"]["output"][0]["content"] for done in select_events(events, "response.done")]
    assert spoken == [{"type": "audio", "transcript": "Four."}]
    assert written == [{"type": "text", "text": "Six."}]
    assert select_events(events, "response.text.delta")
    assert not [kind for kind in list_kinds(events) if "output_" in kind and "output_item" not in kind]


async def test_interruption(run_script: RunScript, upstream: Upstream, client: str) -> None:
    upstream.behave("speech", realtime=1.0)
    upstream.script(
        transcripts=("Tell me everything.", *["Stop."] * 3), replies=("This will take long. " * 20, "Sorry.")
    )
    events = check_beta_events(await run_script("conversations.mjs", "interruption", client))
    first, second = select_events(events, "response.done")
    assert first["response"]["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert second["response"]["status"] == "completed"
    items = await load_items(select_events(events, "conversation.created")[0]["conversation"]["id"])
    assert [(item.role, item.heard_ms) for item in items][1] == ("assistant", 40)


async def test_a_function(run_script: RunScript, upstream: Upstream, client: str) -> None:
    upstream.script(replies=({"calls": [CALL]}, "It is warm."))
    events = check_beta_events(await run_script("conversations.mjs", "tools", client))
    called, answered = select_events(events, "response.done")
    assert called["response"]["output"][0]["arguments"] == '{"city": "Oslo"}'
    assert answered["response"]["output"][0]["content"] == [{"type": "audio", "transcript": "It is warm."}]


class Reference:
    """A run of beta_reference.mjs: its events, and the client's own copy of the conversation."""

    def __init__(self, lines: list[dict[str, Any]]) -> None:
        self.events: Events = check_beta_events([line["event"] for line in lines if "event" in line])
        self.items: list[dict[str, Any]] = [line["item"] for line in lines if "item" in line]

    @property
    def said(self) -> list[str]:
        return [item["formatted"]["transcript"] or item["formatted"]["text"] for item in self.items]


async def test_the_reference_client_types(run_script: RunScript, upstream: Upstream) -> None:
    upstream.script(replies=("Four it is.",))
    seen = Reference(await run_script("beta_reference.mjs", "text"))
    assert seen.said == ["What is two and two?", "Four it is."]
    assert [item["status"] for item in seen.items] == ["completed", "completed"]
    assert seen.items[1]["content"] == [{"type": "audio", "transcript": "Four it is."}]
    assert seen.items[1]["samples"] > 12_000


async def test_the_reference_client_commits(run_script: RunScript, upstream: Upstream, utterance: bytes) -> None:
    upstream.script(transcripts=("Good morning.",), replies=("Hello.",))
    seen = Reference(await run_script("beta_reference.mjs", "manual"))
    assert seen.said == ["Good morning.", "Hello."]
    assert seen.items[0]["samples"] == len(utterance) // 2


async def test_the_reference_client_is_heard(run_script: RunScript, upstream: Upstream, utterance: bytes) -> None:
    """It cuts the user's audio out of what it sent by the server's two numbers."""
    upstream.script(transcripts=("Good morning.",), replies=("Hello.",))
    seen = Reference(await run_script("beta_reference.mjs", "voice"))
    assert seen.said == ["Good morning.", "Hello."]
    started, stopped = (
        select_events(seen.events, f"input_audio_buffer.speech_{edge}")[0] for edge in ("started", "stopped")
    )
    length_ms = stopped["audio_end_ms"] - started["audio_start_ms"]
    assert abs(seen.items[0]["samples"] - length_ms * 24) <= 24
    assert length_ms > 1000


async def test_the_reference_client_interrupts(run_script: RunScript, upstream: Upstream) -> None:
    upstream.behave("chat", piece_ms=50)
    upstream.script(replies=("One, two, three. " * 60,))
    seen = Reference(await run_script("beta_reference.mjs", "interruption"))
    assert select_events(seen.events, "response.done")[0]["response"]["status"] == "cancelled"
    assert (seen.said[1], seen.items[1]["samples"]) == ("", 960)
    _, reply = await load_items(select_events(seen.events, "conversation.created")[0]["conversation"]["id"])
    assert reply.heard_ms == 40


@pytest.mark.parametrize("reply", [{"calls": [CALL]}, {"text": "Let me look that up for you.", "calls": [CALL]}])
async def test_the_reference_client_calls(run_script: RunScript, upstream: Upstream, reply: Any) -> None:
    """It answers a call and asks for the next response as soon as the call is whole."""
    upstream.behave("speech", first_byte_ms=300)
    upstream.script(replies=(reply, "It is warm."))
    seen = Reference(await run_script("beta_reference.mjs", "tools"))
    assert select_events(seen.events, "error") == []
    (asked,) = [item for item in seen.items if item["type"] == "function_call"]
    assert asked["formatted"]["tool"]["arguments"] == '{"city": "Oslo"}'
    (output,) = [item for item in seen.items if item["type"] == "function_call_output"]
    assert (output["call_id"], output["output"]) == (asked["call_id"], '{"city":"Oslo","celsius":21}')
    assert seen.said[-1] == "It is warm."
