"""One connection of a client, whatever it comes by."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

Receive = Callable[[], Awaitable[dict[str, Any]]]
"""Brings the next ASGI event of a connection."""
HandOver = Callable[[Callable[[str | bytes], None]], None]
"""Takes a function to which the server then gives each frame at once."""
Readmit = Callable[[int], Awaitable[bool]]
"""Tells whether a user may still have a session that waited for its client."""


class Socket(Protocol):
    """One connection of the client."""

    async def send_text(self, text: str) -> None: ...

    async def close(self, code: int) -> None: ...

    def release(self) -> None:
        """Be told that another connection has taken this one's place."""
