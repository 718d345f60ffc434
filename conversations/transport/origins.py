"""Which hosts and origins a socket may name: those that Django lets a page and its forms name."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.utils.http import is_same_domain


def is_allowed_host(host: str) -> bool:
    """As ALLOWED_HOSTS says. `host` is the header, with its port or without."""
    return validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)


def is_of_this_site(origin: str, host: str) -> bool:
    """Whether a page of `origin` is one of the site, which the client reached as `host`."""
    try:
        scheme, netloc = urlsplit(origin)[:2]
    except ValueError:
        return False
    # Behind TLS an http:// page of the same name is not ours: whoever sits on the network could have made it.
    is_ours = netloc.lower() == host.lower() and not (settings.HTTPS and scheme == "http")
    return bool(host) and (is_ours or _is_trusted(origin, scheme, netloc))


def _is_trusted(origin: str, scheme: str, netloc: str) -> bool:
    """As CSRF_TRUSTED_ORIGINS says, which may begin with a star: https://*.example.com, with a port or without."""
    for trusted in settings.CSRF_TRUSTED_ORIGINS:
        named = urlsplit(trusted)
        if origin == trusted:
            return True
        if "*" in trusted and named.scheme == scheme and is_same_domain(netloc, named.netloc.lstrip("*")):
            return True
    return False
