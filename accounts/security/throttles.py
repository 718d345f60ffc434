"""How often strangers may try: passwords, sign-ups, and mails that they cause.

Counted in Django's cache, for all processes together where they share a Redis, in fixed windows: over the border of
two, twice as many may pass. What is tried counts before it is looked at, so that tries side by side count too; a right
password is taken back.
"""

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256

from django.core.cache import cache


@dataclass(frozen=True, slots=True)
class Limit:
    """`most` within `window_sec`, for each of whom it counts: an address, an account, or both."""

    name: str
    most: int
    window_sec: int


# At one account, from one address or from one browser that was signed in to it before.
WRONG_HERE = Limit("wrong.here", 5, 300)
# From one address, at whatever accounts.
WRONG_FROM_ADDRESS = Limit("wrong.address", 20, 300)
# At one account, from all strange addresses together. Then it is slowed: one try in SLOWED. Not locked, which would let
# anybody lock anybody out.
WRONG_AT_ACCOUNT = Limit("wrong.account", 20, 3600)
SLOWED = Limit("wrong.slowed", 1, 15)
# Where the site sends no mail, sign-up has to say that an address is taken: so often to one address.
TAKEN = Limit("sign-up.taken", 5, 3600)
# Mails of one kind to one recipient that one address asked for, and all addresses.
MAIL_HERE = Limit("mail.here", 5, 3600)
MAIL_TO_RECIPIENT = Limit("mail.recipient", 20, 3600)
MAIL_FROM_ADDRESS = Limit("mail.address", 20, 3600)


@dataclass(frozen=True, slots=True)
class Hit:
    """One try, counted."""

    limit: Limit
    key: str
    count: int

    @property
    def is_within(self) -> bool:
        return self.count <= self.limit.most


def hit(limit: Limit, *who: str) -> Hit:
    """Count one try. While the cache is down, every try is within the limit."""
    key = _key(limit, who)
    cache.add(key, 0, limit.window_sec)
    try:
        return Hit(limit, key, cache.incr(key))
    except ValueError:  # it ended between the two
        return Hit(limit, key, 1)


def is_spent(limit: Limit, *who: str) -> bool:
    """Return whether there is no try left. Counts none."""
    return int(cache.get(_key(limit, who), 0)) >= limit.most


def take_back(hits: Iterable[Hit]) -> None:
    for one in hits:
        with suppress(ValueError):
            cache.incr(one.key, -1)


def forget(limit: Limit, *who: str) -> None:
    cache.delete(_key(limit, who))


def _key(limit: Limit, who: tuple[str, ...]) -> str:
    window = int(time.time()) // limit.window_sec
    return f"throttle.{limit.name}.{window}.{sha256(repr(who).encode()).hexdigest()[:32]}"
