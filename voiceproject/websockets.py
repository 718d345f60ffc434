"""What a WebSocket meets at an address that serves none."""

from typing import Any

from asgiref.typing import ASGIReceiveCallable, ASGISendCallable


async def refuse(scope: dict[str, Any], receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Without it the router raises, and any stranger could fill the log with tracebacks."""
    await receive()
    await send({"type": "websocket.close", "code": 1008, "reason": None})
