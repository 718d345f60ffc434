from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from accounts.models import ProviderKey, User
from accounts.outbound import base_urls
from accounts.provider_keys import keyring, secret_formats
from accounts.provider_keys.keyring import Credential, find_credential
from tests.support.factories import make_user
from tests.upstream.fixtures import Upstream

SECRET = "sk-a-secret-of-some-length-9876"


@pytest.fixture
def site(upstream: Upstream, settings: Any) -> Upstream:
    """The emulated servers, which are the site's own."""
    settings.OPENAI_BASE_URL, settings.GOOGLE_TTS_ENDPOINT = upstream.openai_url, upstream.google_url
    return upstream


def test_it_works(user: User, site: Upstream) -> None:
    key = keyring.save(user, "openai", SECRET)
    assert key.works
    assert key.hint == "9876"
    assert SECRET.encode() not in bytes(key.secret_encrypted)
    assert find_credential(user, "openai") == Credential(SECRET, site.openai_url, of_user=True)


def test_google(user: User, site: Upstream) -> None:
    assert keyring.save(user, "google", SECRET).works
    assert find_credential(user, "google") == Credential(SECRET, site.google_url, of_user=True)


def test_saving_again_replaces(user: User, site: Upstream) -> None:
    first = keyring.save(user, "openai", "sk-old")
    second = keyring.save(user, "openai", "sk-new")
    assert first.pk == second.pk
    assert ProviderKey.objects.filter(user=user).count() == 1


def test_a_base_url_of_the_users_own(user: User, upstream: Upstream, settings: Any) -> None:
    settings.USER_BASE_URLS = "any"
    key = keyring.save(user, "openai", "", upstream.openai_url)
    assert key.works
    assert find_credential(user, "openai") == Credential("", upstream.openai_url, public_only=False, of_user=True)
    settings.USER_BASE_URLS = "public"  # checked where it connects from now on
    assert find_credential(user, "openai") == Credential("", upstream.openai_url, public_only=True, of_user=True)
    keyring.retest(key)
    assert not key.works
    assert "USER_BASE_URLS" in key.verdict


def test_a_failed_verification_is_kept_with_its_verdict(user: User, site: Upstream) -> None:
    site.behave("models", fault="401")
    key = keyring.save(user, "openai", SECRET)
    assert not key.works
    assert "refused" in key.verdict
    site.behave("models", fault="")
    keyring.retest(key)
    assert ProviderKey.objects.get(pk=key.pk).works


def test_the_sites_serves_those_without(user: User, settings: Any, tmp_path: Path) -> None:
    assert find_credential(user, "openai") is None
    assert find_credential(user, "google") is None
    settings.OPENAI_BASE_URL = "http://ollama:11434/v1"
    assert find_credential(user, "openai") == Credential("", "http://ollama:11434/v1")
    settings.OPENAI_API_KEY = "sk-site"
    assert find_credential(user, "openai") == Credential("sk-site", "http://ollama:11434/v1")
    file = tmp_path / "account.json"
    file.write_text('{"type": "service_account"}')
    settings.GOOGLE_APPLICATION_CREDENTIALS = str(file)
    assert find_credential(user, "google") == Credential('{"type": "service_account"}')
    settings.GOOGLE_API_KEY = "AIza"
    assert find_credential(user, "google") == Credential("AIza")


def test_another_users_key_serves_nobody_else(user: User, site: Upstream, settings: Any) -> None:
    keyring.save(user, "openai", SECRET)
    settings.OPENAI_BASE_URL = ""
    assert find_credential(make_user(), "openai") is None


def test_delete(user: User, site: Upstream) -> None:
    theirs = keyring.save(make_user(), "openai", SECRET)
    keyring.save(user, "openai", SECRET)
    keyring.delete(user, "openai")
    assert find_credential(user, "openai") == Credential("", site.openai_url)
    assert ProviderKey.objects.filter(pk=theirs.pk).exists()


def test_a_lost_encryption_key_is_not_made_up_for_with_the_sites(user: User, site: Upstream, settings: Any) -> None:
    key = keyring.save(user, "openai", SECRET)
    settings.OPENAI_API_KEY = "sk-site"
    settings.FIELD_ENCRYPTION_KEY = Fernet.generate_key().decode()
    assert find_credential(user, "openai") is None
    key.refresh_from_db()
    assert not key.works
    assert "Save it again" in key.verdict
    keyring.retest(key)
    assert "Save it again" in key.verdict


def test_a_policy_that_became_strict(user: User, upstream: Upstream, settings: Any) -> None:
    settings.USER_BASE_URLS = "any"
    keyring.save(user, "openai", SECRET, upstream.openai_url)
    settings.USER_BASE_URLS = "none"
    assert find_credential(user, "openai") is None
    assert "USER_BASE_URLS" in ProviderKey.objects.get(user=user).verdict


def test_what_is_refused_is_not_kept(user: User, upstream: Upstream) -> None:
    with pytest.raises(base_urls.BaseURLError):
        keyring.save(user, "openai", SECRET, upstream.openai_url)
    with pytest.raises(base_urls.BaseURLError):
        keyring.save(user, "google", SECRET, "https://8.8.8.8")
    with pytest.raises(secret_formats.SecretError):
        keyring.save(user, "openai", "no key at all")
    assert not ProviderKey.objects.filter(user=user).exists()
    assert not upstream.list_requests("models")


def test_a_credentials_file_that_vanished(user: User, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.GOOGLE_APPLICATION_CREDENTIALS = "/nowhere/account.json"
    assert find_credential(user, "google") is None
    assert "GOOGLE_APPLICATION_CREDENTIALS" in caplog.text


def test_a_credential_does_not_show_its_secret() -> None:
    assert SECRET not in repr(Credential(SECRET, "https://example.org"))
