"""Whose pages may open the socket with their visitors' cookie, and under which names it is there at all."""

import socket

import pytest
from django.middleware.csrf import CsrfViewMiddleware
from django.test import RequestFactory
from pytest_django import Settings
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from accounts.keys import api_keys
from conversations.transport import origins
from tests.support.factories import make_user
from tests.support.live import Site

HOST = "voice.example.com"
TRUSTED = ["https://*.example.com", "https://app.example", "http://*.local.example:8080"]
ORIGINS = [
    "https://voice.example.com",
    "https://other.example.com",
    "https://deep.down.example.com",
    "https://example.com",
    "http://other.example.com",
    "https://example.com.evil.example",
    "https://evilexample.com",
    "https://app.example",
    "https://app.example:8443",
    "https://other.example.com:8443",
    "http://a.local.example:8080",
    "http://a.local.example",
    "HTTPS://OTHER.EXAMPLE.COM",
    "https://*.example.com",
    "null",
    "",
    "https://[",
    "https://user@other.example.com",
]


@pytest.mark.parametrize("origin", ORIGINS)
def test_as_django_has_it_for_forms(settings: Settings, origin: str) -> None:
    settings.CSRF_TRUSTED_ORIGINS, settings.ALLOWED_HOSTS, settings.HTTPS = TRUSTED, [HOST], True
    request = RequestFactory().post("/", secure=True, headers={"origin": origin, "host": HOST})
    csrf = CsrfViewMiddleware(lambda request: None)  # type: ignore[arg-type]
    assert origins.is_of_this_site(origin, HOST) is csrf._origin_verified(request)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("allowed", "host", "is_allowed"),
    [
        ([HOST], "voice.example.com", True),
        ([HOST], "VOICE.example.com:8443", True),
        ([HOST], "other.example.com", False),
        ([".example.com"], "other.example.com", True),
        (["*"], "whatever.example", True),
        (["[::1]"], "[::1]:8000", True),
        ([HOST], "", False),
        ([HOST], "voice.example.com@evil.example", False),
    ],
)
def test_under_which_names(settings: Settings, allowed: list[str], host: str, is_allowed: bool) -> None:
    settings.ALLOWED_HOSTS = allowed
    assert origins.is_allowed_host(host) is is_allowed


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example"])
def test_the_socket_is_there_under_its_own_names_only(live_site: Site, committed_db: None, host: str) -> None:
    """A page under a foreign name that leads here (DNS rebinding) would be of the same origin as the socket."""
    key, port = api_keys.create(make_user(), "tests")[1], int(live_site.url.rpartition(":")[2])
    for headers in ({"Origin": f"http://{host}"}, {"Authorization": f"Bearer {key}"}):
        with (
            pytest.raises(InvalidStatus) as refusal,
            connect(
                f"ws://{host}/v1/realtime",
                sock=socket.create_connection(("127.0.0.1", port)),
                additional_headers=headers,
            ),
        ):
            pass
        assert refusal.value.response.status_code == 403
