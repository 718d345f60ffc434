from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.models import User
from tests.support.factories import make_user


@pytest.fixture(autouse=True)
def _unlimited() -> Iterator[None]:
    """No tries are counted yet: allauth counts them by address in the cache, and all tests have one address."""
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
    """The site has a mail server; its mails land in the fixture `mailoutbox`."""
    settings.EMAIL_HOST = "mail.example.com"
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    settings.ACCOUNT_EMAIL_NOTIFICATIONS = True
