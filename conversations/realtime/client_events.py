"""Frames in, client events out. Shapes are validated by the types of the `openai` package.

The audio append is the hot path and is read by hand; everything else goes through pydantic.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isinf
from typing import Annotated, Any, NoReturn, TypeVar

from openai.types import realtime as sdk
from pydantic import BaseModel, Field, ValidationError

from conversations.realtime.errors import ProtocolError

Model = TypeVar("Model", bound=BaseModel)


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


class PlaybackStarted(BaseModel):
    """`output_audio_buffer.started` of a client that is the output audio buffer (docs/protocol.md)."""

    response_id: str
    played_ms: Annotated[int, Field(strict=True, ge=0, le=3_600_000)]
    event_id: str | None = None


ClientEvent = (
    AudioAppend
    | PlaybackStarted
    | SessionUpdate
    | sdk.InputAudioBufferCommitEvent
    | sdk.InputAudioBufferClearEvent
    | sdk.ConversationItemCreateEvent
    | sdk.ConversationItemDeleteEvent
    | sdk.ConversationItemRetrieveEvent
    | sdk.ConversationItemTruncateEvent
    | sdk.ResponseCreateEvent
    | sdk.ResponseCancelEvent
)

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
# An event without audio is small; a huge one would keep every other session waiting while it is validated and copied.
MAX_EVENT_CHARS = 1_000_000
MAX_PARTS = 100  # of one item
# pydantic names the member of a union that it tried ("RealtimeFunctionTool", "server_vad"); no client wrote that key.
UNION_MEMBER = re.compile(r"[A-Z]|\[|function-|server_vad$|semantic_vad$|audio/")
UNSTORABLE = re.compile(r"\\u(0000|[dD][89a-fA-F])")


def parse(frame: str, translate: Callable[[dict[str, Any]], dict[str, Any]] | None = None) -> ClientEvent:
    """One text frame, `translate`d from another dialect. Raises ProtocolError with its `event_id` where it has one."""
    data = _object(frame)
    event_id = data.get("event_id")
    event_id = event_id if isinstance(event_id, str) else None
    try:
        if len(frame) > MAX_EVENT_CHARS and data.get("type") not in (APPEND, CREATE):
            raise ProtocolError("invalid_value", f"An event without audio may have {MAX_EVENT_CHARS} characters.")
        return _event(translate(data) if translate else data, event_id)
    except ProtocolError as error:
        error.event_id = event_id
        raise


def _event(data: dict[str, Any], event_id: str | None) -> ClientEvent:
    kind = data.get("type")
    if kind == APPEND:
        return AudioAppend(decode_audio(data.get("audio")), event_id)
    if kind == "session.update":
        return SessionUpdate(_session_patch(data), event_id)
    if kind is None:
        raise ProtocolError("missing_required_parameter", "The event has no 'type'.", "type")
    if not isinstance(kind, str) or kind not in SHAPES:
        raise ProtocolError("invalid_value", f"The event type {str(kind)[:80]!r} is not served. {_hint(kind)}", "type")
    if kind == CREATE:
        data = {**data, "item": _item(data.get("item"))}
    return checked(SHAPES[kind], data)  # type: ignore[return-value]  # SHAPES holds members of ClientEvent


def _hint(kind: object) -> str:
    if kind == "output_audio_buffer.clear":
        return "It belongs to WebRTC; on a WebSocket send response.cancel and conversation.item.truncate."
    return f"Known types: session.update, {APPEND}, {', '.join(SHAPES)}."


def _session_patch(data: dict[str, Any]) -> dict[str, Any]:
    if "session" not in data:
        raise ProtocolError("missing_required_parameter", "'session' is missing.", "session")
    if not isinstance(data["session"], dict):
        raise ProtocolError("invalid_value", "'session' must be an object.", "session")
    return data["session"]


def _item(item: object) -> dict[str, Any]:
    """The item, its parts' types as GA spells them. Raises ProtocolError that names the key at fault."""
    if not isinstance(item, dict):
        raise ProtocolError("missing_required_parameter", "'item' is missing: an object.", "item")
    role = item.get("role") if item.get("type") == "message" else None
    shape = next((shape for kind, shape in ITEM_SHAPES.items() if kind == (item.get("type"), role)), None)
    if shape is None:
        param = "item.role" if item.get("type") == "message" else "item.type"
        served = "message with role user, assistant or system; function_call; function_call_output"
        raise ProtocolError("invalid_value", f"'{param}' is not served. Items may be: {served}.", param)
    if isinstance(item.get("content"), list):
        if len(item["content"]) > MAX_PARTS:
            raise ProtocolError("invalid_value", f"'item.content' may have {MAX_PARTS} parts.", "item.content")
        names = PART_TYPES.get(str(role), {})
        item = {**item, "content": [_part(part, names) for part in item["content"]]}
    checked(shape, item, root="item")
    return item


def _part(part: object, names: dict[str, str]) -> object:
    if not isinstance(part, dict):
        return part
    kind = part.get("type")
    return {**part, "type": names.get(kind, kind) if isinstance(kind, str) else kind}


def checked(shape: type[Model], data: dict[str, Any], root: str = "") -> Model:
    """`data` as the typed model; raises ProtocolError that names the first fault as a path below `root`."""
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        # Of a union every member complains; the deepest complaint comes from the member that was meant.
        fault = max(error.errors(), key=lambda one: len(one["loc"]))
        keys = [root] * bool(root) + [str(key) for key in fault["loc"] if not UNION_MEMBER.match(str(key))]
        param = ".".join(keys)
        if fault["type"] == "missing":
            raise ProtocolError("missing_required_parameter", f"'{param}' is missing.", param) from None
        raise ProtocolError("invalid_value", f"'{param}' is not valid: {fault['msg']}.", param) from None


def _object(frame: str) -> dict[str, Any]:
    try:
        data = _DECODER.decode(frame)
        if UNSTORABLE.search(frame) and any(map(_is_unstorable, _strings(data))):
            raise ValueError
    except (ValueError, RecursionError):
        raise ProtocolError("invalid_json", "The frame is not valid JSON. Send one JSON object per frame.") from None
    if not isinstance(data, dict):
        raise ProtocolError("invalid_json", "The frame is not a JSON object. Send one JSON object per frame.")
    return data


def _finite(text: str) -> float:
    """`1e999` is JSON, but the infinity that Python makes of it could not be sent back."""
    if isinf(number := float(text)):
        raise ValueError(f"{text} is too large")
    return number


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


# Made once: `json.loads` would make one for every frame.
_DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)


def _is_unstorable(text: str) -> bool:
    """Half a surrogate pair or NUL: neither UTF-8 nor Postgres can hold it."""
    try:
        return b"\x00" in text.encode()
    except UnicodeEncodeError:
        return True


def _strings(data: object) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        yield from data
        for value in data.values():
            yield from _strings(value)
    elif isinstance(data, list):
        for value in data:
            yield from _strings(value)


def decode_audio(audio: object, param: str = "audio") -> bytes:
    """Base64 to PCM; an odd byte count is legal here, since an append may split a sample."""
    if audio is None:
        raise ProtocolError("missing_required_parameter", f"'{param}' is missing: base64 of PCM audio.", param)
    if not isinstance(audio, str):
        raise ProtocolError("invalid_value", f"'{param}' must be a base64 string.", param)
    try:
        return base64.b64decode(audio, validate=True)
    except (binascii.Error, ValueError):
        raise ProtocolError("invalid_value", f"'{param}' is not valid base64.", param) from None
