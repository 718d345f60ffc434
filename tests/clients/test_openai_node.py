"""npm `openai` holds whole conversations: with the key in a header (ws), and in a subprotocol (native)."""

import asyncio
from collections.abc import Callable

import pytest

from tests.support.clients.checks import REFUSALS, check_events, check_refusals, list_kinds, select_events
from tests.support.clients.node import RunScript
from tests.support.clients.tls import Certificate, serve_tls
from tests.support.live import Site
from tests.support.official_client import drop_repeats, load_items
from tests.support.realtime.wire import SPOKEN_REPLY
from tests.upstream.fixtures import Upstream

pytestmark = pytest.mark.usefixtures("committed_db")

ITEM = ["conversation.item.added", "conversation.item.done"]
HEARD = [f"input_audio_buffer.{name}" for name in ("speech_started", "speech_stopped", "committed")]
WORDS = "conversation.item.input_audio_transcription.completed"


@pytest.fixture(params=["ws", "native"])
def client(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


async def test_text(run_script: RunScript, upstream: Upstream, client: str) -> None:
    upstream.script(replies=("Four.", "Six."))
    events = check_events(await run_script("conversations.mjs", "text", client))
    seen = drop_repeats(list_kinds(events))
    assert seen[:2] == ["session.created", "conversation.created"]
    assert seen[2:16] == [*ITEM, *SPOKEN_REPLY]
    assert [kind for kind in seen[16:] if "text" in kind] == ["response.output_text.delta", "response.output_text.done"]
    assert not [kind for kind in seen[16:] if "audio" in kind]
    spoken, written = [done["response"]["output"][0]["content"] for done in select_events(events, "response.done")]
    assert spoken == [{"type": "output_audio", "transcript": "Four."}]
    assert written == [{"type": "output_text", "text": "Six."}]


async def test_voice(run_script: RunScript, upstream: Upstream, client: str) -> None:
    upstream.script(transcripts=("Good morning.", "And good night."), replies=("Hello.", "Sleep well."))
    events = check_events(await run_script("conversations.mjs", "voice", client))
    assert [kind for kind in list_kinds(events) if kind.startswith("input_audio_buffer")] == HEARD * 2
    assert [event["transcript"] for event in select_events(events, WORDS)] == ["Good morning.", "And good night."]
    for started, added in zip(select_events(events, HEARD[0]), select_events(events, ITEM[0])[::2], strict=True):
        same = [event for event in events if event.get("item_id") == started["item_id"]]
        assert [event["type"] for event in same if event["type"] != WORDS] == HEARD
        assert added["item"]["id"] == started["item_id"]
    chain = [(event["previous_item_id"], event["item"]["id"]) for event in select_events(events, ITEM[0])]
    assert [before for before, _ in chain] == [None, *(item_id for _, item_id in chain[:-1])]


async def test_a_manual_turn(run_script: RunScript, upstream: Upstream, client: str) -> None:
    upstream.script(transcripts=("Tell me a joke.",))
    events = check_events(await run_script("conversations.mjs", "manual", client))
    assert [kind for kind in list_kinds(events) if kind.startswith("input_audio_buffer")] == [HEARD[2]]
    assert len(select_events(events, "response.created")) == 1
    (done,) = select_events(events, "response.done")
    assert done["response"]["output"][0]["content"][0]["transcript"] == "You said: Tell me a joke."


async def test_interruption(run_script: RunScript, upstream: Upstream, client: str) -> None:
    upstream.behave("speech", realtime=1.0)
    upstream.script(
        transcripts=("Tell me everything.", *["Stop."] * 3), replies=("This will take long. " * 20, "Sorry.")
    )
    events = check_events(await run_script("conversations.mjs", "interruption", client))
    first, second = select_events(events, "response.done")
    assert first["response"]["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert first["response"]["output"][0]["status"] == "incomplete"
    assert second["response"]["status"] == "completed"
    (truncated,) = select_events(events, "conversation.item.truncated")
    assert truncated["item_id"] == first["response"]["output"][0]["id"]
    items = await load_items(select_events(events, "conversation.created")[0]["conversation"]["id"])
    assert [(item.role, item.heard_ms) for item in items][1] == ("assistant", 40)
    await asyncio.to_thread(upstream.wait_for, "speech", "closed_by_peer")


async def test_cancel(run_script: RunScript, upstream: Upstream, client: str) -> None:
    upstream.behave("chat", piece_ms=50)
    upstream.script(replies=("one " * 200,))
    events = check_events(await run_script("conversations.mjs", "cancel", client))
    (done,) = select_events(events, "response.done")
    assert done["response"]["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    await asyncio.to_thread(upstream.wait_for, "chat", "closed_by_peer")


async def test_a_conversation_goes_on_later(run_script: RunScript, upstream: Upstream, client: str) -> None:
    events = await run_script("conversations.mjs", "returning", client)
    again = events.index(select_events(events, "session.created")[1])
    before, after = check_events(events[:again]), check_events(events[again:])
    assert after[1]["conversation"] == before[1]["conversation"]
    ids = [event["item"]["id"] for event in select_events(before, ITEM[0])]
    assert [event["item"]["id"] for event in select_events(after, ITEM[0])][:2] == ids
    asked = upstream.list_requests("chat")[-1]["asked"]["messages"]
    assert [message["content"] for message in asked[1:]] == [
        "My cat is called Tom.",
        "You said: My cat is called Tom.",
        "What is my cat called?",
    ]


async def test_two_at_once(run_script: RunScript, upstream: Upstream) -> None:
    """They are different clients of one user, each in a conversation of its own."""
    upstream.behave("chat", piece_ms=20)
    both = await asyncio.gather(*(run_script("conversations.mjs", "text", name) for name in ("ws", "native")))
    ids = [event["item"]["id"] for events in both for event in select_events(check_events(events), ITEM[0])]
    assert len(set(ids)) == 8


async def test_a_stranger(run_script: RunScript, client: str) -> None:
    events = await run_script("conversations.mjs", "stranger", client)
    assert events[-2]["error"]["code"] == "invalid_api_key"
    assert events[-1] == {"type": "closed", "code": 1008}


async def test_what_is_refused(run_script: RunScript, client: str) -> None:
    events = check_events(await run_script("conversations.mjs", "refusals", client, REFUSALS=str(REFUSALS)))
    check_refusals([event["error"] for event in select_events(events, "error")])
    assert select_events(events, "response.done")[-1]["response"]["status"] == "completed"


async def test_a_second_response_is_refused(run_script: RunScript, upstream: Upstream, client: str) -> None:
    upstream.behave("chat", piece_ms=20)
    events = check_events(await run_script("conversations.mjs", "busy", client))
    (refusal,) = select_events(events, "error")
    assert refusal["error"]["code"] == "conversation_already_has_active_response"
    assert refusal["error"]["event_id"] == "second"
    assert [done["response"]["status"] for done in select_events(events, "response.done")] == ["completed"]


async def test_a_session_that_is_too_old(
    run_script: RunScript, start_site: Callable[..., Site], certificate: Certificate
) -> None:
    site = start_site(DJANGO_SETTINGS_MODULE="tests.support.clients.short_sessions")
    async with serve_tls(site.url, certificate) as url:
        events = await run_script("conversations.mjs", "expiry", "native", SITE_URL=url)
    assert events[-2]["error"]["code"] == "session_expired"
    assert events[-1] == {"type": "closed", "code": 1008}
