"""Send client events to the upstream, now or once it is connected, and remember which request an error answers."""

import base64
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from conversations.realtime.relay.commands import SendUpstream
from conversations.realtime.relay.state import RelayState

KEPT = 512  # how many requests are remembered until an error may answer them


def _do_nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """A request to the upstream that it may refuse.

    `event_id` is the client's own id for it. `undo` takes back what was prepared for the answer.
    """

    event_id: str | None = None
    undo: Callable[[], None] = _do_nothing
    is_own: bool = False  # ours, so the client is not told of a refusal


@dataclass(frozen=True, slots=True, eq=False)
class BufferCut:
    """A commit or clear of the input buffer that the upstream has not confirmed.

    `end` is where the buffer ended then, in samples; what is appended later lies behind it.
    """

    kind: str  # "commit" | "clear"
    end: int


class UpstreamLink:
    """The way from the relay to the upstream."""

    def __init__(self, state: RelayState) -> None:
        self.state = state
        self.is_up = False
        self._waiting: deque[dict[str, Any]] = deque()
        self._requests: dict[str, UpstreamRequest] = {}

    def send_request(self, kind: str, request: UpstreamRequest, **fields: Any) -> str:
        """Send a client event, and return the event id that an error about it will name."""
        event_id = self.state.make_id("event")
        self._requests[event_id] = request
        if len(self._requests) > KEPT:
            del self._requests[next(iter(self._requests))]
        self._send({"type": kind, "event_id": event_id, **fields})
        return event_id

    def append_audio(self, pcm: bytes) -> None:
        """Send audio: PCM16 mono at 24 kHz."""
        self._send({"type": "input_audio_buffer.append", "audio": base64.b64encode(pcm).decode()})

    def _send(self, event: dict[str, Any]) -> None:
        if self.is_up:
            self.state.do(SendUpstream(event))
        else:
            self._waiting.append(event)

    def mark_up(self) -> None:
        """Send events at once from now on; those that wait stay until `flush`."""
        self.is_up = True

    def flush(self) -> None:
        """Send the events that waited for the connection."""
        while self._waiting:
            self.state.do(SendUpstream(self._waiting.popleft()))

    def mark_down(self) -> None:
        """Keep events from now on, since the connection is lost."""
        self.is_up = False
        self._requests.clear()

    def take_request(self, event_id: object) -> UpstreamRequest | None:
        """Return and forget the request with this event id, or return None if it is not known."""
        return self._requests.pop(event_id, None) if isinstance(event_id, str) else None
