"""API keys: what a program shows instead of a session cookie.

A key reads `vp_` + 40 random base62 characters + 6 of checksum (CRC32 of all before them), so that it is a
valid HTTP token, secret scanners can recognise it, and a mistyped one is refused without asking the database.
"""

import secrets
import string
import zlib
from collections.abc import Iterable
from datetime import timedelta
from hashlib import sha256

from django.utils import timezone

from accounts import access
from accounts.models import APIKey, Scope, User

START = "vp_"
RANDOM_LENGTH = 40
CHECKSUM_LENGTH = 6
PREFIX_LENGTH = 11
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
LAST_USE_PRECISION = timedelta(minutes=1)


def create(user: User, name: str, scopes: Iterable[str] = Scope.values) -> tuple[APIKey, str]:
    """The stored key, and its text, which exists nowhere else and is to be shown once."""
    key = APIKey(user=user, name=name, scopes=list(scopes))
    return key, issue(key)


def issue(key: APIKey) -> str:
    """Gives a new key its text, which it returns, and saves what is kept of it."""
    start = START + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    token = start + _checksum(start)
    key.prefix, key.digest = token[:PREFIX_LENGTH], digest(token)
    key.save(force_insert=True)
    return token


def authenticate(token: str) -> APIKey | None:
    """The key with its user, or None if it is unknown, revoked, or its user deactivated. Reads the database."""
    if not _is_well_formed(token):
        return None
    live = APIKey.objects.select_related("user").filter(revoked_at=None, user__is_active=True)
    key = live.filter(digest=digest(token)).first()
    if key:
        _record_use(key)
    return key


def revoke(key: APIKey) -> None:
    """From now on the key opens nothing, and what it has opened is closed. Call it from sync code."""
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])
    access.announce([key.user_id])


def _record_use(key: APIKey) -> None:
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at >= LAST_USE_PRECISION:
        key.last_used_at = now
        key.save(update_fields=["last_used_at"])


def _is_well_formed(token: str) -> bool:
    start, checksum = token[:-CHECKSUM_LENGTH], token[-CHECKSUM_LENGTH:]
    has_shape = token.isascii() and start.startswith(START) and len(start) == len(START) + RANDOM_LENGTH
    return has_shape and checksum == _checksum(start)


def _checksum(text: str) -> str:
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def digest(token: str) -> str:
    """What is kept of a key. It has 238 random bits: a plain hash is as good as a slow one, and takes microseconds."""
    return sha256(token.encode()).hexdigest()
