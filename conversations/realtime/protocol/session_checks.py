"""Check what the types of the `openai` package leave open in a session or response: depth, ranges and lengths."""

from collections.abc import Collection
from typing import Any

from pydantic import BaseModel

from conversations.realtime.protocol.errors import ProtocolError, build_invalid_value_error

# What a client may ask for beyond the protocol; docs/protocol.md describes them.
EXTENSIONS = ("playback", "captions", "retry", "storage", "resume")
RANGES = {
    "audio.input.turn_detection.threshold": (0.0, 1.0),
    "audio.input.turn_detection.prefix_padding_ms": (0, 5_000),
    "audio.input.turn_detection.silence_duration_ms": (32, 10_000),
    "audio.input.turn_detection.idle_timeout_ms": (1_000, 600_000),
    "audio.output.speed": (0.25, 1.5),
    "max_output_tokens": (1, 4096),
    "truncation.retention_ratio": (0.0, 1.0),
    "truncation.token_limits.post_instructions": (0, 10_000_000),
}
MAX_TEXT_CHARS = 100_000
MAX_NAME_CHARS = 200
LENGTHS = {
    "instructions": MAX_TEXT_CHARS,
    "audio.input.transcription.prompt": MAX_TEXT_CHARS,
    "audio.input.transcription.model": MAX_NAME_CHARS,
    "audio.input.transcription.language": MAX_NAME_CHARS,
    "audio.output.voice": MAX_NAME_CHARS,
    "audio.output.voice.id": MAX_NAME_CHARS,
}
MAX_DEPTH = 64  # of objects and lists in one another; copying a deeper one would exhaust the stack
# Of an event: each value that is not valid is complained of, by every shape that it may have.
MAX_VALUES = 20_000
MAX_COMMAS = 2 * MAX_VALUES  # in its JSON; words have some, too
MAX_ENTRIES = 1_000  # of any list or object


def get_at(value: Any, path: str) -> Any:
    """Return what is at a dotted path of an object, parsed or as JSON, or None if there is nothing."""
    for key in path.split("."):
        if isinstance(value, BaseModel):
            value = getattr(value, key, None)
        else:
            value = value.get(key) if isinstance(value, dict) else None
    return value


def check_depth(value: object, param: str | None = None) -> None:
    """Raise ProtocolError if the value at `param`, or a whole event, is nested too deeply or has too many values."""
    level, count = [value], 0
    for _ in range(MAX_DEPTH):
        entries = [len(_list_inner_values(outer)) for outer in level]
        count += sum(entries)
        if max(entries) > MAX_ENTRIES or count > MAX_VALUES:
            message = f"An event may hold {MAX_VALUES} values, and {MAX_ENTRIES} in a list or an object."
            raise ProtocolError("invalid_value", message, param)
        level = [inner for outer in level for inner in _list_inner_values(outer)]
        if not level:
            return
    what = f"'{param}'" if param else "The event"
    raise ProtocolError("invalid_value", f"{what} is nested deeper than {MAX_DEPTH} levels.", param)


def _list_inner_values(value: object) -> Collection[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def check_values(given: BaseModel, root: str = "session") -> None:
    """Raise ProtocolError if a value is out of its range or too long.

    `given` is what a client asks of a session or a response.
    """
    for path, (least, most) in RANGES.items():
        value = get_at(given, path)
        if isinstance(value, int | float) and not least <= value <= most:
            raise build_invalid_value_error(f"{root}.{path}", f"is {value}; it must be between {least} and {most}.")
    for path, longest in LENGTHS.items():
        text = get_at(given, path)
        if isinstance(text, str) and len(text) > longest:
            raise build_invalid_value_error(f"{root}.{path}", f"is longer than {longest} characters.")
    if get_at(given, "output_modalities") == []:
        raise build_invalid_value_error(f"{root}.output_modalities", "must be ['audio'] or ['text'].")


def check_extensions(asked: BaseModel) -> None:
    """Raise ProtocolError unless the extensions that a client asks for are those of docs/protocol.md."""
    extensions = get_at(asked, "extensions") or []
    if not isinstance(extensions, list) or not all(name in EXTENSIONS for name in extensions):
        raise build_invalid_value_error("session.extensions", f"must be a list of any of {', '.join(EXTENSIONS)}.")
