"""Frames in, client events out. Shapes are validated by the types of the `openai` package.

The audio append is the hot path and is read by hand; everything else goes through pydantic.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from openai.types import realtime as sdk
from pydantic import BaseModel, Field

from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.json_object import parse_json_object
from conversations.realtime.protocol.session_checks import MAX_COMMAS, MAX_VALUES, check_depth
from conversations.realtime.protocol.validation import validate_event


@dataclass(frozen=True, slots=True)
class AudioAppend:
    """`input_audio_buffer.append`, or a binary frame. The PCM may end in half a sample."""

    pcm: bytes
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class SessionUpdate:
    """`session.update`; `session_config` validates the patch, since absent and null differ in it."""

    patch: dict[str, Any]
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class ResponseRequest:
    """`response.create`. `input`: items and references in place of the conversation; None: not given."""

    options: sdk.RealtimeResponseCreateParams | None
    input: list[dict[str, Any]] | None
    event_id: str | None = None


class PlaybackStarted(BaseModel):
    """`output_audio_buffer.started` of a client that is the output audio buffer (docs/protocol.md)."""

    response_id: str
    played_ms: Annotated[int, Field(strict=True, ge=0, le=3_600_000)]
    event_id: str | None = None


class TranscriptionRetry(BaseModel):
    """Speech to text is asked once more for an utterance that it failed at (docs/protocol.md)."""

    item_id: str
    event_id: str | None = None


class Ping(BaseModel):
    """`session.ping`: is the server there? The socket answers it ahead of all that waits (docs/protocol.md)."""

    event_id: str | None = None


ClientEvent = (
    AudioAppend
    | Ping
    | PlaybackStarted
    | TranscriptionRetry
    | SessionUpdate
    | sdk.InputAudioBufferCommitEvent
    | sdk.InputAudioBufferClearEvent
    | sdk.ConversationItemCreateEvent
    | sdk.ConversationItemDeleteEvent
    | sdk.ConversationItemRetrieveEvent
    | sdk.ConversationItemTruncateEvent
    | ResponseRequest
    | sdk.ResponseCancelEvent
)

PING = "session.ping"
MAX_PING_CHARS = 1_000
SHAPES: dict[str, type[BaseModel]] = {
    "input_audio_buffer.commit": sdk.InputAudioBufferCommitEvent,
    "input_audio_buffer.clear": sdk.InputAudioBufferClearEvent,
    "conversation.item.create": sdk.ConversationItemCreateEvent,
    "conversation.item.delete": sdk.ConversationItemDeleteEvent,
    "conversation.item.retrieve": sdk.ConversationItemRetrieveEvent,
    "conversation.item.truncate": sdk.ConversationItemTruncateEvent,
    "response.create": sdk.ResponseCreateEvent,
    "response.cancel": sdk.ResponseCancelEvent,
    "output_audio_buffer.started": PlaybackStarted,
    PING: Ping,
    "conversation.item.input_audio_transcription.retry": TranscriptionRetry,
}
ITEM_SHAPES: dict[tuple[object, object], type[BaseModel]] = {
    ("message", "user"): sdk.RealtimeConversationItemUserMessage,
    ("message", "assistant"): sdk.RealtimeConversationItemAssistantMessage,
    ("message", "system"): sdk.RealtimeConversationItemSystemMessage,
    ("function_call", None): sdk.RealtimeConversationItemFunctionCall,
    ("function_call_output", None): sdk.RealtimeConversationItemFunctionCallOutput,
}
# Beta's and other clients' names of content parts, by role.
PART_TYPES = {
    "user": {"text": "input_text", "audio": "input_audio"},
    "system": {"text": "input_text"},
    "assistant": {"text": "output_text", "input_text": "output_text", "audio": "output_audio"},
}
APPEND = "input_audio_buffer.append"
CREATE = "conversation.item.create"
RESPOND = "response.create"
# An event without audio is small; a huge one would keep every other session waiting while it is validated and copied.
MAX_EVENT_CHARS = 1_000_000
COUNTED_FROM_CHARS = 50_000
MAX_PARTS = 100  # of one item
MAX_INPUT = 1_000  # items that a response names as its context


def is_ping(frame: str | bytes | None) -> bool:
    """Whether a frame is a `session.ping`, found at next to no cost among the others."""
    if not isinstance(frame, str) or len(frame) > MAX_PING_CHARS or PING not in frame:
        return False
    try:
        return parse_json_object(frame).get("type") == PING
    except ProtocolError:
        return False


def parse_event(frame: str, translate: Callable[[dict[str, Any]], dict[str, Any]] | None = None) -> ClientEvent:
    """One text frame, `translate`d from another dialect. Raises ProtocolError with its `event_id` where it has one."""
    if len(frame) > COUNTED_FROM_CHARS and frame.count(",") > MAX_COMMAS:  # told before it is taken apart
        raise ProtocolError("invalid_value", f"An event may hold at most {MAX_VALUES} values.")
    data = parse_json_object(frame)
    event_id = data.get("event_id")
    event_id = event_id if isinstance(event_id, str) else None
    try:
        if len(frame) > MAX_EVENT_CHARS and data.get("type") not in (APPEND, CREATE):
            raise ProtocolError(
                "invalid_value", f"An event without audio may have at most {MAX_EVENT_CHARS} characters."
            )
        return _parse_data(translate(data) if translate else data, event_id)
    except ProtocolError as error:
        error.event_id = event_id
        raise


def _parse_data(data: dict[str, Any], event_id: str | None) -> ClientEvent:
    kind = data.get("type")
    if kind == APPEND:
        return AudioAppend(decode_audio(data.get("audio")), event_id)
    check_depth(data)
    if kind == "session.update":
        return SessionUpdate(_get_session_patch(data), event_id)
    if kind is None:
        raise ProtocolError("missing_required_parameter", "The event has no 'type'.", "type")
    if not isinstance(kind, str) or kind not in SHAPES:
        raise ProtocolError(
            "invalid_value", f"The event type {str(kind)[:80]!r} is not supported. {_hint_at_types(kind)}", "type"
        )
    if kind == CREATE:
        data = {**data, "item": _parse_item(data.get("item"))}
    if kind == RESPOND:
        return _parse_response_request(data)
    return validate_event(SHAPES[kind], data)  # type: ignore[return-value]  # SHAPES holds members of ClientEvent


def _hint_at_types(kind: object) -> str:
    if kind == "output_audio_buffer.clear":
        return "It is for WebRTC. On a WebSocket, send response.cancel and conversation.item.truncate."
    return f"Known types: session.update, {APPEND}, {', '.join(SHAPES)}."


def _get_session_patch(data: dict[str, Any]) -> dict[str, Any]:
    if "session" not in data:
        raise ProtocolError("missing_required_parameter", "'session' is missing.", "session")
    if not isinstance(data["session"], dict):
        raise ProtocolError("invalid_value", "'session' must be an object.", "session")
    return data["session"]


def _parse_response_request(data: dict[str, Any]) -> ResponseRequest:
    """The SDK's type of `input` knows no references, so it is looked at apart."""
    asked = data.get("response")
    given = asked.get("input") if isinstance(asked, dict) else None
    if isinstance(asked, dict):
        data = {**data, "response": {key: value for key, value in asked.items() if key != "input"}}
    event = validate_event(sdk.ResponseCreateEvent, data)
    return ResponseRequest(event.response, None if given is None else _parse_inputs(given), event.event_id)


