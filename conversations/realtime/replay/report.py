"""What a replay prints: for each step its time, the event in one line, and the actions below it.

Sound that comes in, or goes to the engines, without a decision is told in one line for all of it.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from pydantic import BaseModel

from conversations.realtime.commands import DetectSpeech, FeedTranscriber, KeepUserAudio, Send
from conversations.realtime.engine_events import SpeechWindow
from conversations.realtime.protocol.client_events import APPEND, AudioAppend
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.relay.commands import SendUpstream
from conversations.realtime.replay.player import Decided
from conversations.realtime.replay.serialization import get_name

WIDTH = 220  # characters of a line
VALUE_WIDTH = 100  # of one value in it
TIMES = ("at", "due_at")  # fields that hold a time of the session's clock
FREQUENT = (get_name(AudioAppend), get_name(SpeechWindow))  # dozens a second


def format_steps(steps: Iterable[Decided], clock: float) -> Iterator[str]:
    """Yield the lines. `clock`: what the session's clock said at the start."""
    quiet: list[tuple[float, str]] = []
    for decided in steps:
        if _is_quiet(decided):
            quiet.append((decided.step.at, decided.step.name))
            continue
        yield from _format_quiet(quiet)
        quiet.clear()
        yield from format_step(decided, clock)
    yield from _format_quiet(quiet)


def format_step(decided: Decided, clock: float) -> Iterator[str]:
    """Yield the lines of one step."""
    step = decided.step
    what = step.name if step.entry == "receive" else f"{step.entry} {step.name}".rstrip()
    yield _format_line(f"{step.at:9.3f} #{decided.number} {what} {_format_members(step.given, clock)}")
    for action in decided.actions:
        yield _format_line(f"              {_format_command(action, clock)}")
    if decided.raised or step.raised:
        then = f", in the call {step.raised or 'nothing'}"
        yield _format_line(f"              raised {decided.raised or 'nothing'}{then}")


def format_step_in_full(decided: Decided, clock: float) -> Iterator[str]:
    """Yield the lines of one step with all that its event and its actions hold."""
    yield from format_step(Decided(decided.number, decided.step, (), decided.raised), clock)
    for value in (decided.step.given, *decided.actions):
        if value is not None:
            text = json.dumps(_simplify(value), indent=2, ensure_ascii=False, default=str)
            yield from map(escape_unprintable, f"{type(value).__name__} {text}".split("\n"))


def _is_quiet(decided: Decided) -> bool:
    is_frequent = decided.step.name in FREQUENT
    return is_frequent and not decided.raised and not decided.step.raised and all(map(_is_forwarding, decided.actions))


def _is_forwarding(action: Any) -> bool:
    return isinstance(action, DetectSpeech | FeedTranscriber | KeepUserAudio) or (
        isinstance(action, SendUpstream) and action.event["type"] == APPEND
    )


def _format_quiet(quiet: list[tuple[float, str]]) -> Iterator[str]:
    if quiet:
        counted = ", ".join(f"{count} {name}" for name, count in Counter(name for _, name in quiet).items())
        yield f"{quiet[0][0]:9.3f} … {quiet[-1][0]:.3f} {counted}"


def _format_command(action: Any, clock: float) -> str:
    if isinstance(action, Send | SendUpstream):
        kind = action.event["type"]
        rest = {key: value for key, value in action.event.items() if key not in ("type", "event_id")}
        return f"{type(action).__name__} {kind} {_format_members(_remove_sound(kind, rest), clock)}"
    return f"{type(action).__name__} {_format_members(action, clock)}"


def _remove_sound(kind: str, event: dict[str, Any]) -> dict[str, Any]:
    key = "delta" if kind.endswith("audio.delta") else "audio"
    return event | {key: event[key].encode()} if isinstance(event.get(key), str) else event


def _format_members(value: Any, clock: float) -> str:
    return " ".join(f"{key}={_shorten(inner, clock, key)}" for key, inner in _list_members(value))


def _list_members(value: Any) -> list[tuple[str, Any]]:
    """Return the members to print: for our own classes only those that differ from their defaults."""
    if isinstance(value, dict):
        return list(value.items())
    if isinstance(value, BaseModel):
        return list(value.model_dump(mode="json", exclude_unset=True).items())
    if isinstance(value, ProtocolError):
        return [(key, inner) for key, inner in vars(value).items() if inner is not None]
    if is_dataclass(value):
        return [(field.name, getattr(value, field.name)) for field in fields(value) if not _is_default(value, field)]
    return []


def _is_default(value: Any, field: Any) -> bool:
    default = field.default_factory() if field.default_factory is not MISSING else field.default
    return bool(getattr(value, field.name) == default)


def _shorten(value: Any, clock: float, key: str = "") -> str:
    if key in TIMES and isinstance(value, float):
        return f"{value - clock:.3f}"
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    text = json.dumps(_simplify(value), ensure_ascii=False, default=str)
    return text if len(text) <= VALUE_WIDTH else f"{text[:VALUE_WIDTH]}…"


def _simplify(value: Any) -> Any:
    """Return the value as JSON can hold it, with the length of a sound in place of the sound."""
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, dict):
        return {key: _simplify(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_simplify(inner) for inner in value]
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    return _simplify(dict(pairs)) if (pairs := _list_members(value)) else ({} if is_dataclass(value) else value)


def escape_unprintable(text: str) -> str:
    """Return text that does nothing to a terminal but to stand there."""
    return "".join(char if char.isprintable() else "·" for char in text)


def _format_line(text: str) -> str:
    line = escape_unprintable(text[: WIDTH + 1]).rstrip()
    return line if len(line) <= WIDTH else f"{line[:WIDTH]}…"
