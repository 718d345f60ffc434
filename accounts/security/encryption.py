"""Encrypt secrets that are stored, with FIELD_ENCRYPTION_KEY: one Fernet key, or several, separated by commas.

The first key encrypts, and every key decrypts, so that keys can be rotated.
"""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class DecryptionError(Exception):
    """None of the site's keys decrypts this secret: it was encrypted under one that is gone."""


def encrypt(text: str) -> bytes:
    """Return the text encrypted with the site's first key."""
    return _build_fernet().encrypt(text.encode())


def decrypt(token: bytes) -> str:
    """Return the secret's text, or raise DecryptionError."""
    try:
        return _build_fernet().decrypt(token).decode()
    except InvalidToken:
        raise DecryptionError from None


def _build_fernet() -> MultiFernet:
    return MultiFernet([Fernet(key.strip()) for key in settings.FIELD_ENCRYPTION_KEY.split(",") if key.strip()])
