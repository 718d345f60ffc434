"""Read `REDIS_URL`: one server, with or without TLS, or the sentinels that know which server is the master.

redis://host:6379/0                                     one server; unix:///path is its socket
rediss://user:password@host:6379/0                      the same with TLS
redis+sentinel://:password@one:26379,two:26379/name/0   the master `name`, asked of these sentinels; rediss+sentinel
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured
from redis.sentinel import Sentinel, SentinelConnectionPool

SENTINEL = "+sentinel"
SCHEMES = ("redis", "rediss", "unix", f"redis{SENTINEL}", f"rediss{SENTINEL}")
SENTINEL_PORT = 26379
ASK_SEC = 0.5  # a sentinel that is gone is found gone so soon, and the next is asked


@dataclass(frozen=True, slots=True)
class Master:
    """A master, and the sentinels that know where it is. `options` are those of connections to it."""

    name: str
    sentinels: tuple[tuple[str, int], ...]
    sentinel_options: dict[str, Any]
    options: dict[str, Any]


def is_sentinel(url: str) -> bool:
    """Return whether the address is one of sentinels."""
    return urlsplit(url).scheme.endswith(SENTINEL)


def parse_master(url: str, ca_file: str = "") -> Master:
    """Read an address of sentinels. Raise ImproperlyConfigured, which never repeats it."""
    parts = urlsplit(url)
    user, _, hosts = parts.netloc.rpartition("@")
    name, _, database = parts.path.strip("/").partition("/")
    if not name or not hosts or not (database or "0").isdigit():
        raise ImproperlyConfigured(
            "REDIS_URL needs hosts and the name of the master: redis+sentinel://one:26379,two:26379/name/0"
        )
    username, _, password = user.partition(":")
    tls = {"ssl": True, **({"ssl_ca_certs": ca_file} if ca_file else {})} if parts.scheme.startswith("rediss") else {}
    known = {"username": unquote(username), "password": unquote(password)}
    options = {"db": int(database or 0), **tls, **{key: value for key, value in known.items() if value}}
    return Master(
        name, tuple(_parse_host(host) for host in hosts.split(",")), {"socket_timeout": ASK_SEC, **tls}, options
    )


def _parse_host(text: str) -> tuple[str, int]:
    host = urlsplit(f"//{text}")
    if not host.hostname:
        raise ImproperlyConfigured("REDIS_URL names a sentinel without a host")
    return host.hostname, host.port or SENTINEL_PORT


@dataclass(frozen=True, slots=True)
class Server:
    """An address as Django's cache and the channel layer take it."""

    location: str | tuple[str]  # a tuple is not parted at its commas
    cache_options: dict[str, Any]
    layer_host: dict[str, Any]


def build_server(url: str, ca_file: str = "") -> Server:
    """Return how the server at an address is reached. Raise ImproperlyConfigured."""
    tls = {"ssl_ca_certs": ca_file} if ca_file and urlsplit(url).scheme.startswith("rediss") else {}
    if not is_sentinel(url):
        return Server(url, tls, {"address": url, **tls})
    master = parse_master(url, ca_file)
    host = {"master_name": master.name, "sentinels": list(master.sentinels), **master.options}
    options = {**tls, "pool_class": "voiceproject.cache.redis_address.MasterPool"}
    return Server((url,), options, {**host, "sentinel_kwargs": master.sentinel_options})


class MasterPool(SentinelConnectionPool):
    """Connections to the master, wherever it is, for Django's cache."""

    @classmethod
    def from_url(cls, url: str, ssl_ca_certs: str = "", **options: Any) -> "MasterPool":
        """Return a pool for an address of sentinels."""
        master = parse_master(url, ssl_ca_certs)
        options |= master.options
        sentinels = Sentinel(list(master.sentinels), sentinel_kwargs=master.sentinel_options)  # type: ignore[no-untyped-call]
        return cls(master.name, sentinels, **options)
