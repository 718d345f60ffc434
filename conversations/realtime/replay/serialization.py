"""Which classes a recording may name, and their values as JSON: nothing else is ever built from a file.

The table is derived from the types that the machines take, so a new event needs no line here. Bytes and the sound
within wire events stand as `{"$…": …}`; without sound only their length is kept, and silence takes their place.
"""

import base64
import binascii
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel, TypeAdapter, ValidationError

from conversations.realtime.engine_events import EngineEvent
from conversations.realtime.machine import TurnMachine
from conversations.realtime.protocol.client_events import (
    APPEND,
    CREATE,
    RESPOND,
    SHAPES,
    AudioAppend,
    ClientEvent,
    ItemCreation,
    ResponseRequest,
    SessionUpdate,
)
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.session_config import SessionConfig
from conversations.realtime.protocol.session_update import read_config
from conversations.realtime.relay.machine import Event as RelayEvent
from conversations.realtime.relay.machine import RelayMachine
from conversations.realtime.replay.redaction import is_secret, mask, remove_address_secrets

MAX_SILENCE_BYTES = 20_000_000  # that one line may stand for
MAX_SILENCE_BYTES_IN_ALL = 4_000_000_000  # about a day of sound
NOT_BASE64 = "!"  # stands for what a client sent as sound and was none
SOUND_KEYS = ("audio", "delta")

MACHINES: dict[str, type[TurnMachine] | type[RelayMachine]] = {"cascade": TurnMachine, "s2s": RelayMachine}
_WIRE_NAMES: dict[type, str] = {shape: kind for kind, shape in SHAPES.items()} | {
    AudioAppend: APPEND,
    SessionUpdate: "session.update",
    ResponseRequest: RESPOND,
    ItemCreation: CREATE,
}
# Names that older recordings have for a class: old name -> present name. A renamed class gets a line here.
RENAMED: dict[str, str] = {}
# The same for the arguments of a machine, and for what `setup` holds.
RENAMED_ARGUMENTS = {"manner": "setup", "speculation": "preemptive_generation", "streams": "has_streaming_stt"}


def get_name(event_type: type) -> str:
    """Return the wire's name of an event where the wire has one, else the name of its class."""
    return _WIRE_NAMES.get(event_type, event_type.__name__)


EVENTS: dict[str, type] = {
    get_name(event_type): event_type
    for event_type in (*get_args(ClientEvent), *get_args(EngineEvent), *get_args(RelayEvent))
}


class BrokenValueError(Exception):
    """A recording holds a value that does not fit its type."""


