"""Django's own client with a key, for what needs no live site."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from tests.support.api_client import build_client
from tests.support.factories import make_user


@pytest.fixture(autouse=True)
def _uncounted() -> Iterator[None]:
    """The cache, which outlives a test and counts requests, is empty."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def as_owner(owner: User) -> Client:
    return build_client(owner)


@pytest.fixture
def as_stranger(db: None) -> Client:
    return build_client(make_user())
