from django.test import Client
from django.urls import reverse

from accounts.forms import MAX_API_KEYS
from accounts.keys import api_keys
from accounts.models import APIKey, Scope, User
from tests.support.factories import make_user


def test_it_works(page: Client, user: User) -> None:
    answer = page.post(reverse("api_keys"), {"name": "Kitchen radio", "scopes": ["realtime", "conversations.read"]})
    key = APIKey.objects.get(user=user)
    token = answer.context["token"]
    assert api_keys.authenticate(token) == key
    assert key.scopes == [Scope.REALTIME, Scope.CONVERSATIONS_READ]
    assert token in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    listed = page.get(reverse("api_keys")).content.decode()
    assert "Kitchen radio" in listed
    assert key.prefix in listed
    assert "realtime, conversations.read" in listed
    assert token not in listed


def test_revoke_asks_first(page: Client, user: User) -> None:
    key, token = api_keys.create(user, "radio")
    assert b"Revoke" in page.get(reverse("api_key_revoke", args=[key.pk])).content
    assert api_keys.authenticate(token)
    answer = page.post(reverse("api_key_revoke", args=[key.pk]), follow=True)
    assert "has been revoked" in answer.content.decode()
    assert api_keys.authenticate(token) is None
    assert page.post(reverse("api_key_revoke", args=[key.pk])).status_code == 404


def test_a_stranger_finds_nothing(page: Client) -> None:
    key, token = api_keys.create(make_user(), "theirs")
    assert b"theirs" not in page.get(reverse("api_keys")).content
    assert page.get(reverse("api_key_revoke", args=[key.pk])).status_code == 404
    assert page.post(reverse("api_key_revoke", args=[key.pk])).status_code == 404
    assert api_keys.authenticate(token) == key


def test_signed_out(db: None) -> None:
    key, token = api_keys.create(make_user(), "theirs")
    for url in (reverse("api_keys"), reverse("api_key_revoke", args=[key.pk])):
        for answer in (Client().get(url), Client().post(url)):
            assert answer.status_code == 302
            assert answer["Location"].startswith(reverse("account_login"))
    assert api_keys.authenticate(token) == key


def test_a_name_is_wanted(page: Client, user: User) -> None:
    for name in ("", "   ", "x" * 101):
        answer = page.post(reverse("api_keys"), {"name": name})
        assert answer.context["form"].errors["name"]
    assert not APIKey.objects.filter(user=user).exists()


def test_a_key_that_may_do_nothing_or_more_than_there_is(page: Client, user: User) -> None:
    for scopes in ([], ["everything"]):
        answer = page.post(reverse("api_keys"), {"name": "radio", "scopes": scopes})
        assert answer.context["form"].errors["scopes"]
    assert not APIKey.objects.filter(user=user).exists()


def test_all_scopes_are_offered_and_chosen(page: Client) -> None:
    shown = page.get(reverse("api_keys")).content.decode()
    assert shown.count("checked") == len(Scope.values)


def test_keys_are_not_without_number(page: Client, user: User) -> None:
    keys = [APIKey(user=user, name="x", prefix="x", digest=str(number)) for number in range(MAX_API_KEYS)]
    APIKey.objects.bulk_create(keys)
    answer = page.post(reverse("api_keys"), {"name": "one more", "scopes": Scope.values})
    assert "Revoke one" in answer.content.decode()
    assert APIKey.objects.filter(user=user).count() == MAX_API_KEYS


def test_a_name_cannot_carry_markup(page: Client) -> None:
    page.post(reverse("api_keys"), {"name": "<script>alert(1)</script>", "scopes": Scope.values})
    assert b"<script>alert" not in page.get(reverse("api_keys")).content
