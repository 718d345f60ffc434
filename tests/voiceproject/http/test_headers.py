"""What browsers are told to keep, to permit and to share."""

from collections.abc import Iterator
from urllib.request import Request, urlopen

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tests.support.factories import make_conversation, make_user
from tests.support.live import Site

pytestmark = pytest.mark.django_db


def list_pages(resolver: URLResolver, before: str = "/") -> Iterator[str]:
    """Yield every address of the site that takes no argument."""
    for pattern in resolver.url_patterns:
        if pattern.pattern.converters or pattern.pattern.regex.groups:
            continue
        path = before + str(pattern.pattern).removeprefix("^").removesuffix("$")
        if isinstance(pattern, URLResolver):
            yield from list_pages(pattern, path)
        elif isinstance(pattern, URLPattern) and "(" not in path:
            yield path


def test_no_page_of_somebody_signed_in_is_kept(client: Client) -> None:
    user = make_user(is_staff=True, is_superuser=True)
    client.force_login(user)
    paths = [*list_pages(get_resolver()), make_conversation(user, "Hello").get_absolute_url(), "/nowhere/"]
    assert len(paths) > 40
    kept = [path for path in paths if "no-store" not in client.get(path).headers.get("Cache-Control", "")]
    assert kept == []


def test_every_answer_has_its_policies(client: Client) -> None:
    for path in ("/", "/accounts/login/", "/nowhere/", "/v1/models"):
        headers = client.get(path).headers
        permitted = headers["Permissions-Policy"]
        assert "microphone=(self)" in permitted
        assert "camera=()" in permitted
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_static_files_are_kept_and_shared_with_nobody(live_site: Site) -> None:
    request = Request(f"{live_site.url}/static/css/admin.css", headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}=x"})
    with urlopen(request) as answer:
        headers = answer.headers
    assert "no-store" not in headers.get("Cache-Control", "")
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
