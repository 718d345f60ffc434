"""Who gets in, what is counted, and that every refusal has the official shape."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from accounts.keys import api_keys
from accounts.models import APIKey, Scope, User
from conversations.api import auth, rate_limit
from conversations.api.errors import APIError
from conversations.api.shapes import outputs
from tests.support.api_client import build_client, get_error
from tests.support.factories import make_user

pytestmark = pytest.mark.django_db


def test_it_works(as_owner: Client) -> None:
    answer = as_owner.get("/v1/models")
    assert answer.status_code == 200
    assert not answer.cookies
    assert answer["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer vp_wrong", "Bearer ÿ"])
def test_without_a_key(header: str | None) -> None:
    answer = Client(headers={} if header is None else {"Authorization": header}).get("/v1/models")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert get_error(answer)["code"] == "invalid_api_key"


def test_a_cookie_is_no_key(owner: User) -> None:
    browser = Client()
    browser.force_login(owner)
    assert browser.get("/v1/models").status_code == 401


def test_a_revoked_key_and_a_deactivated_user(owner: User, as_owner: Client) -> None:
    api_keys.revoke(APIKey.objects.get(user=owner))
    assert as_owner.get("/v1/models").status_code == 401
    another = build_client(owner)
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert another.get("/v1/models").status_code == 401


def test_a_key_without_the_scope(owner: User, rf: Any) -> None:
    token = api_keys.create(owner, "reader", [Scope.CONVERSATIONS_READ])[1]
    request = rf.get("/v1/x", headers={"Authorization": f"Bearer {token}"})
    assert auth.authenticate(request, Scope.CONVERSATIONS_READ).user_id == owner.pk
    with pytest.raises(APIError, match=r"does not have the scope conversations\.write") as refused:
        auth.authenticate(request, Scope.CONVERSATIONS_WRITE)
    assert (refused.value.status, refused.value.code) == (403, "missing_scope")


@pytest.mark.parametrize("path", ["", "nothing", "models/", "models/a/b", "models/none", "models/%00", "%00"])
def test_nothing_there(as_owner: Client, path: str) -> None:
    answer = as_owner.get(f"/v1/{path}")
    assert answer.status_code == 404
    assert get_error(answer)["type"] == "invalid_request_error"


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH", "OPTIONS"])
def test_another_method(as_owner: Client, method: str) -> None:
    answer = as_owner.generic(method, "/v1/models")
    assert answer.status_code == 405
    assert answer["Allow"] == "GET"
    assert get_error(answer)["code"] == "method_not_allowed"
    assert answer["Content-Length"] == str(len(answer.content))
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_a_host_that_is_not_ours(as_owner: Client) -> None:
    answer = as_owner.get("/v1/models", headers={"Host": "evil.example"})
    assert answer.status_code == 400
    get_error(answer)


def test_a_defect_is_logged_and_tells_nothing(
    as_owner: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**fields: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(outputs, "ModelList", fail)
    answer = as_owner.get("/v1/models")
    assert answer.status_code == 500
    assert get_error(answer)["type"] == "server_error"
    assert "secret detail" not in answer.content.decode()
    assert "secret detail" in caplog.text


def test_pages_keep_their_own_errors(client: Client) -> None:
    assert client.get("/nothing")["Content-Type"].startswith("text/html")


def test_requests_are_counted(as_owner: Client, owner: User, settings: Settings) -> None:
    settings.API_REQUESTS_PER_MIN = 2
    first, second = as_owner.get("/v1/models"), build_client(owner).get("/v1/models/none")
    assert (first.status_code, second.status_code) == (200, 404)
    assert [one["x-ratelimit-remaining-requests"] for one in (first, second)] == ["1", "0"]
    refused = as_owner.get("/v1/models")
    assert refused.status_code == 429
    assert get_error(refused)["code"] == "rate_limit_exceeded"
    assert refused["x-ratelimit-limit-requests"] == "2"
    assert refused["x-ratelimit-reset-requests"] == f"{refused['Retry-After']}s"
    assert 0 < int(refused["Retry-After"]) <= 60
    assert build_client(make_user()).get("/v1/models").status_code == 200


def test_a_new_minute(owner: User) -> None:
    assert [rate_limit.count(owner.pk, now).used for now in (0.0, 59.9, 60.0)] == [1, 2, 1]
    assert [rate_limit.count(owner.pk, now).reset_sec for now in (120.0, 179.9)] == [60, 1]


def test_without_a_cache_everybody_passes(
    as_owner: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    }
    assert as_owner.get("/v1/models").status_code == 200
    assert "not counted" in caplog.text
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()
