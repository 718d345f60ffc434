"""A live server under any sequence of client events: it answers all that asks, and goes on."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect

from tests.support.live import Site
from tests.support.realtime import wire
from tests.support.realtime.any_events import ANSWERS, Event, any_event
from tests.upstream.fixtures import Upstream

LAST = {"type": "conversation.item.retrieve", "item_id": "item_of_the_end", "event_id": "the_end"}
MANUAL = {"type": "session.update", "session": {"audio": {"input": {"turn_detection": None}}}}


@pytest.mark.usefixtures("upstream")
@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # a live server is no place to shrink in
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(st.lists(any_event, min_size=10, max_size=40))
def test_any_sequence(site: Site, key: str, upstream: Upstream, sequence: list[Event]) -> None:
    upstream.script(replies=({"text": "Let me look.", "calls": [{"name": "current_time", "arguments": "{}"}]},))
    told = asyncio.run(converse(site, key, sequence))
    check_answers(sequence, told)
    assert "Traceback" not in site.log


async def converse(site: Site, key: str, sequence: list[Event]) -> list[Event]:
    """Send the events, and return what comes until the last is answered and every response has ended."""
    headers = {"Authorization": f"Bearer {key}"}
    async with connect(f"{site.ws_url}/v1/realtime", additional_headers=headers) as socket:
        for number, event in enumerate(sequence):
            await socket.send(json.dumps({**event, "event_id": f"event_of_mine_{number}"}))
        await socket.send(json.dumps(MANUAL))
        await socket.send(json.dumps(LAST))
        told = await wait_until(socket, lambda told: told[-1].get("error", {}).get("event_id") == "the_end")
        return told + await wait_until(socket, lambda rest: is_quiet(told + rest), told)


async def wait_until(socket: ClientConnection, is_met: Any, before: list[Event] | None = None) -> list[Event]:
    told: list[Event] = []
    if before is not None and is_met(told):
        return told
    async with asyncio.timeout(30):
        while not told or not is_met(told):
            raw = str(await socket.recv())
            told.append(json.loads(raw))
            wire.check_event(told[-1], raw)
    return told


def is_quiet(told: list[Event]) -> bool:
    counted = Counter(event["type"] for event in told)
    return counted["response.created"] == counted["response.done"]


def check_answers(sequence: list[Event], told: list[Event]) -> None:
    wire.check_order(told)
    refused = {event["error"]["event_id"] for event in told if event["type"] == "error"}
    answers = Counter(event["type"] for event in told)
    asked: Counter[str] = Counter()
    for number, event in enumerate(sequence):
        kind = event.get("type")
        if f"event_of_mine_{number}" not in refused and kind not in ("input_audio_buffer.append",):
            assert isinstance(kind, str), f"no error for {event}"
            asked[ANSWERS.get(kind, kind)] += 1
    for kind, count in asked.items():
        assert kind == "output_audio_buffer.started" or answers[kind] >= count, (kind, count, answers[kind])
