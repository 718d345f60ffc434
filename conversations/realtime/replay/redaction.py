"""What a recording never holds: credentials, by the names of their keys, by their looks, and by their values."""

import re
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import urlsplit, urlunsplit

LEFT_OUT = "(left out)"
FEWEST_CHARS = 8  # of a known secret; shorter ones would be found in ordinary words
KEYS = frozenset(
    (
        "authorization", "proxy_authorization", "headers", "cookie", "api_key", "apikey", "x_api_key", "client_secret",
        "access_token", "refresh_token", "auth_token", "bearer_token", "password", "secret", "private_key",
    )
)  # fmt: skip
# API keys, client secrets, providers' keys, bearer tokens, and the password within an address.
LOOKS = re.compile(
    r"\b(?:vp_|ek_|sk-|AIza)[\w-]{16,}|\b(?:Bearer|Basic) [^\s\"']{8,}|(?<=://)[^/\s@\"']{1,200}@", re.ASCII
)


def is_secret(key: str) -> bool:
    """Return whether what stands under this key is a credential."""
    return key.lower().replace("-", "_") in KEYS


def mask(value: Any) -> Any:
    """Return the same shape without any of its strings."""
    if isinstance(value, str):
        return LEFT_OUT
    if isinstance(value, dict):
        return {key: mask(inner) for key, inner in value.items()}
    return [mask(inner) for inner in value] if isinstance(value, list) else value


def remove_address_secrets(address: str) -> str:
    """Return an address without its user, password, query and fragment."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return LEFT_OUT
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def build_scrubber(known: Collection[str]) -> Callable[[str], str]:
    """Return what takes the `known` secrets out of a string, and whatever looks like one."""
    whole = {secret.strip() for secret in known}
    words = {word for secret in whole if len(secret) < 2_000 for word in secret.split()}  # "Bearer …"
    secrets = sorted((one for one in whole | words if len(one) >= FEWEST_CHARS), key=len, reverse=True)

    def scrub(text: str) -> str:
        if len(text) < FEWEST_CHARS:
            return text
        for secret in secrets:
            text = text.replace(secret, LEFT_OUT)
        return LOOKS.sub(LEFT_OUT, text)

    return scrub
