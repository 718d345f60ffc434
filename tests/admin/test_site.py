"""The admin as a whole: its look, its sidebar, and the policy that it alone needs."""

import pytest
from django.test import Client
from django.urls import reverse

from tests.support.factories import make_conversation, make_user
from tests.support.people import Staff

pytestmark = pytest.mark.django_db


def read_policy(client: Client, url: str) -> dict[str, list[str]]:
    directives = (part.split() for part in client.get(url)["Content-Security-Policy"].split(";"))
    return {name: values for name, *values in directives}


def test_it_bears_the_site_s_name(reviewer: Client) -> None:
    page = reviewer.get(reverse("admin:index")).content.decode()
    assert "Voiceproject" in page
    assert "css/admin.css" in page


def test_the_sidebar_offers_what_one_may_see(staff: Staff) -> None:
    def list_links(client: Client) -> set[str]:
        groups = client.get(reverse("admin:index")).context["sidebar_navigation"]
        return {item["title"] for group in groups for item in group["items"] if item["has_permission"]}

    models = "This site’s models"  # which is a page for everybody
    assert list_links(staff("view_conversation")) == {"Conversations", models}
    assert list_links(staff("view_assistant", "view_user")) == {"Assistants", "Users", models}


def test_every_page_of_it_opens(client: Client) -> None:
    client.force_login(make_user(is_staff=True, is_superuser=True))
    groups = client.get(reverse("admin:index")).context["sidebar_navigation"]
    for link in [item["link"] for group in groups for item in group["items"]]:
        assert client.get(link).status_code == 200, link


def test_its_policy_is_looser_only_where_it_must_be(reviewer: Client) -> None:
    loose = read_policy(reviewer, reverse("admin:index"))
    assert loose["script-src"] == ["'self'", "'unsafe-eval'"]
    assert loose["style-src"] == ["'self'", "'unsafe-inline'"]
    assert loose["object-src"] == loose["frame-ancestors"] == ["'none'"]


def test_the_rest_of_the_site_stays_strict(client: Client) -> None:
    user = make_user()
    conversation = make_conversation(user, "Hello", sound=True)
    client.force_login(user)
    clip = reverse("clip", args=[conversation.items.get().pk])
    for url in (reverse("home"), reverse("history"), conversation.get_absolute_url(), clip, "/nowhere/"):
        strict = read_policy(client, url)
        assert strict["default-src"] == ["'self'"], url
        assert not {"script-src", "style-src"} & strict.keys(), url
        assert "unsafe" not in str(strict), url
