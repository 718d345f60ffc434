"""Make identifiers of the protocol: a prefix, an underscore, letters and digits."""

import secrets
from base64 import b32encode


def make_id(prefix: str) -> str:
    """Return a new id such as `item_9fkq…`: 120 random bits, in at most 32 characters as the protocol allows."""
    return f"{prefix}_{b32encode(secrets.token_bytes(15)).decode().lower()}"
