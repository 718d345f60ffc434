"""Whatever a client writes into a session or a response: an answer that the SDK's types allow, and a refusal changes
nothing."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations.realtime.protocol.beta import PATHS, BetaDialect
from tests.support.realtime.harness import Table, get_kinds

NAMES = [
    "audio",
    "input",
    "output",
    "format",
    "rate",
    "transcription",
    "language",
    "noise_reduction",
    "threshold",
    "idle_timeout_ms",
    "eagerness",
    "create_response",
    "id",
    "object",
    "type",
    "name",
    "tools",
    "tool_choice",
    "parameters",
    "server_label",
    "truncation",
    "retention_ratio",
    "tracing",
    "prompt",
    "include",
    "reasoning",
    "extensions",
    "temperature",
    "instructions",
    "output_modalities",
    "max_output_tokens",
    "metadata",
    "conversation",
    *PATHS,
]
WORDS = [
    "realtime",
    "transcription",
    "server_vad",
    "semantic_vad",
    "function",
    "mcp",
    "auto",
    "none",
    "inf",
    "low",
    "audio/pcmu",
    "g711_alaw",
    "pcm16",
    "near_field",
    "retention_ratio",
    "text",
    "captions",
    "",
]
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 9_000) | st.floats(-1, 2) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)
objects = st.dictionaries(st.sampled_from(NAMES), values, max_size=6)
dialects = pytest.mark.parametrize("is_beta", [False, True])
sessions = pytest.mark.parametrize("kind", ["realtime", "transcription"])


@dialects
@sessions
@settings(max_examples=60, deadline=None)
@given(patches=st.lists(objects, min_size=1, max_size=3))
def test_a_session(is_beta: bool, kind: str, patches: list[dict[str, Any]]) -> None:
    table = Table(kind=kind, dialect=BetaDialect() if is_beta else None)
    names = ["session.update", "transcription_session.update"][: 1 + is_beta]
    for place, patch in enumerate(patches):
        before = table.machine.state.config
        (sent,) = table.send(names[place % len(names)], session=patch, event_id="mine")
        if sent["type"] == "error":
            assert (sent["error"]["type"], sent["error"]["event_id"]) == ("invalid_request_error", "mine")
            assert sent["error"]["param"]
            assert table.machine.state.config == before
        else:
            assert sent["type"] in ("session.updated", "transcription_session.updated")
    table.say()


@dialects
@settings(max_examples=60, deadline=None)
@given(response=objects)
def test_a_response(is_beta: bool, response: dict[str, Any]) -> None:
    table = Table(dialect=BetaDialect() if is_beta else None)
    sent = table.send("response.create", response=response, event_id="mine")
    assert get_kinds(sent)[0] in ("response.created", "error")
    if sent[0]["type"] == "error":
        assert sent[0]["error"]["event_id"] == "mine"
