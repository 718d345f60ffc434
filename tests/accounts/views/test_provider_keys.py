import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import ProviderKey, User
from accounts.provider_keys import keyring
from tests.support.factories import make_user
from tests.upstream.fixtures import Upstream

SECRET = "sk-a-secret-of-some-length-9876"


@pytest.fixture
def site(upstream: Upstream, settings: Any) -> Upstream:
    settings.OPENAI_BASE_URL, settings.GOOGLE_TTS_ENDPOINT = upstream.openai_url, upstream.google_url
    return upstream


def _save(page: Client, provider: str, **values: str) -> str:
    data = {f"{provider}-{name}": value for name, value in values.items()}
    return page.post(reverse("provider_key_save", args=[provider]), data, follow=True).content.decode()


def test_it_works(page: Client, user: User, site: Upstream) -> None:
    for provider, verdict in (("openai", "offers 5 models"), ("google", "offers 1 voice")):
        answer = _save(page, provider, secret=SECRET)
        assert "Saved. Works" in answer
        assert verdict in answer
        assert SECRET not in answer
        assert "9876" in answer
    assert {key["key"] for key in site.list_requests("models") + site.list_requests("google_voices")} == {SECRET}
    assert "Your key works" in page.get(reverse("settings")).content.decode()


def test_a_refused_key_is_kept_and_told(page: Client, user: User, site: Upstream) -> None:
    site.behave("models", fault="401", fault_times=1)
    assert "Saved. 127.0.0.1 refused this key" in _save(page, "openai", secret=SECRET)
    answer = page.post(reverse("provider_key_test", args=["openai"]), follow=True).content.decode()
    assert "Tested again. Works" in answer


def test_what_was_typed_is_kept_but_never_the_secret(page: Client, user: User, upstream: Upstream) -> None:
    answer = _save(page, "openai", secret=SECRET, base_url=upstream.openai_url)
    assert "USER_BASE_URLS" in answer
    assert f'value="{upstream.openai_url}"' in answer
    assert SECRET not in answer
    broken = json.dumps({"type": "service_account", "private_key": "do not show this"})
    answer = _save(page, "google", secret=broken)
    assert "missing client_email" in answer
    assert "do not show this" not in answer
    assert not ProviderKey.objects.filter(user=user).exists()


def test_nothing_to_save(page: Client) -> None:
    assert "Paste a key" in _save(page, "openai", secret="", base_url="")
    assert "This field is required" in _save(page, "google", secret="")


def test_delete_asks_first(page: Client, user: User, site: Upstream) -> None:
    keyring.save(user, "openai", SECRET)
    assert page.get(reverse("provider_key_delete", args=["openai"])).status_code == 200
    assert ProviderKey.objects.filter(user=user).exists()
    answer = page.post(reverse("provider_key_delete", args=["openai"]), follow=True).content.decode()
    assert "has been deleted" in answer
    assert not ProviderKey.objects.filter(user=user).exists()


def test_a_stranger_neither_sees_nor_touches(page: Client, user: User, site: Upstream) -> None:
    theirs = keyring.save(make_user(), "openai", SECRET)
    assert "9876" not in page.get(reverse("provider_keys")).content.decode()
    for name in ("provider_key_test", "provider_key_delete"):
        assert page.post(reverse(name, args=["openai"])).status_code == 404
    _save(page, "openai", secret="sk-mine")
    theirs.refresh_from_db()
    assert theirs.hint == "9876"


def test_signed_out(db: None) -> None:
    client = Client()
    for name in ("provider_key_save", "provider_key_test", "provider_key_delete"):
        assert client.post(reverse(name, args=["openai"])).status_code == 302
    assert client.get(reverse("provider_keys")).status_code == 302


def test_a_provider_that_does_not_exist(page: Client) -> None:
    for name in ("provider_key_save", "provider_key_test", "provider_key_delete"):
        assert page.post(reverse(name, args=["nobody"])).status_code == 404


def test_no_key_is_used_by_a_link(page: Client, user: User) -> None:
    assert page.get(reverse("provider_key_test", args=["openai"])).status_code == 405
    saved = page.get(reverse("provider_key_save", args=["openai"]), {"openai-secret": SECRET})
    assert saved["Location"] == reverse("provider_keys")
    assert not ProviderKey.objects.exists()
