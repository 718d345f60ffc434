"""Identifiers of the protocol: a prefix, an underscore, letters and digits."""

import secrets
import string

ALPHABET = string.ascii_letters + string.digits


def make_id(prefix: str) -> str:
    """A new id such as `item_9fKq…`; at most 32 characters, as the protocol allows."""
    return f"{prefix}_" + "".join(secrets.choice(ALPHABET) for _ in range(22))
