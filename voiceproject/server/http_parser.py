"""What a client asks, taken apart by h11, with bounds on how much work that may be."""

import re
from typing import Any

import h11

from voiceproject.server.connection_bounds import HEAD_BYTES, HEAD_LINES

END_OF_HEAD = re.compile(rb"\n\r?\n")  # as h11 has it
MAX_CHUNKS = 1_000  # that come at once: a read of the smallest would hold the event loop up for a second


class HTTPParser(h11.Connection):
    """The server's side of h11, which bounds only heads that are not whole yet, and no chunks."""

    def __init__(self) -> None:
        super().__init__(h11.SERVER, HEAD_BYTES)
        self._chunks = 0

    def receive_data(self, data: bytes) -> None:
        """Take what came."""
        self._chunks = 0
        super().receive_data(data)

    def next_event(self) -> Any:
        """Return the next part of a request, or raise h11.RemoteProtocolError."""
        if self.their_state is h11.IDLE:
            self._check_head(self.trailing_data[0])
        event = super().next_event()
        self._chunks += isinstance(event, h11.Data)
        if self._chunks > MAX_CHUNKS:
            raise h11.RemoteProtocolError("too many small chunks")
        return event

    def _check_head(self, waiting: bytes) -> None:
        end = END_OF_HEAD.search(waiting, 0, HEAD_BYTES)
        if (end is None and len(waiting) > HEAD_BYTES) or waiting.count(b"\n", 0, end and end.start()) > HEAD_LINES:
            raise h11.RemoteProtocolError("the head is too long", 431)
