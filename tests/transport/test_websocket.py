"""Whose pages may connect by their cookie."""

from typing import Any

import pytest
from pytest_django import Settings

from conversations.transport.websocket import RealtimeConsumer


async def connect(**headers: str) -> list[dict[str, Any]]:
    """Open a socket with these headers and no key, and return what the server sends."""
    sent: list[dict[str, Any]] = []
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"headers": pairs, "query_string": b"", "subprotocols": []}

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await RealtimeConsumer.as_asgi()(scope, receive, send)
    return sent


@pytest.mark.parametrize(
    ("origin", "https", "is_ours"),
    [
        ("https://voice.example", True, True),
        ("http://voice.example", True, False),
        ("http://voice.example", False, True),
        ("https://voice.example.elsewhere.example", True, False),
        ("https://app.example", True, True),
        ("null", True, False),
    ],
)
async def test_only_pages_of_this_site_are_accepted(
    settings: Settings, origin: str, https: bool, is_ours: bool
) -> None:
    settings.ALLOWED_HOSTS = ["voice.example"]
    settings.HTTPS, settings.CSRF_TRUSTED_ORIGINS = https, ["https://app.example"]
    kinds = [message["type"] for message in await connect(host="voice.example", origin=origin)]
    accepted = ["websocket.accept", "websocket.send", "websocket.close"]
    assert kinds == (accepted if is_ours else ["websocket.close"])
