"""How browsers reach the site: https, which microphones need, the proxy in front, WebSockets through it."""

import base64
import os
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from django.conf import settings

from voiceproject.doctor.findings import Finding, Options, count, fine, note, problem

LOOPBACK = ("localhost", "127.0.0.1", "[::1]", "::1", ".localhost")
TIMEOUT_SEC = 5.0
RENEWED_DAYS = 14  # before it ends, Caddy and others have long renewed a certificate
HTTPS_PORT = 443
PROXY_ADVICE = "In front of the site, pass WebSockets on: the headers Upgrade and Connection, for /v1/realtime."


def list_public_hosts() -> list[str]:
    """Return the names of ALLOWED_HOSTS under which others reach the site, without stars."""
    return [host for host in settings.ALLOWED_HOSTS if host not in (*LOOPBACK, "*")]


def check(options: Options) -> Iterator[Finding]:
    """Look at the address."""
    hosts = list_public_hosts()
    if not settings.HTTPS:
        yield _judge_plain_http(hosts)
        return
    if not settings.TRUSTED_PROXY_COUNT:
        yield problem(
            "HTTPS is on and TRUSTED_PROXY_COUNT is 0. The site speaks no TLS itself, so every page leads back to "
            "itself, and all visitors count as one address.",
            "Set TRUSTED_PROXY_COUNT to the number of proxies in front: 1 behind compose's Caddy.",
        )
    reached = next((host for host in hosts if not host.startswith(".")), "")
    if not reached:
        yield problem("HTTPS is on, and ALLOWED_HOSTS names no host of the site.", "Put the site's name there.")
    elif options.offline:
        yield fine(f"Browsers reach it at https://{reached}, behind {count(settings.TRUSTED_PROXY_COUNT, 'proxy')}.")
    else:
        yield from visit(reached, _find_port(reached), ssl.create_default_context())


def _find_port(host: str) -> int:
    """Return the port at which browsers reach the site. Only CSRF_TRUSTED_ORIGINS tells of another one than usual."""
    origins = (urlsplit(origin) for origin in settings.CSRF_TRUSTED_ORIGINS)
    return next((origin.port for origin in origins if origin.hostname == host and origin.port), HTTPS_PORT)


def _judge_plain_http(hosts: list[str]) -> Finding:
    if hosts:
        return problem(
            f"{hosts[0]} is reached over plain http. Browsers give a microphone only to https pages and to localhost, "
            "and passwords go over the network as they are.",
            "Put TLS in front, as compose.yaml does with Caddy, and set HTTPS=true and TRUSTED_PROXY_COUNT=1.",
        )
    if settings.TRUSTED_PROXY_COUNT:
        return note(
            "TRUSTED_PROXY_COUNT believes a proxy, and HTTPS is off.", "Set HTTPS=true if that proxy speaks TLS."
        )
    return fine("Only this machine reaches the site (ALLOWED_HOSTS); its browsers give the microphone to localhost.")


def visit(host: str, port: int, context: ssl.SSLContext) -> Iterator[Finding]:
    """Go to the site as a browser does: over TLS and through its proxy, for a page and for a WebSocket."""
    url = f"https://{host}" if port == HTTPS_PORT else f"https://{host}:{port}"
    try:
        with closing(HTTPSConnection(host, port, timeout=TIMEOUT_SEC, context=context)) as http:
            http.connect()
            left = _count_days_left(http.sock)
            http.request("GET", "/healthz")
            status = http.getresponse().status
    except ssl.SSLCertVerificationError as error:
        yield problem(
            f"Browsers refuse the certificate of {url}: {error.verify_message}.",
            "Renew it. Caddy says in its log why it could not: mostly the name does not lead to this machine.",
        )
        return
    except (OSError, HTTPException) as error:
        yield note(
            f"{url} cannot be reached from here: {_describe(error)}.",
            "That may be this machine's own network. From elsewhere: curl -i https://…/healthz.",
        )
        return
    if status != 200:
        yield problem(
            f"{url}/healthz answers {status}.",
            "Look into the log of the proxy, and whether the site runs behind it.",
        )
        return
    if left < RENEWED_DAYS:
        yield problem(f"The certificate of {url} ends in {count(left, 'day')}.", "See why the proxy did not renew it.")
    yield _try_websocket(HTTPSConnection(host, port, timeout=TIMEOUT_SEC, context=context), url)


def _count_days_left(connection: ssl.SSLSocket | socket.socket | None) -> int:
    certificate = connection.getpeercert() if isinstance(connection, ssl.SSLSocket) else None
    if not certificate:
        return RENEWED_DAYS
    return int((ssl.cert_time_to_seconds(str(certificate["notAfter"])) - time.time()) // 86_400)


def _try_websocket(http: HTTPConnection, url: str) -> Finding:
    """Begin a WebSocket. The site accepts everybody's, and says there what is missing."""
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
    }
    with closing(http):
        try:
            http.request("GET", "/v1/realtime", headers=headers)
            status = http.getresponse().status
        except (OSError, HTTPException) as error:
            return problem(f"{url} takes no WebSocket: {_describe(error)}.", PROXY_ADVICE)
    if status != 101:
        return problem(f"{url} answers a WebSocket with {status}.", PROXY_ADVICE)
    return fine(f"{url} can be reached, with a valid certificate, and takes WebSockets.")


def _describe(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
