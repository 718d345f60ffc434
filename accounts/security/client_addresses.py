"""Find the address that a client comes from, and the group of addresses by which its tries are counted.

Proxies are trusted as far as TRUSTED_PROXY_COUNT says. Each adds the address that it saw to the end of the header
X-Forwarded-For.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest

IPV6_PREFIX = 64  # what one household or host is given: it has all of these addresses to itself
UNKNOWN = "unknown"


def read_request_address(request: HttpRequest) -> str:
    """Return the address of a request's client, or "unknown"."""
    return _read_forwarded(request.headers.get("X-Forwarded-For", ""), request.META.get("REMOTE_ADDR") or "")


def read_scope_address(scope: Mapping[str, Any]) -> str:
    """Return the client's address of an ASGI scope, such as that of a WebSocket, or "unknown"."""
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    forwarded = ",".join(value.decode("latin1") for name, value in headers if name == b"x-forwarded-for")
    return _read_forwarded(forwarded, (scope.get("client") or ("",))[0])


def group_address(address: str) -> str:
    """Return the part of an address by which tries are counted: all of an IPv4 address, the /64 of an IPv6 address."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ip.ipv4_mapped or ipaddress.ip_network((ip, IPV6_PREFIX), strict=False))
    return address


def _read_forwarded(forwarded: str, peer: str) -> str:
    """Return the address that the outermost trusted proxy saw, or `peer` if the header has fewer entries than that."""
    count = settings.TRUSTED_PROXY_COUNT
    seen = [part.strip() for part in forwarded.split(",")] if forwarded else []
    text = seen[-count] if 0 < count <= len(seen) else peer
    return _clean(text) or _clean(peer) or UNKNOWN


def _clean(text: str) -> str:
    """Return the address without port, brackets and zone, or "" if it is not an address."""
    host = text.partition("%")[0]
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return ""
