"""Server events checked against the SDK's own types, strictly: the SDK itself never validates what it receives."""

import json
from typing import Any, get_args

from openai.types.beta.realtime import RealtimeServerEvent as BetaServerEvent
from openai.types.beta.realtime.transcription_session_updated_event import TranscriptionSessionUpdatedEvent
from openai.types.realtime import RealtimeServerEvent
from pydantic import BaseModel


def _map_shapes(union: object) -> dict[str, type[BaseModel]]:
    members = get_args(get_args(union)[0])
    return {get_args(shape.model_fields["type"].annotation)[0]: shape for shape in members}


SHAPES = _map_shapes(RealtimeServerEvent)
BETA_SHAPES = _map_shapes(BetaServerEvent)

SPOKEN_REPLY = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
]  # in this order, the two deltas any number of times


def check_event(event: dict[str, Any], raw: str) -> None:
    """Raise a ValidationError for an event that the official client's types do not allow."""
    SHAPES[event["type"]].model_validate_json(raw, strict=True)
    assert isinstance(event["event_id"], str)


def check_beta_event(event: dict[str, Any]) -> None:
    """Check an event of the beta dialect as `check_event` does."""
    assert isinstance(event["event_id"], str)
    if "session" in event:
        event = {**event, "session": {key: value for key, value in event["session"].items() if key != "model"}}
        assert "audio" not in event["session"]  # and `model`: the type lists only upstream's own
    if event["type"].startswith("transcription_session."):
        # The union has `updated` only, its type a key that is none of a socket's, and of models upstream's own.
        heard = {**(event["session"]["input_audio_transcription"] or {}), "model": "whisper-1"}
        session = {
            **event["session"],
            "client_secret": {"value": "", "expires_at": 0},
            "input_audio_transcription": heard,
        }
        shown = {**event, "type": "transcription_session.updated", "session": session}
        TranscriptionSessionUpdatedEvent.model_validate_json(json.dumps(shown), strict=True)
    else:
        BETA_SHAPES[event["type"]].model_validate_json(json.dumps(event), strict=True)


def check_order(events: list[dict[str, Any]]) -> None:
    """Check what holds in every session (protocol, section 6).

    Each `created` has one `done`, and nothing of the response comes after it; the events of a part come between those
    of its item; items are announced before they are used; and the texts agree.
    """
    ids = [event["event_id"] for event in events]
    assert len(ids) == len(set(ids))
    known: set[str] = set()
    running: dict[str, str] = {}  # what was said, by response
    aside: set[str] = set()  # those out of band
    outside: set[str] = set()  # and their items, which the conversation never hears of
    arguments: dict[str, str] = {}  # by item
    for event in events:
        kind = event["type"]
        if kind in ("conversation.item.added", "response.output_item.added"):
            known.add(event["item"]["id"])
        if kind == "response.output_item.added" and event["response_id"] in aside:
            outside.add(event["item"]["id"])
        assert not (kind.startswith("conversation.") and event.get("item", {}).get("id") in outside)
        if kind == "response.created":
            response = event["response"]
            if response["conversation_id"] is None:
                aside.add(response["id"])
            else:
                assert not running.keys() - aside, "a second response beside the first"
            running[response["id"]] = ""
        elif kind == "response.done":
            response = event["response"]
            said = running.pop(response["id"])
            for item in response["output"]:
                if item["type"] == "message":
                    part = item["content"][0]
                    assert part.get("transcript", part.get("text")) == said
                else:
                    assert item["arguments"] == arguments.get(item["id"], "")
        elif kind.startswith("response.mcp_call."):
            assert event["item_id"] in known
        elif kind.startswith("response."):
            assert event["response_id"] in running
            if "item_id" in event:
                assert event["item_id"] in known
            if kind.endswith(("transcript.delta", "text.delta")):
                running[event["response_id"]] += event["delta"]
            if kind.endswith(("transcript.done", "text.done")):
                assert event.get("transcript", event.get("text")) == running[event["response_id"]]
            if kind.endswith("call_arguments.delta"):
                arguments[event["item_id"]] = arguments.get(event["item_id"], "") + event["delta"]
            if kind.endswith("call_arguments.done"):
                assert event["arguments"] == arguments.get(event["item_id"], "")
