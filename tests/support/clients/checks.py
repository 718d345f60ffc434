"""What every client's conversation is checked for."""

import json
from pathlib import Path
from typing import Any

from tests.support.clients.client import GA_NAMES
from tests.support.realtime import wire

Events = list[dict[str, Any]]

REFUSALS = Path(__file__).parent / "refusals.json"  # what is sent behind a spoken reply to the item “mine”


def check_events(events: Events) -> Events:
    """Check every event against the SDK's types, and the order that never varies."""
    for event in events:
        wire.check_event(event, json.dumps(event))
    wire.check_order(events)
    return events


def check_beta_events(events: Events) -> Events:
    """Check every event of the beta dialect against its shapes, and the order that never varies."""
    for event in events:
        wire.check_beta_event(event)
    wire.check_order([{**event, "type": GA_NAMES.get(event["type"], event["type"])} for event in events])
    return events


def list_kinds(events: Events) -> list[str]:
    """Return the events' types, without the rate limits that follow every response."""
    return [event["type"] for event in events if event["type"] != "rate_limits.updated"]


def select_events(events: Events, kind: str) -> Events:
    return [event for event in events if event["type"] == kind]


def check_refusals(errors: list[dict[str, Any]]) -> None:
    """Check that there is one error for each, with its code, the key at fault and the client's own event id."""
    refusals = json.loads(REFUSALS.read_text())
    for refused, error in zip(refusals, errors, strict=True):
        sent = refused["send"]
        assert error["type"] == "invalid_request_error"
        assert (error["code"], error["param"]) == (refused["code"], refused.get("param", error["param"])), sent
        assert error["message"].startswith(refused.get("message", "")), sent
        assert error["event_id"] == (sent.get("event_id") if isinstance(sent, dict) else None)
