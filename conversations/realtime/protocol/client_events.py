"""Parse text frames into client events, whose shapes are validated by the types of the `openai` package.

An audio append comes up to 50 times a second and is read by hand; everything else goes through pydantic.
"""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from openai.types import realtime as sdk
from pydantic import BaseModel, Field

from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.item_parsing import (
    ClientItem,
    InputItem,
    normalize_item,
    parse_inputs,
    read_item,
)
from conversations.realtime.protocol.json_values import decode_audio, parse_json_object
from conversations.realtime.protocol.session_checks import MAX_COMMAS, MAX_VALUES, check_depth
from conversations.realtime.protocol.validation import validate_event


@dataclass(frozen=True, slots=True)
class AudioAppend:
    """An `input_audio_buffer.append` event, or a binary frame. The PCM may end in half a sample."""

    pcm: bytes
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class SessionUpdate:
    """A `session.update` event. `session_update` parses the patch, which needs the session; null is not absent."""

    patch: dict[str, Any]
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class ResponseRequest:
    """A `response.create` event. `input` has the items that replace the conversation, or is None if not given."""

    options: sdk.RealtimeResponseCreateParams | None
    input: tuple[InputItem, ...] | None
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class ItemCreation:
    """A `conversation.item.create` event. `previous_item_id` is "root" for the first place, None for the last."""

    item: ClientItem
    previous_item_id: str | None = None
    event_id: str | None = None


class PlaybackStarted(BaseModel):
    """An `output_audio_buffer.started` event of a client that is the output audio buffer (docs/protocol.md)."""

    response_id: str
    played_ms: Annotated[int, Field(strict=True, ge=0, le=3_600_000)]
    event_id: str | None = None


class TranscriptionRetry(BaseModel):
    """A request to ask speech to text once more for an utterance that it failed at (docs/protocol.md)."""

    item_id: str
    event_id: str | None = None


class Ping(BaseModel):
    """A `session.ping` event: is the server there? The socket answers it ahead of all that waits (docs/protocol.md).

    `after` is the id of the last event that the client has, with the extension `resume`.
    """

    event_id: str | None = None
    after: str | None = None


ClientEvent = (
    AudioAppend
    | Ping
    | PlaybackStarted
    | TranscriptionRetry
    | SessionUpdate
    | sdk.InputAudioBufferCommitEvent
    | sdk.InputAudioBufferClearEvent
    | ItemCreation
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
APPEND = "input_audio_buffer.append"
CREATE = "conversation.item.create"
RESPOND = "response.create"
# How clients begin an append, with or without an id. Where base64 and `"}` follow, nothing else can be in the frame.
APPEND_BEGINNING = re.compile(
    r'\{(?:"event_id": ?"([\w-]+)", ?)?"type": ?"input_audio_buffer\.append", ?"audio": ?"', re.ASCII
)
# An event without audio is small; a huge one would keep every other session waiting while it is validated and copied.
MAX_EVENT_CHARS = 1_000_000
COUNTED_FROM_CHARS = 50_000


def read_ping(frame: str | bytes) -> dict[str, Any] | None:
    """Return a frame that is a `session.ping`, or None, at next to no cost for all others."""
    if not isinstance(frame, str) or len(frame) > MAX_PING_CHARS or PING not in frame:
        return None
    try:
        event = parse_json_object(frame)
    except ProtocolError:
        return None
    return event if event.get("type") == PING else None


def parse_event(frame: str, translate: Callable[[dict[str, Any]], dict[str, Any]] | None = None) -> ClientEvent:
    """Return the event of a text frame, which `translate` turns into the GA dialect if it comes in another one.

    Raise ProtocolError with the `event_id` of the frame, if it has one.
    """
    if append := read_plain_append(frame):
        return append
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


def read_plain_append(frame: str) -> AudioAppend | None:
    """Return an append in the shape that clients send, without a parser of JSON; None if the frame needs one."""
    beginning = APPEND_BEGINNING.match(frame)
    if beginning is None or not frame.endswith('"}', beginning.end()):
        return None
    try:
        return AudioAppend(base64.b64decode(frame[beginning.end() : -2], validate=True), beginning[1])
    except ValueError:  # the parser says what is wrong with it
        return None


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
        return _parse_item_creation(data)
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


def _parse_item_creation(data: dict[str, Any]) -> ItemCreation:
    item = normalize_item(data.get("item"))
    event = validate_event(sdk.ConversationItemCreateEvent, {**data, "item": item})
    return ItemCreation(read_item(item), event.previous_item_id, event.event_id)


def _parse_response_request(data: dict[str, Any]) -> ResponseRequest:
    """Return a `response.create`; its `input` is parsed apart, since the SDK's type of it knows no references."""
    asked = data.get("response")
    given = asked.get("input") if isinstance(asked, dict) else None
    if isinstance(asked, dict):
        data = {**data, "response": {key: value for key, value in asked.items() if key != "input"}}
    event = validate_event(sdk.ResponseCreateEvent, data)
    return ResponseRequest(event.response, None if given is None else parse_inputs(given), event.event_id)
