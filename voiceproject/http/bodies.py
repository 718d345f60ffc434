"""What requests bring along: how much, how fast, and from whom."""

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


def takes_file(method: bytes, path: bytes) -> bool:
    return (method, path.partition(b"?")[0]) in UPLOADS


def most_bytes(method: bytes, path: bytes) -> int:
    if takes_file(method, path):
        return int(settings.TURN_MAX_BYTES) + FORM_BYTES
    return unknown_bytes()


def unknown_bytes() -> int:
    """Return how many bytes a body may have whose sender nobody has looked at."""
    return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0)


def is_too_slow(received_bytes: int, elapsed_sec: float) -> bool:
    return received_bytes < (elapsed_sec - GRACE_SEC) * MIN_BYTES_PER_SEC


class Held:
    """The bytes of all bodies that are not answered yet."""

    def __init__(self, most: int = HELD_BYTES, each: int = HELD_BYTES_EACH) -> None:
        self._most, self._each = most, each
        self._of: Counter[str] = Counter()

    def take(self, address: str, count: int) -> bool:
        """Count them in; False if they are too many. They are counted all the same, until they are given back."""
        self._of[address] += count
        return self._of[address] <= self._each and self._of.total() <= self._most

    def give(self, address: str, count: int) -> None:
        self._of[address] -= count
        if self._of[address] <= 0:
            del self._of[address]
