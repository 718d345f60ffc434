"""What this process is to the machine, whichever ASGI server runs in it: its port, its files, its garbage, its log."""

import gc
import logging
import re
import resource
import socket
from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

# One official append holds up to 15 MiB of base64. The session refuses frames above that with an `error` and goes on;
# only what is twice as large costs the connection.
MAX_MESSAGE_BYTES = 32 * 1024 * 1024
# The session bounds the pace of messages and says so; this is the wall behind it, for pings, fragments and floods.
MAX_FRAMES_AHEAD = 40_000
MAX_FRAMES_PER_SEC = 400
# For what must not hold the event loop up, beside the threads of requests and of the store.
THREADS = 64
# Connections, of sockets, requests and providers, beside which Postgres, Redis and the log have theirs.
OPEN_FILES = 65_536
# New objects between collections of the youngest, three times Python's own; how many of these to one of the next, and
# of those to one of all, which are cheap here and keep the memory of closed sessions low.
GC_THRESHOLDS = (2_000, 10, 2)
# Ids and one-time links: enough of them to follow a case, too little to use.
LONG_SEGMENT = re.compile(r"([^/]{8})[^/]{12,}")
# A session whose client has left stores its last words within 8 s of its own; many that end at once take longer.
CLOSE_TIMEOUT_SEC = 30
# For clients to answer the close frame, before the sockets are gone.
GOODBYE_SEC = 1.0
logger = logging.getLogger("voiceproject.access")


def load_server() -> ModuleType:
    """Return the module of the ASGI server that the site is set to; Daphne's brings an event loop of its own along."""
    return import_module(f"voiceproject.server.{settings.ASGI_SERVER}_server")


def bind(host: str, port: int) -> socket.socket:
    """Take the port without listening yet, so that a second server fails at once and no browser waits for a slow start.

    Raise ImproperlyConfigured if the port cannot be used.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise ImproperlyConfigured(f"Cannot use HOST {host} and PORT {port}: {error.strerror}.") from None
    return listener


def raise_open_files() -> None:
    """Raise the limit of open files to what the bounds on connections add up to; many systems begin with 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def freeze_loaded_objects() -> None:
    """Keep the garbage collector from all that is loaded by now: scanning it stopped every conversation for 0.1 s."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def log_request(protocol: str, action: str, details: Mapping[str, Any]) -> None:
    """Write a line of the access log, without query strings and whole one-time links, which carry secrets."""
    path = LONG_SEGMENT.sub(r"\1…", details["path"].strip("b'").partition("?")[0])
    what = details.get("method", "WebSocket"), path, details.get("status", action)
    logger.info("%s %s %s %s", details["client"], *what)
