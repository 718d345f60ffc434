"""Client secrets: what a program asks for and hands to a browser, which connects with it in place of an API key.

One reads `ek_` + 42 random base62 characters + 6 of checksum, as an API key has. It dies when it expires,
or with its key.
"""

import secrets
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.keys.api_keys import ALPHABET, CHECKSUM_LENGTH, checksum, digest
from accounts.models import ClientSecret, Scope
from accounts.security.security_log import Event, record

START = "ek_"
RANDOM_LENGTH = 42


def mint(key_id: int, session: dict[str, Any], lifetime_sec: int) -> tuple[ClientSecret, str]:
    """Store a new secret. Return it with its text, which exists nowhere else. Also remove secrets that have expired."""
    now = timezone.now()
    ClientSecret.objects.filter(expires_at__lte=now).delete()
    start = START + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    token = start + checksum(start)
    expires_at = now + timedelta(seconds=lifetime_sec)
    secret = ClientSecret.objects.create(key_id=key_id, digest=digest(token), session=session, expires_at=expires_at)
    record(Event.CLIENT_SECRET_MADE, user=secret.key.user_id, key=key_id, lifetime_sec=lifetime_sec)
    return secret, token


def is_client_secret(token: str) -> bool:
    """Return whether a text looks like a client secret. Reads no table."""
    return token.startswith(START)


def authenticate(token: str, address: str = "") -> ClientSecret | None:
    """Return the secret with its key, or None: unknown, expired, or its key or user may not talk.

    It is for browsers anywhere, so a new address is no news; a refusal is told in the security log.
    """
    live = ClientSecret.objects.filter(expires_at__gt=timezone.now(), key__revoked_at=None, key__user__is_active=True)
    live = live.filter(key__scopes__contains=[Scope.REALTIME.value])
    secret = live.select_related("key").filter(digest=digest(token)).first() if is_well_formed(token) else None
    if secret is None:
        record(Event.API_KEY_REFUSED, address=address, kind="client_secret")
    return secret


def is_well_formed(token: str) -> bool:
    start, end = token[:-CHECKSUM_LENGTH], token[-CHECKSUM_LENGTH:]
    return token.isascii() and len(start) == len(START) + RANDOM_LENGTH and end == checksum(start)
