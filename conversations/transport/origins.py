"""Check the Host and Origin headers of a WebSocket by the same settings by which Django checks those of a form."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.utils.http import is_same_domain


def is_allowed_host(host: str) -> bool:
    """Return whether ALLOWED_HOSTS has this host. `host` is the header, with or without a port."""
    return validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)


def is_of_this_site(origin: str, host: str) -> bool:
    """Return whether a page of `origin` belongs to the site, which the client reached as `host`."""
    try:
        scheme, netloc = urlsplit(origin)[:2]
    except ValueError:
        return False
    # If the site uses TLS, an http:// page of the same name is not ours: anyone on the network could have forged it.
    is_ours = netloc.lower() == host.lower() and not (settings.HTTPS and scheme == "http")
    return bool(host) and (is_ours or _is_trusted(origin, scheme, netloc))


def _is_trusted(origin: str, scheme: str, netloc: str) -> bool:
    """Return whether CSRF_TRUSTED_ORIGINS has this origin; its entries may have a star, as https://*.example.com."""
    for trusted in settings.CSRF_TRUSTED_ORIGINS:
        named = urlsplit(trusted)
        if origin == trusted:
            return True
        if "*" in trusted and named.scheme == scheme and is_same_domain(netloc, named.netloc.lstrip("*")):
            return True
    return False
