"""What is told upstream: at once, or when the connection is there; and whose event a refusal answers."""

import base64
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from conversations.realtime.relay.actions import Reconnect, SendUpstream
from conversations.realtime.state import Core

KEPT = 512  # events whose refusal may still come


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class Asked:
    """`event_id`: the client's own. `undo`: what was prepared for the answer that does not come."""

    event_id: str | None = None
    undo: Callable[[], None] = _nothing
    is_own: bool = False  # not the client's wish


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """Of the input buffer: asked of the upstream and not confirmed. What is appended meanwhile lies behind `end`."""

    kind: str  # "commit" | "clear"
    end: int


class UpstreamLink:
    def __init__(self, core: Core) -> None:
        self.core = core
        self.is_up = False
        self._waiting: deque[dict[str, Any]] = deque()
        self._asked: dict[str, Asked] = {}

    def tell(self, kind: str, asked: Asked, **fields: Any) -> str:
        """Returns the id that a refusal will name."""
        event_id = self.core.make_id("event")
        self._asked[event_id] = asked
        if len(self._asked) > KEPT:
            del self._asked[next(iter(self._asked))]
        self._send({"type": kind, "event_id": event_id, **fields})
        return event_id

    def append(self, pcm: bytes) -> None:
        self._send({"type": "input_audio_buffer.append", "audio": base64.b64encode(pcm).decode()})

    def do(self, action: SendUpstream | Reconnect) -> None:
        """Among the core's own actions, in order."""
        self.core.commands.append(action)  # type: ignore[arg-type]  # the turn machine's driver knows none of these

    def _send(self, event: dict[str, Any]) -> None:
        if self.is_up:
            self.do(SendUpstream(event))
        else:
            self._waiting.append(event)

    def up(self) -> None:
        """What is told from here on goes before what waits; see `flush`."""
        self.is_up = True

    def flush(self) -> None:
        while self._waiting:
            self.do(SendUpstream(self._waiting.popleft()))

    def down(self) -> None:
        self.is_up = False
        self._asked.clear()

    def answered(self, event_id: object) -> Asked | None:
        """Whose event that is; it is refused, and forgotten."""
        return self._asked.pop(event_id, None) if isinstance(event_id, str) else None
