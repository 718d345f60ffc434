"""Check the form of a provider's secret before it is sent anywhere."""

import json
import re
from typing import Any

from accounts.models import ProviderKey

MAX_LENGTH = 10_000
# A service account's JSON says where its tokens are fetched: elsewhere would be a door to the private network.
TOKEN_URLS = ("https://oauth2.googleapis.com/", "https://accounts.google.com/", "https://www.googleapis.com/")
WANTED = ("client_email", "private_key", "token_uri")


class SecretError(ValueError):
    """A secret has the wrong form. The message is for the user, and never contains the secret."""


def check(provider: str, secret: str) -> None:
    """Raise SecretError unless the secret looks like one of this provider."""
    if provider == ProviderKey.Provider.GOOGLE and secret.startswith("{"):
        _check_service_account(secret)
    elif not re.fullmatch(r"[!-~]{0,1000}", secret):
        raise SecretError(
            "A key is one word of letters, digits and punctuation, without spaces. Did you copy all of it?"
        )
    elif not secret and provider == ProviderKey.Provider.GOOGLE:
        raise SecretError("Paste an API key, or the JSON of a service account.")


def _check_service_account(secret: str) -> None:
    account = _parse(secret)
    if account.get("type") != "service_account":
        raise SecretError(
            'This JSON is not a key of a service account (see its "type"). Create one for a service account.'
        )
    missing = [name for name in WANTED if not isinstance(account.get(name), str) or not account[name]]
    if missing:
        raise SecretError(f"This JSON is missing {', '.join(missing)}. Paste the whole file.")
    if not account["token_uri"].startswith(TOKEN_URLS):
        raise SecretError("The token_uri of this JSON is not Google's.")


def _parse(secret: str) -> dict[str, Any]:
    try:
        account = json.loads(secret[: MAX_LENGTH + 1])
    except (json.JSONDecodeError, RecursionError):
        raise SecretError("This service account JSON cannot be read. Paste the whole file.") from None
    return account if isinstance(account, dict) else {}
