"""Continue the traces of clients that name theirs in the header `traceparent` (W3C Trace Context)."""

from typing import Any

from conversations import tracing


def continue_traces(application: Any) -> Any:
    """Return the application, whose requests and sockets may be part of a trace. Without traces it stays as it is."""
    if not tracing.is_on():
        return application

    async def call(scope: dict[str, Any], receive: Any, send: Any) -> None:
        tracing.continue_trace(scope.get("headers", ()))
        await application(scope, receive, send)

    return call
