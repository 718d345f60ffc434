"""Remember which servers stand on this machine, so that nobody who asks waits for the network.

Each process looks for itself. What was found is given at once, whatever its age; where it is older than FRESH_SEC, a
look begins in the background. A first look takes as long as the slowest address, PROBE_SEC at most.
"""

import asyncio
import logging
from dataclasses import replace
from threading import Lock, Thread
from time import monotonic

from conversations.engines.local_servers.addresses import Address
from conversations.engines.local_servers.found import Found, LocalServer
from conversations.engines.local_servers.probe import probe_all

FRESH_SEC = 4.0
log = logging.getLogger(__name__)


class Discovery:
    """What this process knows of the servers at its addresses."""

    def __init__(self) -> None:
        self._found = Found(())
        self._lock = Lock()
        self._is_looking = False
        self._one_look = Lock()
        self._began_at = 0.0  # the last look, by the monotonic clock

    def get(self, addresses: tuple[Address, ...]) -> Found:
        """Return what was found at the addresses last. It never waits."""
        with self._lock:
            if self._found.addresses != addresses:
                self._found = Found(addresses)
            found = self._found
            begins = bool(addresses) and not self._is_looking and found.age_sec > FRESH_SEC
            self._is_looking = self._is_looking or begins
        if begins:
            Thread(target=self._look_behind, args=(addresses,), name="local servers", daemon=True).start()
        return found

    def look(self, addresses: tuple[Address, ...]) -> Found:
        """Look now, and return what is there. Takes PROBE_SEC, twice that at most; not for an event loop's thread.

        One looks at a time. Those who asked before that look began share what it finds.
        """
        asked_at = monotonic()
        with self._one_look:
            if self._began_at < asked_at or self._found.addresses != addresses:
                self._began_at = monotonic()
                self._look(addresses)
            return self._found

    def _look(self, addresses: tuple[Address, ...]) -> None:
        servers = asyncio.run(probe_all(addresses)) if addresses else ()
        with self._lock:
            before = self._found if self._found.addresses == addresses else Found(addresses)
            self._found = Found(addresses, servers, monotonic(), _list_gone(before, servers))
            found = self._found
        _report(before, found)

    def forget(self, base_url: str) -> None:
        """Note that the server at this base URL is gone: it did not answer a request."""
        with self._lock:
            kept = tuple(server for server in self._found.servers if server.base_url != base_url)
            gone = _list_gone(self._found, kept)
            self._found = replace(self._found, servers=kept, gone=gone)

    def _look_behind(self, addresses: tuple[Address, ...]) -> None:
        try:
            self.look(addresses)
        finally:
            self._is_looking = False


def _list_gone(before: Found, servers: tuple[LocalServer, ...]) -> tuple[LocalServer, ...]:
    """Return the servers with models that no longer answer. Once a model is there again, none is missed."""
    if any(server.models for server in servers):
        return ()
    there = {server.address for server in servers}
    lost = (server for server in (*before.servers, *before.gone) if server.models and server.address not in there)
    return tuple({server.address: server for server in lost}.values())


def _report(before: Found, found: Found) -> None:
    known = {server.address for server in before.servers}
    for server in found.servers:
        if server.address not in known:
            log.info("Found %s with %d models at %s", server.software, len(server.models), server.address)


DISCOVERY = Discovery()
