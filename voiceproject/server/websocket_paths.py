"""Choose the application for a WebSocket."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
Application = Callable[[dict[str, Any], Any, Send], Awaitable[None]]


def restrict_to(path: str, application: Application) -> Application:
    """Return the application for this path alone; other paths are refused.

    Channels' own router raises for them, so strangers could fill the log with tracebacks.
    """

    async def serve_or_refuse(scope: dict[str, Any], receive: Any, send: Send) -> None:
        if scope["path"] == path:
            await application(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close"})

    return serve_or_refuse
