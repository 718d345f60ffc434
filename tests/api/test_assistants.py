"""GET /v1/models."""

from django.test import Client

from accounts.models import User
from conversations.models import Assistant
from tests.support.api_client import get_error
from tests.support.factories import make_user


def test_it_works(as_owner: Client, owner: User) -> None:
    mine = Assistant.objects.create(slug="mine", name="My own", instructions="x", owner=owner)
    listed = as_owner.get("/v1/models").json()
    assert listed["object"] == "list"
    shown = {model["id"]: model for model in listed["data"]}
    created = int(mine.created_at.timestamp())
    assert shown["mine"] == {
        "id": "mine", "object": "model", "created": created, "owned_by": "user", "name": "My own",
    }  # fmt: skip
    assert shown["assistant"]["owned_by"] == "site"
    assert as_owner.get("/v1/models/mine").json() == shown["mine"]


def test_another_users_assistant(as_stranger: Client) -> None:
    Assistant.objects.create(slug="theirs", name="Theirs", instructions="x", owner=make_user())
    assert "theirs" not in as_stranger.get("/v1/models").content.decode()
    answer = as_stranger.get("/v1/models/theirs")
    assert (answer.status_code, get_error(answer)["code"]) == (404, "not_found")
