"""Django's own client with a key, and the official shape of errors."""

from typing import Any

from django.test import Client

from accounts.keys import api_keys
from accounts.models import User


def build_client(user: User, *scopes: str) -> Client:
    """Return a client with a key of this user, which has all scopes unless some are named."""
    token = api_keys.create(user, "tests", scopes)[1] if scopes else api_keys.create(user, "tests")[1]
    return Client(headers={"Authorization": f"Bearer {token}"}, raise_request_exception=False)


def get_error(answer: Any) -> dict[str, Any]:
    """Return the error, and check that it has the official shape."""
    error: dict[str, Any] = answer.json()["error"]
    assert set(answer.json()) == {"error"}
    assert set(error) == {"message", "type", "param", "code"}
    return error
