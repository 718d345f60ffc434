"""People with a browser, and what each may see."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from tests.support.factories import make_user


@pytest.fixture
def owner(db: None) -> User:
    return make_user()


@pytest.fixture
def as_owner(owner: User) -> Client:
    return sign_in(owner)


@pytest.fixture
def as_stranger(db: None) -> Client:
    return sign_in(make_user())


@pytest.fixture
def as_reviewer(db: None) -> Client:
    reviewer = make_user(is_staff=True)
    reviewer.user_permissions.add(Permission.objects.get(codename="view_conversation"))
    return sign_in(reviewer)


@pytest.fixture
def others(as_stranger: Client, as_reviewer: Client) -> dict[str, Client]:
    """Everybody who has no business with the owner's conversations, each of them close to having some."""
    permitted_but_no_staff = make_user()
    permitted_but_no_staff.user_permissions.add(Permission.objects.get(codename="view_conversation"))
    return {
        "a stranger": as_stranger,
        "staff without the permission": sign_in(make_user(is_staff=True)),
        "one with the permission who is no staff": sign_in(permitted_but_no_staff),
    }


def sign_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


Staff = Callable[..., Client]
