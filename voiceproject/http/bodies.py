"""Bound the bodies of requests: how large, how slow, and how many at once from one address."""

from collections import Counter

from django.conf import settings

# Where a file is wanted, and only from who may use it: (method, path).
UPLOADS = {(b"POST", b"/v1/voice/turns")}
# Beside a file that is uploaded: the other parts of a form, and its boundaries.
FORM_BYTES = 1_000_000
# Bodies wait in /tmp until they are whole, and are answered: the most of all, and of one address.
HELD_BYTES, HELD_BYTES_EACH = 256_000_000, 64_000_000
# A body may take so long, and then has to have come at such a pace.
GRACE_SEC, MIN_BYTES_PER_SEC = 15.0, 20_000


def is_upload(method: bytes, path: bytes) -> bool:
    """Return whether this request may carry a file."""
    return (method, path.partition(b"?")[0]) in UPLOADS


def choose_max_bytes(method: bytes, path: bytes) -> int:
    """Return how many bytes the body of this request may have."""
    if is_upload(method, path):
        return int(settings.TURN_MAX_BYTES) + FORM_BYTES
    return get_max_unknown_bytes()


def get_max_unknown_bytes() -> int:
    """Return how many bytes a body may have before its sender is known."""
    return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0)


def is_too_slow(received_bytes: int, elapsed_sec: float) -> bool:
    """Return whether a body arrives too slowly to go on waiting for it."""
    return received_bytes < (elapsed_sec - GRACE_SEC) * MIN_BYTES_PER_SEC


class HeldBodies:
    """The number of bytes of all bodies that are not answered yet, by address."""

    def __init__(self, most: int = HELD_BYTES, each: int = HELD_BYTES_EACH) -> None:
        self._most, self._each = most, each
        self._of: Counter[str] = Counter()

    def take(self, address: str, count: int) -> bool:
        """Count bytes in, and return whether they are within the limits.

        They are counted in either case, until they are given back.
        """
        self._of[address] += count
        return self._of[address] <= self._each and self._of.total() <= self._most

    def give(self, address: str, count: int) -> None:
        """Count bytes out."""
        self._of[address] -= count
        if self._of[address] <= 0:
            del self._of[address]
