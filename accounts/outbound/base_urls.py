"""Check base URLs that users name (setting USER_BASE_URLS), so that none leads into the private network.

The site's own base URLs come from its environment and are not checked.
"""

import socket
from urllib.parse import urlsplit

from django.conf import settings

from accounts.outbound.public_addresses import is_public


class BaseURLError(ValueError):
    """A base URL may not be used. The message is for the user, and names the setting if one is the reason."""


def check(url: str) -> None:
    """Raise BaseURLError unless this server may call the user's base URL now. Resolves the host's name."""
    host, port = _parse_host_and_port(url)
    if settings.USER_BASE_URLS == "none":
        raise BaseURLError("This site does not let users choose a base URL (USER_BASE_URLS=none).")
    if settings.USER_BASE_URLS == "public":
        _require_public(host, port)


def _parse_host_and_port(url: str) -> tuple[str, int]:
    """Return the host and the port of a base URL, or raise BaseURLError."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise BaseURLError("That is not a base URL. Use one like https://host/v1.") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise BaseURLError("A base URL looks like https://host/v1, without a user name, question mark or #.")
    return parts.hostname, port


def _require_public(host: str, port: int) -> None:
    """Raise BaseURLError unless all addresses of the host are public."""
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError):  # a ValueError where it can be no name at all
        answers = []
    if not answers or not all(is_public(str(answer[4][0])) for answer in answers):
        # The same for a name that is not there and for one within: which names there are is nobody's business.
        raise BaseURLError(
            f"{host} is not a public internet address, and this site calls only those for its users. "
            "An admin can allow others with USER_BASE_URLS=any."
        )
