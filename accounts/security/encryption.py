"""Secrets at rest, under FIELD_ENCRYPTION_KEY: one Fernet key, or several with commas while they are rotated.

The first key encrypts; every key decrypts.
"""

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class DecryptionError(Exception):
    """None of the site's keys opens this secret: it was encrypted under one that is gone."""


def encrypt(text: str) -> bytes:
    return _fernet().encrypt(text.encode())


def decrypt(token: bytes) -> str:
    """Return the secret's text, or raise DecryptionError."""
    try:
        return _fernet().decrypt(token).decode()
    except InvalidToken:
        raise DecryptionError from None


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key.strip()) for key in settings.FIELD_ENCRYPTION_KEY.split(",") if key.strip()])
