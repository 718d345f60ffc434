"""Pages of other sites: nothing unless a site names them."""

from collections.abc import Callable

import httpx2
import pytest

from accounts.keys import api_keys
from tests.support.factories import make_user
from tests.support.live import Site

pytestmark = pytest.mark.usefixtures("committed_db")
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,x-stainless-os"}


def test_a_named_site(start_site: Callable[..., Site]) -> None:
    site = start_site(API_ALLOWED_ORIGINS="https://app.example")
    origin = {"Origin": "https://app.example"}
    asked = httpx2.options(f"{site.url}/v1/conversations", headers={**origin, **PREFLIGHT})
    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == "https://app.example"
    assert {"authorization", "*"} <= set(asked.headers["access-control-allow-headers"].split(", "))
    assert {"POST", "DELETE"} <= set(asked.headers["access-control-allow-methods"].split(", "))
    key = api_keys.create(make_user(), "tests")[1]
    answer = httpx2.get(f"{site.url}/v1/models", headers={**origin, "Authorization": f"Bearer {key}"})
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert "x-ratelimit-remaining-requests" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers
    refused = httpx2.get(f"{site.url}/v1/models", headers=origin)  # so that a page can read why
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, "https://app.example")
    other = httpx2.get(f"{site.url}/v1/models", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers
    page = httpx2.get(f"{site.url}/accounts/login/", headers=origin)
    assert "access-control-allow-origin" not in page.headers


def test_by_default_none(live_site: Site) -> None:
    origin = {"Origin": "https://app.example"}
    for answer in (
        httpx2.options(f"{live_site.url}/v1/models", headers={**origin, **PREFLIGHT}),
        httpx2.get(f"{live_site.url}/v1/models", headers=origin),
    ):
        assert "access-control-allow-origin" not in answer.headers
