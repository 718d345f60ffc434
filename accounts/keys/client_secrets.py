"""Client secrets: what a program requests and hands to a browser, which connects with it in place of an API key.

One is `ek_`, 42 random base62 characters, and 6 characters of checksum, like an API key. It ends at its expiry, or with
its key.
"""

import secrets
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.keys.api_keys import ALPHABET, CHECKSUM_LENGTH, compute_checksum, compute_digest
from accounts.models import ClientSecret, Scope
from accounts.security.security_log import Event, record

START = "ek_"
RANDOM_LENGTH = 42


def mint(key_id: int, session: dict[str, Any], lifetime_sec: int) -> tuple[ClientSecret, str]:
    """Store a new secret, and return it with its text, which is stored nowhere. Also delete expired secrets."""
    now = timezone.now()
    ClientSecret.objects.filter(expires_at__lte=now).delete()
    start = START + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    token = start + compute_checksum(start)
    expires_at = now + timedelta(seconds=lifetime_sec)
    secret = ClientSecret.objects.create(
        key_id=key_id, digest=compute_digest(token), session=session, expires_at=expires_at
    )
    record(Event.CLIENT_SECRET_MADE, user=secret.key.user_id, key=key_id, lifetime_sec=lifetime_sec)
    return secret, token


def is_client_secret(token: str) -> bool:
    """Return whether a text looks like a client secret. Does not read the database."""
    return token.startswith(START)


def authenticate(token: str, address: str = "") -> ClientSecret | None:
    """Return the secret with its key, or None if it is unknown or expired, or its key or user may not talk.

    It is meant for browsers anywhere, so a new address is not recorded; the security log records every refusal.
    """
    live = ClientSecret.objects.filter(expires_at__gt=timezone.now(), key__revoked_at=None, key__user__is_active=True)
    live = live.filter(key__scopes__contains=[Scope.REALTIME.value])
    secret = live.select_related("key").filter(digest=compute_digest(token)).first() if is_well_formed(token) else None
    if secret is None:
        record(Event.API_KEY_REFUSED, address=address, kind="client_secret")
    return secret


def is_well_formed(token: str) -> bool:
    """Return whether the text has the form of a client secret, with the right checksum."""
    start, end = token[:-CHECKSUM_LENGTH], token[-CHECKSUM_LENGTH:]
    return token.isascii() and len(start) == len(START) + RANDOM_LENGTH and end == compute_checksum(start)
