"""Where servers of language models may stand: ports of loopback addresses, and nothing else."""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

STANDARD_PORTS = "11434,1234,8080,8000"  # of Ollama, LM Studio, llama.cpp's server, vLLM
BOTH_HOSTS = ("127.0.0.1", "::1")
ANY_IPV4, ANY_IPV6 = "0.0.0.0", "::"  # noqa: S104  compared, not bound


@dataclass(frozen=True, slots=True)
class Address:
    """A port of a loopback address, which is an IP address and never a name that would have to be looked up."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_addresses(text: str) -> tuple[Address, ...]:
    """Return the addresses that commas separate, such as `11434` or `127.0.0.1:8080`; "none" is no address.

    A port alone, and one of localhost, is one of 127.0.0.1 and of ::1. Raise ValueError, with what to write instead,
    for an address that is not on this machine.
    """
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    if entries == ["none"]:
        return ()
    return tuple(dict.fromkeys(address for entry in entries for address in _parse_entry(entry)))


def leave_out_own(addresses: Iterable[Address], host: str, port: int) -> tuple[Address, ...]:
    """Return the addresses at which a site that listens on `host` and `port` does not stand itself."""
    return tuple(address for address in addresses if not _is_own(address, host, port))


def _parse_entry(entry: str) -> list[Address]:
    """Return the addresses of one entry, or raise ValueError."""
    if entry.isascii() and entry.isdigit():
        entry = f"localhost:{entry}"
    try:
        parts = urlsplit(f"//{entry.removeprefix('http://').removesuffix('/').removesuffix('/v1')}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if not host or not port or parts.path or parts.query or parts.username is not None:
        raise ValueError(f"contains {entry!r}; use none, ports such as 11434, or addresses such as 127.0.0.1:8080.")
    if host == "localhost":
        return [Address(one, port) for one in BOTH_HOSTS]
    if not _is_loopback(host):
        raise ValueError(
            f"contains {entry!r}, which is not an address of this machine (127.0.0.1 or ::1). "
            "A server elsewhere is named by OPENAI_BASE_URL."
        )
    return [Address(host, port)]


def _is_loopback(host: str) -> bool:
    """Return whether the host is a loopback address; a name is none, since it could lead anywhere."""
    try:
        return ipaddress.ip_address(host).is_loopback and "%" not in host
    except ValueError:
        return False


def _is_own(address: Address, host: str, port: int) -> bool:
    """Return whether what listens on `host` and `port` is reached at the address."""
    if port != address.port:
        return False
    is_ipv6 = ":" in address.host
    return host in (address.host, "localhost", ANY_IPV6) or (host == ANY_IPV4 and not is_ipv6)
