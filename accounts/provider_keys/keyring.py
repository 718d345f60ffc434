"""Find the credential that serves a user, and keep the keys that users bring themselves."""

import logging
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from accounts.models import ProviderKey, User
from accounts.outbound import base_urls
from accounts.provider_keys import secret_formats, verification
from accounts.provider_keys.credentials import Credential
from accounts.security import encryption
from accounts.security.security_log import Event, record
from voiceproject.database import give_back

__all__ = ["Credential", "ProviderKeyError", "delete", "find_credential", "get_site_credential", "retest", "save"]

HINT_LENGTH = 4
logger = logging.getLogger(__name__)


class ProviderKeyError(Exception):
    """A user's own key cannot be used as it was saved. The message is for the user, and says what to do."""


def find_credential(user: User, provider: str) -> Credential | None:
    """Return the user's own credential, else the site's, else None. Reads the database.

    A key of the user's own that cannot be used counts as None, and its verdict says why. The site's key never replaces
    it: the user chose where the words go.
    """
    key = ProviderKey.objects.filter(user=user, provider=provider).first()
    if key is None:
        return get_site_credential(provider)
    try:
        return _find_own(key)
    except ProviderKeyError as error:
        logger.warning("The %s key of user %s cannot be used: %s", provider, user.pk, error)
        ProviderKey.objects.filter(pk=key.pk).update(works=False, verdict=str(error))
        return None


def save(user: User, provider: str, secret: str, base_url: str = "") -> ProviderKey:
    """Verify the key, and save it with the verdict, even a bad one. Takes seconds.

    Raise base_urls.BaseURLError or secret_formats.SecretError without saving anything.
    """
    secret_formats.check(provider, secret)
    if base_url and provider != ProviderKey.Provider.OPENAI:
        raise base_urls.BaseURLError("Only an OpenAI-compatible server has a base URL.")
    give_back()  # what follows waits for servers that the user names
    if base_url:
        base_urls.check(base_url)
    credential = _build_credential(provider, secret, base_url)
    verdict = verification.verify_key(provider, credential)
    fields = {
        "secret_encrypted": encryption.encrypt(secret),
        "hint": _make_hint(secret),
        "base_url": base_url,
        "works": verdict.works,
        "verdict": verdict.text,
        "tested_at": timezone.now(),
    }
    key = ProviderKey.objects.update_or_create(user=user, provider=provider, defaults=fields)[0]
    record(Event.PROVIDER_KEY_SAVED, user=user.pk, provider=provider, own_base_url=str(bool(base_url)).lower())
    return key


def retest(key: ProviderKey) -> None:
    """Try a saved key again, and save the verdict. Takes seconds."""
    give_back()
    try:
        if key.base_url:
            base_urls.check(key.base_url)
        verdict = verification.verify_key(key.provider, _find_own(key))
    except (ProviderKeyError, base_urls.BaseURLError) as error:
        verdict = verification.Verdict(works=False, text=str(error))
    key.works, key.verdict, key.tested_at = verdict.works, verdict.text, timezone.now()
    key.save(update_fields=["works", "verdict", "tested_at"])


def delete(user: User, provider: str) -> None:
    """Delete the user's key for this provider, if there is one."""
    if ProviderKey.objects.filter(user=user, provider=provider).delete()[0]:
        record(Event.PROVIDER_KEY_DELETED, user=user.pk, provider=provider)


def get_site_credential(provider: str) -> Credential | None:
    """Return the site's own credential, or None.

    A server that is named without a key counts as one, since compatible servers need none.
    """
    base_url = get_default_base_url(provider)
    if provider == ProviderKey.Provider.OPENAI:
        secret = settings.OPENAI_API_KEY
        return Credential(secret, base_url) if secret or base_url else None
    secret = settings.GOOGLE_API_KEY or _read_service_account()
    return Credential(secret, base_url) if secret or base_url.startswith("http://") else None


def get_default_base_url(provider: str) -> str:
    """Return where a key without a base URL of its own is used; "" stands for the provider itself.

    Users' keys are used at the site's server too, because the model ids are the site's.
    """
    is_openai = provider == ProviderKey.Provider.OPENAI
    return str(settings.OPENAI_BASE_URL if is_openai else settings.GOOGLE_TTS_ENDPOINT)


def _read_service_account() -> str:
    """Return the JSON of the site's service account, or ""."""
    path = settings.GOOGLE_APPLICATION_CREDENTIALS
    try:
        return Path(path).read_text() if path else ""
    except OSError as error:  # it was there when the site started
        logger.error("GOOGLE_APPLICATION_CREDENTIALS: %s: %s", path, error.strerror)
        return ""


def _find_own(key: ProviderKey) -> Credential:
    """Return the credential of a saved key, or raise ProviderKeyError."""
    # Whether the base URL is public is checked where the connection is made, by `public_addresses`.
    if key.base_url and settings.USER_BASE_URLS == "none":
        raise ProviderKeyError("This site no longer lets users choose a base URL (USER_BASE_URLS=none).")
    try:
        secret = encryption.decrypt(bytes(key.secret_encrypted))
    except encryption.DecryptionError:
        raise ProviderKeyError("This key can no longer be decrypted. Save it again.") from None
    return _build_credential(key.provider, secret, key.base_url)


def _build_credential(provider: str, secret: str, base_url: str) -> Credential:
    public_only = bool(base_url) and settings.USER_BASE_URLS == "public"
    return Credential(secret, base_url or get_default_base_url(provider), public_only, of_user=True)


def _make_hint(secret: str) -> str:
    # The end of a service account's JSON says nothing, and the end of a short secret says too much.
    return "" if secret.endswith("}") or len(secret) < 20 else secret[-HINT_LENGTH:]
