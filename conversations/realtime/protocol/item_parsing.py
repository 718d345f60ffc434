"""Parse the items that clients create: those of the conversation, and those that one response is made of."""

import base64
from dataclasses import dataclass, fields
from typing import Any, Literal

from openai.types import realtime as sdk
from pydantic import BaseModel

from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.json_values import decode_audio
from conversations.realtime.protocol.validation import validate_event

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
MAX_PARTS = 100  # of one item
MAX_INPUT = 1_000  # items that a response names as its context


@dataclass(frozen=True, slots=True)
class ContentPart:
    """A part of a message. `audio` is in the session's format, and PCM once the session has converted it."""

    type: str | None = None
    text: str | None = None
    transcript: str | None = None
    audio: bytes | None = None

    def to_wire(self) -> dict[str, Any]:
        """Return the part as an entry of an item's `content`."""
        sound = {} if self.audio is None else {"audio": base64.b64encode(self.audio).decode()}
        shown = {"type": self.type, "text": self.text, "transcript": self.transcript}
        return {key: value for key, value in shown.items() if value is not None} | sound


@dataclass(frozen=True, slots=True)
class ClientItem:
    """An item as a client creates it; None stands for what it left out, or what its type does not have."""

    type: Literal["message", "function_call", "function_call_output"]
    id: str | None = None
    role: str | None = None
    content: tuple[ContentPart, ...] = ()
    name: str | None = None
    call_id: str | None = None
    arguments: str | None = None  # JSON text
    output: str | None = None
    object: str | None = None  # this and the status have no effect; a speech-to-speech model is told of them
    status: str | None = None

    def to_wire(self) -> dict[str, Any]:
        """Return the item as `conversation.item.create` has it."""
        shown = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "content"}
        content = {"content": [part.to_wire() for part in self.content]} if self.type == "message" else {}
        return {key: value for key, value in shown.items() if value is not None} | content


@dataclass(frozen=True, slots=True)
class ItemReference:
    """An item of the conversation, by its id, among those that a response is made of."""

    id: str
    type: Literal["item_reference"] = "item_reference"

    def to_wire(self) -> dict[str, Any]:
        """Return the reference as an entry of a response's `input`."""
        return {"type": self.type, "id": self.id}


InputItem = ClientItem | ItemReference


def normalize_item(item: object, root: str = "item") -> dict[str, Any]:
    """Return the item at `root` with the types of its parts as GA spells them, checked against its shape.

    Raise ProtocolError that names the key at fault.
    """
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


def read_item(item: dict[str, Any], root: str = "item") -> ClientItem:
    """Return a normalized item as a typed value, or raise ProtocolError for audio that is not base64."""
    texts = {
        key: _get_text(item, key)
        for key in ("id", "role", "name", "call_id", "arguments", "output", "object", "status")
    }
    parts = item["content"] if item["type"] == "message" else ()
    return ClientItem(item["type"], content=tuple(_read_part(part, root) for part in parts), **texts)


def _read_part(part: dict[str, Any], root: str) -> ContentPart:
    sound = part.get("audio")
    audio = decode_audio(sound, f"{root}.content.audio") if sound or sound == "" else None
    return ContentPart(_get_text(part, "type"), _get_text(part, "text"), _get_text(part, "transcript"), audio)


def _get_text(data: dict[str, Any], key: str) -> str | None:
    """Return a text, or None if there is none: what the shape does not know may be anything."""
    value = data.get(key)
    return value if isinstance(value, str) else None


def parse_inputs(given: object) -> tuple[InputItem, ...]:
    """Return the items and references that a response is to be made of, or raise ProtocolError."""
    root = "response.input"
    if not isinstance(given, list) or len(given) > MAX_INPUT:
        raise ProtocolError("invalid_value", f"'{root}' must be a list of at most {MAX_INPUT} items.", root)
    return tuple(_parse_input(one, f"{root}.{place}") for place, one in enumerate(given))


def _parse_input(given: object, root: str) -> InputItem:
    if isinstance(given, dict) and given.get("type") == "item_reference":
        if not isinstance(given.get("id"), str):
            raise ProtocolError("missing_required_parameter", f"'{root}.id' is missing.", f"{root}.id")
        return ItemReference(given["id"])
    return read_item(normalize_item(given, root), root)
