"""Mails to the owner of what was done with their keys, so that they hear of what they did not do."""

from allauth.core.context import request_context
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from accounts.adapter import AccountAdapter
from accounts.models import APIKey, ProviderKey, User


def api_key_made(request: HttpRequest, key: APIKey) -> None:
    admin = "" if request.user == key.user else " by an admin of the site"
    _tell(
        request, key.user, "A new API key", f"The API key “{_name(key)}” ({key.prefix}…) was made{admin}.", "api_keys"
    )


def api_key_revoked(request: HttpRequest, key: APIKey) -> None:
    _tell(
        request, key.user, "A revoked API key", f"The API key “{_name(key)}” ({key.prefix}…) was revoked.", "api_keys"
    )


def provider_key_saved(request: HttpRequest, key: ProviderKey) -> None:
    where = f" for {key.base_url}" if key.base_url else ""
    sentence = f"A key for {key.get_provider_display()}{where} was saved, and your conversations use it from now on."
    _tell(request, key.user, "A new provider key", sentence, "provider_keys")


def provider_key_deleted(request: HttpRequest, user: User, provider: str) -> None:
    sentence = f"Your key for {ProviderKey.Provider(provider).label} was deleted."
    _tell(request, user, "A deleted provider key", sentence, "provider_keys")


def _tell(request: HttpRequest, user: User, subject: str, sentence: str, page: str) -> None:
    if not settings.EMAIL_HOST:
        return
    words = {"notice_subject": subject, "sentence": sentence, "page_url": request.build_absolute_uri(reverse(page))}
    with request_context(request):
        AccountAdapter(request).send_notification_mail("account/email/key_notice", user, words)


def _name(key: APIKey) -> str:
    return " ".join(key.name.split())
