"""Whose pages may connect by their cookie."""

from typing import Any

import pytest
from pytest_django import Settings

from conversations.transport.websocket import RealtimeConsumer


def consumer(**headers: str) -> Any:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    return RealtimeConsumer({"headers": pairs, "query_string": b""}, None, None)  # type: ignore[arg-type]


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
def test_whose_pages_bring_their_cookie(settings: Settings, origin: str, https: bool, is_ours: bool) -> None:
    settings.HTTPS, settings.CSRF_TRUSTED_ORIGINS = https, ["https://app.example"]
    assert consumer(host="voice.example", origin=origin)._is_same_origin() is is_ours
