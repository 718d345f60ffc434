"""HTTP to the public Internet only: for base URLs that users typed. Knows neither Django nor the site's policy.

A check before the call is not enough: a name may answer with another address a moment later (DNS rebinding).
This transport looks the name up where it connects, and connects to the very address that it checked. TLS still
verifies the name, and connections are kept by name.
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
    """A transport that raises httpx2.ConnectError for a name with any address that is not public."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # The pool takes a backend when it is made, but the transport does not pass one on. A test holds this.
        self._pool._network_backend = AsyncPublicOnlyBackend()


class AsyncPublicOnlyBackend(httpcore2.AnyIOBackend):
    async def connect_tcp(self, host: str, port: int, *args: Any, **options: Any) -> httpcore2.AsyncNetworkStream:
        return await super().connect_tcp(await public_address(host, port), port, *args, **options)


async def public_address(host: str, port: int) -> str:
    """Return the address to connect to, or raise httpcore2.ConnectError for a name with any that is not public."""
    try:
        answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:  # a ValueError where it can be no name at all
        raise httpcore2.ConnectError(str(error)) from error
    return _checked(host, (str(answer[4][0]) for answer in answers))


def is_public(address: str) -> bool:
    """Return whether an address, IPv4 or IPv6 in text, belongs to the public Internet."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        ip = _embedded_ipv4(ip) or ip
        if isinstance(ip, ipaddress.IPv6Address) and ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _embedded_ipv4(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    # ::ffff:10.0.0.1, 2002:0a00:0001:: and 64:ff9b::a00:1 all lead to 10.0.0.1.
    if ip in NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour


def _checked(host: str, addresses: Iterable[str]) -> str:
    found = list(addresses)
    if not found or not all(is_public(address) for address in found):
        raise httpcore2.ConnectError(f"{host} is not a public address")
    return found[0]