@dataclass(slots=True)
class Encoder:
    """Turn values into JSON. `scrub` removes known secrets from a string."""

    with_sound: bool
    scrub: Callable[[str], str]

    def encode(self, value: Any) -> Any:
        """Return `value` as JSON can hold it. Raise TypeError for what no event or setting may hold."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self.scrub(value)
        if isinstance(value, bytes | bytearray):
            return {"$base64": base64.b64encode(value).decode()} if self.with_sound else {"$silence": len(value)}
        if isinstance(value, BaseModel):
            return self._encode_object(value.model_dump(mode="json", exclude_unset=True, by_alias=True))
        if isinstance(value, SessionConfig):
            return self._encode_object(value.to_wire())
        if is_dataclass(value):
            return {field.name: self.encode(getattr(value, field.name)) for field in fields(value)}
        if isinstance(value, dict):
            return self._encode_object(value)
        if isinstance(value, list | tuple):
            return [self.encode(one) for one in value]
        if isinstance(value, set | frozenset):
            return sorted(self.encode(one) for one in value)
        raise TypeError(f"a recording cannot hold a {type(value).__name__}")

    def _encode_object(self, value: dict[str, Any]) -> dict[str, Any]:
        encoded = {str(key): self._encode_member(value, key) for key in value}
        if any(key.startswith("$") for key in encoded):  # a client's own key must not read as ours
            return {"$object": [[key, inner] for key, inner in encoded.items()]}
        return encoded

    def _encode_member(self, value: dict[str, Any], key: Any) -> Any:
        inner = value[key]
        if isinstance(inner, str):
            if key in SOUND_KEYS and _is_sound(value, key):
                return inner if self.with_sound else _encode_silence(inner)
            if key in ("server_url", "url"):
                return self.scrub(remove_address_secrets(inner))
        return mask(self.encode(inner)) if is_secret(str(key)) else self.encode(inner)


def _is_sound(event: dict[str, Any], key: str) -> bool:
    return key == "audio" or str(event.get("type", "")).endswith("audio.delta")


def _encode_silence(sound: str) -> Any:
    try:
        return {"$silence64": len(base64.b64decode(sound, validate=True))}
    except (binascii.Error, ValueError):
        return NOT_BASE64


class Decoder:
    """Turn the JSON of one recording into values again."""

    def __init__(self) -> None:
        self._silence_bytes = 0
        self._room_bytes = 0  # of the present line

    def begin_line(self) -> None:
        """Allow the next line its own share of silence."""
        self._room_bytes = MAX_SILENCE_BYTES

    def decode_object(self, pairs: dict[str, Any]) -> Any:
        """Return what an object of the JSON stands for; `json.loads` calls it for each. Raise BrokenValueError."""
        key = next(iter(pairs), "")
        if not key.startswith("$"):
            return pairs
        inner = pairs[key]
        try:
            match key:
                case "$silence":
                    return bytes(self._count_silence(inner))
                case "$silence64":
                    return base64.b64encode(bytes(self._count_silence(inner))).decode()
                case "$base64":
                    return base64.b64decode(inner, validate=True)
                case "$object":
                    return dict(inner)
        except (TypeError, ValueError) as error:
            raise BrokenValueError(f"{key!r} holds something else") from error
        raise BrokenValueError(f"{key[:80]!r} is not known")

    def _count_silence(self, size_bytes: Any) -> int:
        if not isinstance(size_bytes, int) or not 0 <= size_bytes <= MAX_SILENCE_BYTES:
            raise BrokenValueError("a silence of no possible length")
        self._silence_bytes += size_bytes
        self._room_bytes -= size_bytes
        if self._room_bytes < 0 or self._silence_bytes > MAX_SILENCE_BYTES_IN_ALL:
            raise BrokenValueError("more silence than a call has sound")
        return size_bytes


def decode_event(name: Any, given: Any) -> Any:
    """Return the event of that name. Raise BrokenValueError."""
    name = RENAMED.get(name, name) if isinstance(name, str) else None
    if name not in EVENTS:
        raise BrokenValueError(f"no event is called {str(name)[:80]!r}")
    if name == CREATE and isinstance(given, dict):
        given = _decode_older_sound(given)
    return _validate(_build_adapter(EVENTS[name]), given, name)


def _decode_older_sound(given: dict[str, Any]) -> dict[str, Any]:
    """Return an item's creation with its sound as bytes; older recordings have it as the client sent it, in base64."""
    item = given.get("item")
    if not isinstance(item, dict) or not isinstance(item.get("content"), list):
        return given
    return given | {"item": item | {"content": [_decode_older_part(part) for part in item["content"]]}}


def _decode_older_part(part: Any) -> Any:
    if not isinstance(part, dict) or not isinstance(part.get("audio"), str):
        return part
    try:
        return part | {"audio": base64.b64decode(part["audio"], validate=True)}
    except (binascii.Error, ValueError) as error:
        raise BrokenValueError("audio is no base64") from error


def decode_arguments(machine: type, given: Any) -> dict[str, Any]:
    """Return what a machine was built with, but for `make_id`. Raise BrokenValueError."""
    hints = get_type_hints(machine.__init__)  # type: ignore[misc]  # of a class from the table
    names = [name for name in inspect.signature(machine).parameters if name != "make_id"]
    if isinstance(given, dict):
        given = _rename_arguments(given)
        if isinstance(given.get("setup"), dict):
            given["setup"] = _rename_arguments(given["setup"])
    if not isinstance(given, dict) or not set(given) <= set(names):
        raise BrokenValueError(f"a {machine.__name__} is built with {', '.join(names)}")
    return {
        name: _read_config(value) if hints[name] is SessionConfig else _validate(TypeAdapter(hints[name]), value, name)
        for name, value in given.items()
    }


def _rename_arguments(given: dict[str, Any]) -> dict[str, Any]:
    return {RENAMED_ARGUMENTS.get(name, name): value for name, value in given.items()}


def _read_config(shown: Any) -> SessionConfig:
    try:
        return read_config(shown)
    except (ProtocolError, AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise BrokenValueError("config does not fit") from error


@cache
def _build_adapter(event_type: type) -> TypeAdapter[Any]:
    return TypeAdapter(event_type)


def _validate(adapter: TypeAdapter[Any], value: Any, name: str) -> Any:
    try:
        return adapter.validate_python(value)
    except (ValidationError, RecursionError) as error:
        where = ""
        if isinstance(error, ValidationError):
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
        raise BrokenValueError(f"{'.'.join(part for part in (name, where) if part)[:200]} does not fit") from error
