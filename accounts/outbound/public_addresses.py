"""Connect to the public Internet only, for base URLs that users typed.

This file knows neither Django nor the site's policy.

A check before the call is not enough, as a name may resolve to another address a moment later (DNS rebinding). This
transport resolves the name when it connects, and connects to the very address that it checked. TLS still verifies the
name, and connections are pooled by name.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from typing import Any

import httpcore2
import httpx2

NAT64 = ipaddress.ip_network("64:ff9b::/96")


class AsyncPublicOnlyTransport(httpx2.AsyncHTTPTransport):
    """An HTTP transport that raises httpx2.ConnectError if any address of a host is not public."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # The pool takes a backend when it is made, but the transport does not pass one on. A test holds this.
        self._pool._network_backend = AsyncPublicOnlyBackend()


class AsyncPublicOnlyBackend(httpcore2.AnyIOBackend):
    """The network backend of that transport."""

    async def connect_tcp(self, host: str, port: int, *args: Any, **options: Any) -> httpcore2.AsyncNetworkStream:
        return await super().connect_tcp(await find_public_address(host, port), port, *args, **options)


async def find_public_address(host: str, port: int) -> str:
    """Return the address to connect to. Raise httpcore2.ConnectError if any address of the host is not public."""
    try:
        answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:  # a ValueError where it can be no name at all
        raise httpcore2.ConnectError(str(error)) from error
    return _choose_public(host, (str(answer[4][0]) for answer in answers))


def is_public(address: str) -> bool:
    """Return whether an IPv4 or IPv6 address, as text, belongs to the public Internet."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        ip = _extract_ipv4(ip) or ip
        if isinstance(ip, ipaddress.IPv6Address) and ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _extract_ipv4(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 address leads to, or None."""
    # ::ffff:10.0.0.1, 2002:0a00:0001:: and 64:ff9b::a00:1 all lead to 10.0.0.1.
    if ip in NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour


def _choose_public(host: str, addresses: Iterable[str]) -> str:
    """Return the first address. Raise httpcore2.ConnectError if there is none, or if any is not public."""
    found = list(addresses)
    if not found or not all(is_public(address) for address in found):
        raise httpcore2.ConnectError(f"{host} is not a public address")
    return found[0]
