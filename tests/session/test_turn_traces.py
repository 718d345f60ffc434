"""Which calls belong to which turn, and what is told of them."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from conversations import tracing
from conversations.engines.base import EngineSpec
from conversations.realtime import commands
from conversations.session import turn_traces
from conversations.session.engine_calls.observed import EngineCall
from conversations.session.turn_traces import TurnTraces
from conversations.tracing import Span

Sent = list[Span]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """All spans that are sent, from now on."""
    spans: Sent = []
    monkeypatch.setattr(tracing, "export", lambda span, parent: spans.append(span))
    return spans


def make_traces(s2s: EngineSpec | None = None, *, only_transcribes: bool = False) -> TurnTraces:
    opened: Any = SimpleNamespace(public_id="conv_1", assistant_slug="default", engines=SimpleNamespace(s2s=s2s))
    return TurnTraces(opened, only_transcribes=only_transcribes, parent=None)


def make_call(turn_id: str, model: str = "m", began_at: float = 0.0) -> EngineCall:
    return EngineCall("llm", "openai", model, began_at, turn_id, ended_at=began_at + 1)


def see(traces: TurnTraces, kind: str, **fields: Any) -> None:
    traces.see(commands.Send({"type": kind, **fields}))


def make_response(name: str, **fields: Any) -> dict[str, Any]:
    return {"id": name, "conversation_id": "conv_1", "status": "completed", "usage": None, **fields}


async def take_turn(traces: TurnTraces, name: str, *utterances: str, **fields: Any) -> None:
    for utterance in utterances:
        see(traces, "input_audio_buffer.committed", item_id=utterance)
    see(traces, "response.created", response=make_response(name))
    see(traces, "response.done", response=make_response(name, **fields))


async def test_a_turn_has_the_calls_of_its_response_and_of_what_it_answers(sent: Sent) -> None:
    traces = make_traces()
    for name in ("item_1", "resp_1"):
        traces.note_call(make_call(name, name))
    await take_turn(traces, "resp_1", "item_1")
    traces.note_call(make_call("item_2", "item_2", 1e9))  # the user goes on while the first one settles
    assert not sent
    traces.end()
    (turn,) = sent
    assert turn.attributes["voiceproject.response.id"] == "resp_1"
    assert [child.attributes["gen_ai.request.model"] for child in turn.children] == ["item_1", "resp_1"]
    assert not any("voiceproject.discarded" in child.attributes for child in turn.children)


async def test_a_reply_begun_early_and_not_used_is_of_the_next_turn(sent: Sent) -> None:
    traces = make_traces()
    traces.note_call(make_call("resp_dropped", "dropped"))
    await take_turn(traces, "resp_1", "item_1")
    await take_turn(traces, "resp_2", "item_2")
    traces.end()
    first, second = sent
    assert [child.attributes.get("voiceproject.discarded") for child in first.children] == [True]
    assert not second.children


async def test_what_another_response_still_needs_is_not_taken(sent: Sent) -> None:
    traces = make_traces()
    see(traces, "response.created", response=make_response("resp_aside", conversation_id=None))
    traces.note_call(make_call("resp_aside", "aside"))
    see(traces, "input_audio_buffer.committed", item_id="item_2")
    traces.note_call(make_call("item_2", "waiting"))
    await take_turn(traces, "resp_1")  # which answers item_2
    see(traces, "response.done", response=make_response("resp_aside", conversation_id=None))
    traces.end()
    models = {
        span.attributes["voiceproject.response.id"]: [one.attributes["gen_ai.request.model"] for one in span.children]
        for span in sent
    }
    assert models == {"resp_1": ["waiting"], "resp_aside": ["aside"]}


async def test_a_turn_is_sent_once_its_streams_have_ended(sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn_traces, "SETTLE_SEC", 0.0)
    traces, settled = make_traces(), asyncio.Event()
    failure = {"type": "failed", "error": {"code": "engine_timeout"}}
    await take_turn(traces, "resp_1", status="failed", status_details=failure)
    asyncio.get_running_loop().call_later(0.0, settled.set)  # so behind it
    traces.note_call(make_call("resp_1"))
    await settled.wait()
    assert sent[0].error == "engine_timeout"
    assert len(sent[0].children) == 1
    traces.end()
    assert len(sent) == 1


async def test_speech_to_speech_is_one_call(sent: Sent) -> None:
    traces = make_traces(EngineSpec("openai", "gpt-realtime-2.1"))
    await take_turn(traces, "resp_1", usage={"input_tokens": 7, "output_tokens": 9})
    traces.end()
    (child,) = sent[0].children
    assert (child.name, child.attributes["gen_ai.output.type"]) == ("chat gpt-realtime-2.1", "speech")
    assert child.attributes["gen_ai.usage.output_tokens"] == 9


async def test_a_session_that_only_transcribes(sent: Sent) -> None:
    traces = make_traces(only_transcribes=True)
    traces.note_call(EngineCall("stt", "google", "", 1.0, "item_1", ended_at=2.0, outcome="cancelled"))
    assert sent[0].name == "speech_to_text"
    assert sent[0].attributes["gen_ai.provider.name"] == "gcp.gen_ai"
    assert sent[0].attributes["voiceproject.cancelled"] is True


async def test_calls_that_no_turn_takes_do_not_pile_up(sent: Sent) -> None:
    traces = make_traces()
    for number in range(10_000):
        traces.note_call(make_call(f"item_{number}"))
    assert len(traces._calls) == turn_traces.MOST_CALLS
    traces.end()
    assert not sent
