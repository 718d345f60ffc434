"""A parser of server-sent events (html.spec.whatwg.org, section 9.2.6), a little more lenient than the standard.

A last event without its blank line counts, since llama.cpp ends its stream so. The field `error`, in which older
releases of llama.cpp report failures, is an event of that name.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_EVENT_BYTES = 1_000_000
LINE_END = re.compile(rb"\r\n|\n|\r")
BOM = b"\xef\xbb\xbf"


class EventTooLargeError(ValueError):
    """An event is longer than any useful one."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream."""

    kind: str  # "" where the stream names none
    data: str


class EventStream:
    """Parses a stream: `feed` it the bytes as they come, then `finish`. Its time is linear, however they are cut."""

    def __init__(self) -> None:
        self._line: list[bytes] = []  # pieces of the line that has not ended yet
        self._bytes = 0  # of the event so far
        self._is_first_line = True
        self._ended_in_cr = False
        self._kind = ""
        self._data: list[str] = []

    def feed(self, data: bytes) -> Iterator[Event]:
        """Yield the events that these bytes complete, or raise EventTooLargeError."""
        for line in self._split_lines(data):
            if event := self._read_line(line):
                yield event

    def finish(self) -> Event | None:
        """Return the last event, if the stream ended without its blank line."""
        if line := b"".join(self._line):
            self._read_line(self._strip_bom(line))
        return self._dispatch()

    def _split_lines(self, data: bytes) -> Iterator[bytes]:
        if self._ended_in_cr and data.startswith(b"\n"):
            data = data[1:]
            self._ended_in_cr = False
        if not data:
            return
        self._ended_in_cr = data.endswith(b"\r")
        *whole, rest = LINE_END.split(data)
        for piece in whole:
            self._buffer(piece)
            line = b"".join(self._line)
            self._line.clear()
            yield self._strip_bom(line)
        self._buffer(rest)

    def _buffer(self, piece: bytes) -> None:
        self._bytes += len(piece)
        if self._bytes > MAX_EVENT_BYTES:
            raise EventTooLargeError(f"an event of more than {MAX_EVENT_BYTES} bytes")
        self._line.append(piece)

    def _strip_bom(self, line: bytes) -> bytes:
        is_first, self._is_first_line = self._is_first_line, False
        return line.removeprefix(BOM) if is_first else line

    def _read_line(self, line: bytes) -> Event | None:
        if not line:
            return self._dispatch()
        name, _, value = line.decode(errors="replace").partition(":")  # a comment has the name ""
        value = value.removeprefix(" ")
        if name == "event":
            self._kind = value
        elif name == "data":
            self._data.append(value)
        elif name == "error":
            self._kind = name
            self._data.append(value)
        return None

    def _dispatch(self) -> Event | None:
        kind, data = self._kind, "\n".join(self._data)
        self._kind, self._data, self._bytes = "", [], 0
        return Event(kind, data) if data else None
