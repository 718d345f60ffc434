"""Django's own client with a key, for what needs no live site."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from accounts import api_keys
from accounts.models import User
from tests.support.factories import make_user


@pytest.fixture(autouse=True)
def _uncounted() -> Iterator[None]:
    """Requests are counted in the cache, which outlives a test."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def as_owner(owner: User) -> Client:
    return bearing(owner)


@pytest.fixture
def as_stranger(db: None) -> Client:
    return bearing(make_user())


def bearing(user: User, *scopes: str) -> Client:
    """A program with a key of this user; without `scopes` it has all of them."""
    token = api_keys.create(user, "tests", scopes)[1] if scopes else api_keys.create(user, "tests")[1]
    return Client(headers={"Authorization": f"Bearer {token}"}, raise_request_exception=False)


def error_of(answer: Any) -> dict[str, Any]:
    """The official error, of which every key is there."""
    error: dict[str, Any] = answer.json()["error"]
    assert set(answer.json()) == {"error"}
    assert set(error) == {"message", "type", "param", "code"}
    return error
