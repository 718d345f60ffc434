"""API keys: what a program shows in place of a session cookie.

A key is `vp_`, 40 random base62 characters, and 6 characters of checksum (CRC32 of everything before it). So it is a
valid HTTP token, secret scanners can recognise it, and a mistyped one is refused without asking the database.
"""

import secrets
import string
import zlib
from collections.abc import Iterable
from datetime import timedelta
from hashlib import sha256

from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import connection_grants
from accounts.models import APIKey, Scope, User
from accounts.security import client_addresses
from accounts.security.security_log import Event, record

START = "vp_"
RANDOM_LENGTH = 40
CHECKSUM_LENGTH = 6
PREFIX_LENGTH = 11
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
LAST_USE_PRECISION = timedelta(minutes=1)
SEEN_ADDRESSES = 20  # of a key, the latest: from another one it counts as new again
MARK_LENGTH = 10


def create(user: User, name: str, scopes: Iterable[str] = Scope.values) -> tuple[APIKey, str]:
    """Store a new key, and return it with its text. The text is stored nowhere, so show it now."""
    key = APIKey(user=user, name=name, scopes=list(scopes))
    return key, issue(key)


def issue(key: APIKey) -> str:
    """Give a new key its text, save the key with the text's digest, and return the text."""
    start = START + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    token = start + compute_checksum(start)
    key.prefix, key.digest = token[:PREFIX_LENGTH], compute_digest(token)
    key.save(force_insert=True)
    record(Event.API_KEY_MADE, user=key.user_id, key=key.pk, scopes=",".join(key.scopes))
    return token


def authenticate(token: str, address: str = "") -> APIKey | None:
    """Return the key with its user, or None if it is unknown or revoked, or its user deactivated. Reads the database.

    `address` is the client's. The security log records the first use from a new address, and every refusal.
    """
    live = APIKey.objects.select_related("user").filter(revoked_at=None, user__is_active=True)
    key = live.filter(digest=compute_digest(token)).first() if is_well_formed(token) else None
    if key:
        _record_use(key, address)
    else:
        record(Event.API_KEY_REFUSED, address=address)
    return key


def revoke(key: APIKey) -> None:
    """Revoke the key, and close the connections that were opened with it. Call it from sync code."""
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])
        record(Event.API_KEY_REVOKED, user=key.user_id, key=key.pk)
    connection_grants.announce([key.user_id])


def _record_use(key: APIKey, address: str) -> None:
    now, changed = timezone.now(), []
    if key.last_used_at is None or now - key.last_used_at >= LAST_USE_PRECISION:
        key.last_used_at = now
        changed.append("last_used_at")
    if address and (mark := _hash_address(key, address)) not in key.seen_addresses:
        key.seen_addresses = [*key.seen_addresses, mark][-SEEN_ADDRESSES:]
        changed.append("seen_addresses")
        record(Event.API_KEY_NEW_ADDRESS, user=key.user_id, address=address, key=key.pk)
    if changed:
        key.save(update_fields=changed)


def _hash_address(key: APIKey, address: str) -> str:
    """Return the mark of an address that is kept: enough to recognise the address, too little to tell it."""
    return salted_hmac(f"accounts.api_key.{key.pk}", client_addresses.group_address(address)).hexdigest()[:MARK_LENGTH]


def is_well_formed(token: str) -> bool:
    """Return whether the text has the form of an API key, with the right checksum."""
    start, end = token[:-CHECKSUM_LENGTH], token[-CHECKSUM_LENGTH:]
    has_shape = token.isascii() and start.startswith(START) and len(start) == len(START) + RANDOM_LENGTH
    return has_shape and end == compute_checksum(start)


def compute_checksum(text: str) -> str:
    """Return the checksum of the text, with which a mistyped key is recognised at no cost."""
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def compute_digest(token: str) -> str:
    """Return the digest of a key, which is stored in its place.

    A key has 238 random bits, so a fast hash is as safe as a slow one.
    """
    return sha256(token.encode()).hexdigest()
