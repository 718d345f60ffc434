"""Client events as Hypothesis makes them: right, nearly right, and nonsense; and what each of them asks for."""

import base64
from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

Event = dict[str, Any]

IDS = ("item_a", "item_b", "item_c")
LATEST = "item_latest"  # stands for the one that was announced last
TOOL = {"type": "function", "name": "weather", "description": "Now.", "parameters": {"type": "object"}}
ANSWERS = {
    "session.update": "session.updated",
    "input_audio_buffer.commit": "input_audio_buffer.committed",
    "input_audio_buffer.clear": "input_audio_buffer.cleared",
    "conversation.item.create": "conversation.item.added",
    "conversation.item.retrieve": "conversation.item.retrieved",
    "conversation.item.delete": "conversation.item.deleted",
    "conversation.item.truncate": "conversation.item.truncated",
    "response.create": "response.created",
    "response.cancel": "response.done",
}

ids = st.sampled_from(IDS)
known = st.sampled_from([*IDS, LATEST, LATEST])
words = st.sampled_from(["Hello there.", "What is the time?", "", "Привет", "x" * 300])
numbers = st.sampled_from([0, 1, -1, 100, 5000, 10**9, 0.5, 1.5])
sound = st.sampled_from([bytes(4800), bytes(480), b"\x01" * 481, b""]).map(lambda pcm: base64.b64encode(pcm).decode())


def build_events(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Event]:
    return st.fixed_dictionaries({"type": st.just(kind), **fields})


def build_optional_fields(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Event]:
    return st.fixed_dictionaries({}, optional=fields)


turn_detection = st.sampled_from(
    [
        None,
        {"type": "server_vad"},
        {"type": "server_vad", "silence_duration_ms": 200, "idle_timeout_ms": 1000},
        {"type": "server_vad", "create_response": False, "interrupt_response": False},
        {"type": "semantic_vad", "eagerness": "high"},
        {"type": "server_vad", "threshold": 7},
    ]
)
sessions = build_optional_fields(
    instructions=words,
    output_modalities=st.sampled_from([["text"], ["audio"]]),
    tools=st.sampled_from([[], [TOOL], [TOOL, TOOL], [{"type": "function"}]]),
    tool_choice=st.sampled_from(["auto", "none", "required", {"type": "function", "name": "weather"}]),
    max_output_tokens=st.sampled_from([1, "inf", 0]),
    truncation=st.sampled_from(["auto", "disabled", {"type": "retention_ratio", "retention_ratio": 0.5}]),
    extensions=st.sampled_from([[], ["playback"], ["playback", "captions"]]),
    audio=build_optional_fields(
        input=build_optional_fields(
            turn_detection=turn_detection,
            transcription=st.sampled_from([None, {"model": "m"}, {"language": "de"}]),
            noise_reduction=st.sampled_from([None, {"type": "near_field"}]),
        ),
        output=build_optional_fields(voice=st.sampled_from(["alloy", "marin", {"id": "v"}]), speed=numbers),
    ),
)
items = st.one_of(
    st.fixed_dictionaries(
        {
            "type": st.just("message"),
            "role": st.sampled_from(["user", "system", "assistant"]),
            "content": st.lists(
                st.one_of(
                    st.builds(lambda text: {"type": "input_text", "text": text}, words),
                    st.builds(lambda audio: {"type": "input_audio", "audio": audio}, sound),
                    st.builds(lambda text: {"type": "output_text", "text": text}, words),
                ),
                max_size=2,
            ),
        },
        optional={"id": ids},
    ),
    st.builds(
        lambda item_id: {"id": item_id, "type": "function_call", "name": "f", "call_id": "c", "arguments": "{}"}, ids
    ),
    st.builds(lambda output: {"type": "function_call_output", "call_id": "c", "output": output}, words),
)
responses = build_optional_fields(
    instructions=words,
    output_modalities=st.sampled_from([["text"], ["audio"]]),
    conversation=st.sampled_from(["auto", "none", "other"]),
    input=st.lists(st.one_of(items, st.builds(lambda one: {"type": "item_reference", "id": one}, known)), max_size=2),
    metadata=st.sampled_from([{}, {"a": "b"}, {str(n): "" for n in range(17)}]),
    tools=st.sampled_from([[], [TOOL]]),
    max_output_tokens=st.sampled_from([1, "inf", 0]),
)
right = st.one_of(
    build_events("session.update", session=sessions),
    build_events("input_audio_buffer.append", audio=sound),
    build_events("input_audio_buffer.commit"),
    build_events("input_audio_buffer.clear"),
    build_events("conversation.item.create", item=items),
    build_events("conversation.item.create", item=items, previous_item_id=st.sampled_from([*IDS, "root", None])),
    build_events("conversation.item.retrieve", item_id=known),
    build_events("conversation.item.delete", item_id=known),
    build_events("conversation.item.truncate", item_id=known, content_index=st.just(0), audio_end_ms=numbers),
    build_events("conversation.item.input_audio_transcription.retry", item_id=known),
    build_events("response.create"),
    build_events("response.create", response=responses),
    build_events("response.cancel"),
    build_events("output_audio_buffer.started", response_id=ids, played_ms=numbers),
)
text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)  # a frame with those is no JSON for us
junk = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(text, inner, max_size=2),
    max_leaves=4,
)


@st.composite
def build_wrong_events(draw: st.DrawFn) -> Event:
    """Build events of which one value, or all of it, is replaced by junk."""
    made = draw(right)
    keys = [()] if draw(st.integers(0, 9)) == 0 else list(_find_paths(made))
    path = draw(st.sampled_from(keys))
    if not path:
        return draw(st.dictionaries(text, junk, max_size=2))
    return _replace(made, path, draw(junk))  # type: ignore[no-any-return]


def _find_paths(value: Any, at: tuple[Any, ...] = ()) -> Iterable[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*at, key)
        yield from _find_paths(inner, (*at, key))


def _replace(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    if not path:
        return by
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _replace(value[path[0]], path[1:], by)
    return copy


any_event = st.one_of(right, right, build_wrong_events())
