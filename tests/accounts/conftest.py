from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from tests.support.factories import make_user


@pytest.fixture(autouse=True)
def _unlimited() -> Iterator[None]:
    """allauth counts tries by address in the cache, and all tests come from one."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def user(db: None) -> User:
    return make_user()


@pytest.fixture
def page(user: User) -> Client:
    """A browser in which `user` is signed in."""
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def sends_mail(settings: Any) -> None:
    """As on a site with a mail server; the mails land in the `mailoutbox` fixture."""
    settings.EMAIL_HOST = "mail.example.com"
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    settings.ACCOUNT_EMAIL_NOTIFICATIONS = True
