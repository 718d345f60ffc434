"""What each server event must have, and where it may say null (realtime-protocol, sections 2, 5 and 7).

The SDK's types let nearly everything be absent or null; clients do not.
"""

from collections.abc import Iterator
from typing import Any

R_SET = "response_id item_id output_index content_index"
RESPONSE = (
    "response.id response.object response.status response.status_details response.output response.conversation_id "
    "response.usage response.max_output_tokens"
)
ITEM = "item.id item.type item.status"
CALL = "response_id item_id output_index call_id"
MCP_CALL = "response_id item_id output_index"
USAGE = (
    "response.usage.total_tokens response.usage.input_tokens response.usage.output_tokens "
    "response.usage.input_token_details response.usage.output_token_details"
)
TRANSCRIPTION = "conversation.item.input_audio_transcription"
REQUIRED = {
    "error": "error.type error.message error.code error.param error.event_id",
    "session.created": "session.id session.object session.model session.expires_at session.instructions session.tools",
    "session.updated": "session.id session.object session.model session.expires_at session.instructions session.tools",
    "conversation.created": "conversation.id conversation.object",
    "conversation.item.added": f"{ITEM} previous_item_id",
    "conversation.item.done": f"{ITEM} previous_item_id",
    "conversation.item.retrieved": ITEM,
    "conversation.item.truncated": "item_id content_index audio_end_ms",
    "conversation.item.deleted": "item_id",
    f"{TRANSCRIPTION}.delta": "item_id content_index delta",
    f"{TRANSCRIPTION}.completed": "item_id content_index transcript usage.type",
    f"{TRANSCRIPTION}.failed": "item_id content_index error.type error.message error.code",
    "input_audio_buffer.speech_started": "audio_start_ms item_id",
    "input_audio_buffer.speech_stopped": "audio_end_ms item_id",
    "input_audio_buffer.committed": "item_id previous_item_id",
    "input_audio_buffer.cleared": "",
    "input_audio_buffer.timeout_triggered": "audio_start_ms audio_end_ms item_id",
    "response.created": RESPONSE,
    "response.done": f"{RESPONSE} {USAGE}",
    "response.output_item.added": f"response_id output_index {ITEM}",
    "response.output_item.done": f"response_id output_index {ITEM}",
    "response.content_part.added": f"{R_SET} part.type",
    "response.content_part.done": f"{R_SET} part.type",
    "response.output_text.delta": f"{R_SET} delta",
    "response.output_text.done": f"{R_SET} text",
    "response.output_audio_transcript.delta": f"{R_SET} delta",
    "response.output_audio_transcript.done": f"{R_SET} transcript",
    "response.output_audio.delta": f"{R_SET} delta",
    "response.output_audio.done": R_SET,
    "response.function_call_arguments.delta": f"{CALL} delta",
    "response.function_call_arguments.done": f"{CALL} arguments name",
    "response.mcp_call_arguments.delta": f"{MCP_CALL} delta",
    "response.mcp_call_arguments.done": f"{MCP_CALL} arguments",
    "response.mcp_call.in_progress": "item_id output_index",
    "response.mcp_call.completed": "item_id output_index",
    "response.mcp_call.failed": "item_id output_index",
    "rate_limits.updated": "rate_limits",
}
# By the type of the item or part within.
OF_ITEM = {
    "message": "item.role item.content",
    "function_call": "item.name item.call_id item.arguments",
    "function_call_output": "item.call_id item.output",
    "mcp_call": "item.name item.server_label item.arguments item.output",
}
OF_PART = {"audio": "part.transcript", "text": "part.text"}
MAY_BE_NULL = {
    "error.code", "error.param", "error.event_id", "previous_item_id", "item.content.transcript",
    "item.output", "response.output.output",
    "response.status_details", "response.usage", "response.conversation_id",
    "session.tracing", "session.audio.input.turn_detection", "session.audio.input.transcription",
    "session.audio.input.noise_reduction", "session.audio.input.turn_detection.idle_timeout_ms",
    "session.turn_detection", "session.input_audio_transcription", "session.input_audio_noise_reduction",
}  # fmt: skip


def check_fields(event: dict[str, Any], kind: str) -> None:
    """Check that an event has all that it must have; `kind` is its type as GA names it."""
    leaves = dict(list_paths(event))
    wanted = REQUIRED[kind].split()
    if "item" in event:
        wanted += OF_ITEM[event["item"]["type"]].split()
    if "part" in event:
        wanted += OF_PART[event["part"]["type"]].split()
    missing = [path for path in wanted if path not in leaves]
    assert not missing, f"{kind} lacks {missing}: {event}"
    nulls = [path for path, value in leaves.items() if value is None and path not in MAY_BE_NULL]
    assert not nulls, f"{kind} has null in {nulls}: {event}"


def list_paths(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every path below `value` with what is there; the members of a list share their path."""
    if path:
        yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from list_paths(inner, f"{path}.{key}".strip("."))
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, dict):
                for key, leaf in inner.items():
                    yield from list_paths(leaf, f"{path}.{key}")
