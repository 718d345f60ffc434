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

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from django.utils import timezone

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
    token = start + checksum(start)
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
    close_sessions([key])


def close_sessions(keys: Iterable[APIKey]) -> None:
    """Hangs up what runs on these keys, in every process, as soon as the database says the same to a reconnect."""
    names = [group_name(key.pk) for key in keys]
    transaction.on_commit(lambda: async_to_sync(_send_revoked)(names), robust=True)


def group_name(key_id: int) -> str:
    """The channel-layer group that the sessions of a key join, to hear `{"type": "key.revoked"}`."""
    return f"api-key.{key_id}"


async def _send_revoked(names: list[str]) -> None:
    if layer := get_channel_layer():
        for name in names:
            await layer.group_send(name, {"type": "key.revoked"})


def _record_use(key: APIKey) -> None:
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at >= LAST_USE_PRECISION:
        key.last_used_at = now
        key.save(update_fields=["last_used_at"])


def _is_well_formed(token: str) -> bool:
    start, end = token[:-CHECKSUM_LENGTH], token[-CHECKSUM_LENGTH:]
    has_shape = token.isascii() and start.startswith(START) and len(start) == len(START) + RANDOM_LENGTH
    return has_shape and end == checksum(start)


def checksum(text: str) -> str:
    """Return the end of a key that begins like this: it costs nothing to tell a mistyped one."""
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def digest(token: str) -> str:
    """What is kept of a key. It has 238 random bits: a plain hash is as good as a slow one, and takes microseconds."""
    return sha256(token.encode()).hexdigest()