def _parse_inputs(given: object) -> list[dict[str, Any]]:
    root = "response.input"
    if not isinstance(given, list) or len(given) > MAX_INPUT:
        raise ProtocolError("invalid_value", f"'{root}' must be a list of at most {MAX_INPUT} items.", root)
    return [_parse_input(one, f"{root}.{place}") for place, one in enumerate(given)]


def _parse_input(given: object, root: str) -> dict[str, Any]:
    if isinstance(given, dict) and given.get("type") == "item_reference":
        if not isinstance(given.get("id"), str):
            raise ProtocolError("missing_required_parameter", f"'{root}.id' is missing.", f"{root}.id")
        return given
    return {key: value for key, value in _parse_item(given, root).items() if value is not None}


def _parse_item(item: object, root: str = "item") -> dict[str, Any]:
    """The item, its parts' types as GA spells them. Raises ProtocolError that names the key at fault."""
    if not isinstance(item, dict):
        raise ProtocolError("missing_required_parameter", f"'{root}' is missing. It must be an object.", root)
    role = item.get("role") if item.get("type") == "message" else None
    shape = next((shape for kind, shape in ITEM_SHAPES.items() if kind == (item.get("type"), role)), None)
    if shape is None:
        param = f"{root}.role" if item.get("type") == "message" else f"{root}.type"
        served = "message with role user, assistant or system; function_call; function_call_output"
        raise ProtocolError("invalid_value", f"'{param}' is not supported. Use one of: {served}.", param)
    if isinstance(item.get("content"), list):
        if len(item["content"]) > MAX_PARTS:
            raise ProtocolError(
                "invalid_value", f"'{root}.content' may have at most {MAX_PARTS} parts.", f"{root}.content"
            )
        names = PART_TYPES.get(str(role), {})
        item = {**item, "content": [_normalize_part(part, names) for part in item["content"]]}
    validate_event(shape, item, root=root)
    return item


def _normalize_part(part: object, names: dict[str, str]) -> object:
    if not isinstance(part, dict):
        return part
    kind = part.get("type")
    return {**part, "type": names.get(kind, kind) if isinstance(kind, str) else kind}


def decode_audio(audio: object, param: str = "audio") -> bytes:
    """Base64 to PCM; an odd byte count is legal here, since an append may split a sample."""
    if audio is None:
        raise ProtocolError(
            "missing_required_parameter", f"'{param}' is missing. It must be PCM audio in base64.", param
        )
    if not isinstance(audio, str):
        raise ProtocolError("invalid_value", f"'{param}' must be a base64 string.", param)
    try:
        return base64.b64decode(audio, validate=True)
    except (binascii.Error, ValueError):
        raise ProtocolError("invalid_value", f"'{param}' is not valid base64.", param) from None
