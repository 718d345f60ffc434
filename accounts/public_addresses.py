"""HTTP to the public Internet only: for base URLs that users typed. Knows neither Django nor the site's policy.

A check before the call is not enough: a name may answer with another address a moment later (DNS rebinding).
These transports connect to the very address that they checked.
"""

import asyncio
import ipaddress
import socket

import httpx2

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class PublicOnlyTransport(httpx2.HTTPTransport):
    """Raises httpx2.ConnectError for a name with any address that is not public."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        answers = socket.getaddrinfo(request.url.host, None, type=socket.SOCK_STREAM)
        return super().handle_request(_pin(request, [str(answer[4][0]) for answer in answers]))


class AsyncPublicOnlyTransport(httpx2.AsyncHTTPTransport):
    """Raises httpx2.ConnectError for a name with any address that is not public."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        loop = asyncio.get_running_loop()
        answers = await loop.getaddrinfo(request.url.host, None, type=socket.SOCK_STREAM)
        return await super().handle_async_request(_pin(request, [str(answer[4][0]) for answer in answers]))


def is_public(address: str) -> bool:
    """Whether an address, IPv4 or IPv6 in text, belongs to the public Internet."""
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


def _pin(request: httpx2.Request, addresses: list[str]) -> httpx2.Request:
    if not all(is_public(address) for address in addresses):
        raise httpx2.ConnectError(f"{request.url.host} is not a public address", request=request)
    # The Host header is set already; the certificate is still checked against the name.
    request.extensions = {**request.extensions, "sni_hostname": request.url.host}
    request.url = request.url.copy_with(host=addresses[0])
    return request
