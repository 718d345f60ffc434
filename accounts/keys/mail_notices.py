"""Mail owners what was done with their keys, so that they learn of what they did not do themselves.

Where the site sends no mail, nothing is sent.
"""

import logging

from allauth.core.context import request_context
from django.conf import settings
from django.core.mail import send_mail
from django.http import HttpRequest
from django.urls import reverse

from accounts.models import APIKey, ProviderKey, User
from accounts.sign_in.adapter import AccountAdapter

logger = logging.getLogger(__name__)


def notify_api_key_created(request: HttpRequest, key: APIKey) -> None:
    """Mail the owner that a key was made, by themselves or by an admin."""
    admin = "" if request.user == key.user else " by an admin of the site"
    _send(
        request,
        key.user,
        "New API key",
        f"The API key “{_flatten_name(key)}” ({key.prefix}…) was created{admin}.",
        "api_keys",
    )


def notify_api_key_revoked(request: HttpRequest, key: APIKey) -> None:
    """Mail the owner that a key was revoked, or deleted by an admin."""
    _send(
        request,
        key.user,
        "API key revoked",
        f"The API key “{_flatten_name(key)}” ({key.prefix}…) was revoked.",
        "api_keys",
    )


def notify_api_key_created_by_command(key: APIKey) -> None:
    """Mail the owner of a key that a command made. There is no link, as a command does not know the site's address."""
    if not settings.EMAIL_HOST:
        return
    sentence = f"The API key “{_flatten_name(key)}” ({key.prefix}…) was created for you from the server’s command line."
    what_to_do = "If you did not ask for it, revoke it under Settings → API keys, and tell an admin of the site."
    try:
        send_mail(
            settings.ACCOUNT_EMAIL_SUBJECT_PREFIX + "New API key",
            f"{sentence}\n\n{what_to_do}",
            None,
            [key.user.email],
        )
    except OSError:
        logger.exception("The mail server did not take the notice of an API key")


def notify_provider_key_saved(request: HttpRequest, key: ProviderKey) -> None:
    """Mail the owner that a provider key was saved."""
    where = f" for {key.base_url}" if key.base_url else ""
    sentence = f"A key for {key.get_provider_display()}{where} was saved. Your conversations use it from now on."
    _send(request, key.user, "New provider key", sentence, "provider_keys")


def notify_provider_key_deleted(request: HttpRequest, user: User, provider: str) -> None:
    """Mail the owner that a provider key was deleted, by themselves or by an admin."""
    admin = "" if request.user == user else " by an admin of the site"
    sentence = f"Your key for {ProviderKey.Provider(provider).label} was deleted{admin}."
    _send(request, user, "Provider key deleted", sentence, "provider_keys")


def _send(request: HttpRequest, user: User, subject: str, sentence: str, page: str) -> None:
    if not settings.EMAIL_HOST:
        return
    words = {"notice_subject": subject, "sentence": sentence, "page_url": request.build_absolute_uri(reverse(page))}
    with request_context(request):
        AccountAdapter(request).send_notification_mail("account/email/key_notice", user, words)


def _flatten_name(key: APIKey) -> str:
    """Return the name of the key on one line."""
    return " ".join(key.name.split())
