"""Read a recording: its head, then step by step what went into the machine.

A recording is a foreign file: it is read a line at a time, and what a line may hold is bounded.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.replay.serialization import (
    MACHINES,
    BrokenValueError,
    Decoder,
    decode_arguments,
    decode_event,
)

FORMAT = 1  # to be raised with a change after which older recordings cannot be played
MAX_LINE_BYTES = 32_000_000  # above what the largest frame of a client becomes
# Of one line: above what a conversation of 5,000 items has. Of more values, wrong ones would take seconds to refuse.
MAX_OBJECTS, MAX_COMMAS = 50_000, 200_000
LONGEST_SEC = 1e12  # that a clock may say
Entry = Literal["start", "receive", "refuse", "end"]
UNKNOWN_FORMAT = "It has format {0}, and this version plays format {1}. Use the version that wrote it, or a newer one."


class BrokenRecordingError(Exception):
    """The file cannot be played, or no further than it was. The message says where and why."""


@dataclass(frozen=True, slots=True)
class Head:
    """What the machine was built with. `clock` is what the session's clock said at the start, in seconds."""

    machine: str
    started: str
    clock: float
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One call of the machine. `at` is in seconds since the start; `raised` is the error that it ended with, or ""."""

    at: float
    entry: Entry
    name: str = ""  # of the event
    given: Any = None  # the event, or what was refused
    kind: str = ""  # of the refusal
    ids: tuple[str, ...] = ()
    raised: str = ""


@dataclass(slots=True)
class Recording:
    """An open recording; its steps can be read once."""

    head: Head
    steps: Iterator[Step]
    ending: str = ""  # once they are read: why it ends, or "" where it was cut off


def read_recording(lines: Iterable[bytes]) -> Recording:
    """Read the head, and make the steps ready. Raise BrokenRecordingError, also while the steps are read."""
    numbered = enumerate(lines, 1)
    decoder = Decoder()
    head = _read_head(next(numbered, (1, b"")), decoder)
    recording = Recording(head, iter(()))
    recording.steps = _read_steps(recording, numbered, decoder)
    return recording


def _read_head(first: tuple[int, bytes], decoder: Decoder) -> Head:
    data = _parse_line(*first, decoder)
    if data is None or "recording" not in data:
        raise BrokenRecordingError("This is not a recording of a call.")
    if data["recording"] != FORMAT:
        raise BrokenRecordingError(UNKNOWN_FORMAT.format(str(data["recording"])[:20], FORMAT))
    machine = data.get("machine")
    if not isinstance(machine, str) or machine not in MACHINES:
        raise BrokenRecordingError(f"Line 1: its machine is not one of {', '.join(MACHINES)}.")
    try:
        arguments = decode_arguments(MACHINES[machine], data.get("given"))
        return Head(machine, str(data.get("started", ""))[:40], _parse_time(data, "clock"), arguments)
    except BrokenValueError as error:
        raise BrokenRecordingError(f"Line 1: {error}.") from error


def _read_steps(recording: Recording, lines: Iterator[tuple[int, bytes]], decoder: Decoder) -> Iterator[Step]:
    for number, line in lines:
        data = _parse_line(number, line, decoder)
        if data is None:  # cut off: what is whole was read
            return
        if "ending" in data:
            recording.ending = str(data["ending"])[:200]
            return
        try:
            yield _parse_step(data)
        except BrokenValueError as error:
            raise BrokenRecordingError(f"Line {number}: {error}.") from error


def _parse_line(number: int, line: bytes, decoder: Decoder) -> dict[str, Any] | None:
    """Return the line's object, or None for the last line of a file that was cut off. Raise BrokenRecordingError."""
    if len(line) > MAX_LINE_BYTES or line.count(b"{") > MAX_OBJECTS or line.count(b",") > MAX_COMMAS:
        raise BrokenRecordingError(f"Line {number} is longer than a recording's lines can be.")
    if not line.endswith(b"\n"):
        return None
    decoder.begin_line()
    try:
        data = json.loads(line, object_hook=decoder.decode_object)
    except BrokenValueError as error:
        raise BrokenRecordingError(f"Line {number}: {error}.") from error
    except (ValueError, RecursionError) as error:
        raise BrokenRecordingError(f"Line {number} is not JSON.") from error
    if not isinstance(data, dict):
        raise BrokenRecordingError(f"Line {number} is not a JSON object.")
    return data


def _parse_step(data: dict[str, Any]) -> Step:
    at, ids, entry = _parse_time(data, "at"), data.get("ids", []), data.get("do", "receive")
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise BrokenValueError("'ids' are not names")
    if entry not in get_args(Entry):
        raise BrokenValueError(f"the machine has no entry {str(entry)[:80]!r}")
    known: dict[str, Any] = {"ids": tuple(ids), "raised": str(data.get("raised", ""))[:80]}
    if entry == "receive":
        name = data.get("event")
        return Step(at, entry, str(name), decode_event(name, data.get("given")), **known)
    if entry == "refuse":
        return Step(at, entry, **_parse_refusal(data.get("given")), **known)
    return Step(at, entry, **known)


def _parse_refusal(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict) or not all(isinstance(given.get(key), str) for key in ("code", "message", "kind")):
        raise BrokenValueError("a refusal has a code, a message and a kind")
    error = ProtocolError(given["code"], given["message"], given.get("param"), given.get("event_id"))
    return {"name": given["code"], "given": error, "kind": given["kind"]}


def _parse_time(data: dict[str, Any], key: str) -> float:
    value = data.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < LONGEST_SEC:
        raise BrokenValueError(f"{key!r} is not a time")
    return float(value)
