"""What a live session's watchers do when what they watch through fails."""

import asyncio
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django import Settings

from conversations import admission, store
from conversations.consumers import RealtimeConsumer


class Session:
    """Notes how it was ended."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    def close(self, code: int, error_code: str, message: str) -> None:
        self.ended.append(error_code)


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


async def test_a_database_that_restarts_ends_no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[bool | Exception] = [OperationalError("down"), True, False]

    async def is_allowed(caller: store.Caller) -> bool:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(store, "is_allowed", is_allowed)
    monkeypatch.setattr(admission, "RECHECK_SEC", 0)
    session: Any = Session()
    await admission.recheck(session, store.Caller(1))
    assert (session.ended, answers) == (["invalid_api_key"], [])


async def test_a_key_revoked_while_its_session_began(monkeypatch: pytest.MonkeyPatch) -> None:
    """After it was looked up and before its group was joined, no word of it comes."""

    async def is_allowed(caller: store.Caller) -> bool:
        return False

    monkeypatch.setattr(store, "is_allowed", is_allowed)
    session: Any = Session()
    async with asyncio.timeout(5):
        await admission.await_revocation(session, store.Caller(1, key_id=7))
    assert session.ended == ["invalid_api_key"]
