"""Refuse addresses that show wrong keys too often before their keys are looked up, which is the only costly part.

Each process counts by itself. Keys that were right lately pass nonetheless, so that one wrong program does not lock out
its whole office.
"""

import threading
import time
from collections import OrderedDict
from math import ceil

from django.conf import settings

from accounts.keys import api_keys, client_secrets
from accounts.keys.api_keys import compute_digest
from accounts.security import client_addresses
from accounts.security.security_log import Event, record

WINDOW_SEC = 60
MOST_ADDRESSES = MOST_KEYS = 10_000


class KeyAttemptLimit:
    """A count of wrong keys by address. It is thread-safe; `now` is the monotonic clock in seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()  # how many, and until when they count
        self._right: OrderedDict[str, None] = OrderedDict()

    def get_wait_sec(self, address: str, token: str, now: float) -> int:
        """Return for how many seconds this address is refused, or 0 if it may show this key."""
        with self._lock:
            count, until = self._wrong.get(client_addresses.group_address(address), (0, now))
            is_refused = count >= settings.WRONG_KEYS_PER_MIN and now < until
            return ceil(until - now) if is_refused and compute_digest(token) not in self._right else 0

    def count_wrong(self, address: str, token: str, now: float) -> None:
        """Count a wrong key of this address."""
        counted = client_addresses.group_address(address)
        with self._lock:
            self._right.pop(compute_digest(token), None)
            count, until = self._wrong.pop(counted, (0, now))
            count, until = (count + 1, until) if now < until else (1, now + WINDOW_SEC)
            self._wrong[counted] = count, until
            if len(self._wrong) > MOST_ADDRESSES:
                self._wrong.popitem(last=False)
        if count == settings.WRONG_KEYS_PER_MIN:
            record(Event.API_KEY_LIMITED, address=address)

    def remember_right(self, token: str) -> None:
        """Remember a right key, which passes even from a refused address."""
        with self._lock:
            self._right.pop(mark := compute_digest(token), None)
            self._right[mark] = None
            if len(self._right) > MOST_KEYS:
                self._right.popitem(last=False)


_limit = KeyAttemptLimit()


def get_wait_sec(address: str, token: str) -> int:
    """Return for how many seconds this address is refused, or 0 if it may show this key."""
    return _limit.get_wait_sec(address, token, time.monotonic())


def is_possible(token: str) -> bool:
    """Return whether the text has the form of one of this site's API keys or client secrets."""
    return api_keys.is_well_formed(token) or client_secrets.is_well_formed(token)


def record_outcome(address: str, token: str, *, is_right: bool) -> None:
    """Remember whether a key that this address showed was right."""
    if is_right:
        _limit.remember_right(token)
    else:
        _limit.count_wrong(address, token, time.monotonic())
