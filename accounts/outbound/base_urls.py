"""Where a user may point this server (setting USER_BASE_URLS), so that a base URL is no door to the private network.

The site's own base URLs come from its environment and are not subject to this.
"""

import socket
from urllib.parse import urlsplit

from django.conf import settings

from accounts.outbound.public_addresses import is_public


class BaseURLError(ValueError):
    """A base URL that may not be used. The text is for the user, and names the setting where one decides."""


def check(url: str) -> None:
    """Raise BaseURLError unless a user's base URL may be called now. Asks the name service."""
    host, port = _host_and_port(url)
    if settings.USER_BASE_URLS == "none":
        raise BaseURLError("This site does not let users choose a base URL (USER_BASE_URLS=none).")
    if settings.USER_BASE_URLS == "public":
        _require_public(host, port)


def _host_and_port(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise BaseURLError("That is not a base URL. Use one like https://host/v1.") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise BaseURLError("A base URL looks like https://host/v1, without a user name, question mark or #.")
    return parts.hostname, port


def _require_public(host: str, port: int) -> None:
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
