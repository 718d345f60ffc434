"""What a client was sent lately, so that one that lost its connection can be sent the rest over another."""

from collections import deque

# About a minute of a spoken reply: the speech that may be ahead of playback, and that of an outage.
MAX_BYTES = 4_000_000
ENTRY_BYTES = 200  # that an entry takes beside its frame, or without one
EVENT_ID = '"event_id": "'
ADDED = "."  # behind an event id: an event that the log does not have, but whose client has all up to that one


def find_event_id(frame: str) -> str:
    """Return the `event_id` of a server event, or "" if it has none. It stands at the beginning, behind the type."""
    start = frame.find(EVENT_ID) + len(EVENT_ID)
    return frame[start : frame.find('"', start)] if start >= len(EVENT_ID) else ""


class ReplayLog:
    """The latest frames for a client, each with a number. Beyond `max_bytes` the oldest are forgotten."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._entries: deque[tuple[str, str]] = deque()  # of an event id and a frame, "" for one that is not repeated
        self._numbers: dict[str, int] = {}  # of the entries, by their event ids
        self._first = 0  # the number of the oldest entry
        self._before = ""  # the event id of the entry that was forgotten last
        self._alias = ("", "")  # an event id that stands for another one
        self._bytes = 0

    def add(self, frame: str, *, is_repeated: bool = True) -> None:
        """Add a frame that is sent now, or will be. With `is_repeated` False it is only known that it was sent."""
        event_id = find_event_id(frame)
        self._numbers[event_id] = self._end
        self._entries.append((event_id, frame if is_repeated else ""))
        self._bytes += ENTRY_BYTES + len(self._entries[-1][1])
        self.forget_beyond(self._max_bytes)

    def find_next(self, event_id: str) -> int | None:
        """Return the number of the frame behind this event, or None if what followed it is not all here."""
        alias, meant = self._alias
        event_id = event_id.partition(ADDED)[0]
        event_id = meant if event_id == alias else event_id
        if not event_id:
            return None
        if event_id == self._before:
            return self._first
        number = self._numbers.get(event_id)
        return None if number is None else number + 1

    def add_alias(self, event_id: str, meant: str) -> None:
        """Let an event id that is not in the log stand for another one."""
        alias, earlier = self._alias
        meant = meant.partition(ADDED)[0]
        self._alias = (event_id, earlier if meant == alias else meant)

    def read(self, number: int) -> str | None:
        """Return the frame with this number, "" for one that is not repeated, or None behind the last one.

        Raise LookupError for a frame that was forgotten.
        """
        if number < self._first:
            raise LookupError
        return self._entries[number - self._first][1] if number < self._end else None

    def acknowledge(self, event_id: str) -> None:
        """Forget the frames up to this event, which the client has."""
        number = self.find_next(event_id)
        while number is not None and self._first < number:
            self._forget_oldest()

    def forget_beyond(self, max_bytes: int) -> None:
        """Forget the oldest frames until the others have at most so many bytes."""
        while self._bytes > max_bytes:
            self._forget_oldest()

    @property
    def first(self) -> int:
        """Return the number of the oldest frame."""
        return self._first

    @property
    def _end(self) -> int:
        return self._first + len(self._entries)

    def _forget_oldest(self) -> None:
        self._before, frame = self._entries.popleft()
        self._numbers.pop(self._before, None)
        self._bytes -= ENTRY_BYTES + len(frame)
        self._first += 1
