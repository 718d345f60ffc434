"""Limit how often strangers may try: passwords, sign-ups, and mails that they cause.

Tries are counted in Django's cache, for all processes together if they share a Redis, in fixed windows; across the
border of two windows twice as many may pass. A try counts before it is examined, so that simultaneous tries count too,
and the count of a right password is taken back.
"""

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256

from django.core.cache import cache


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` tries within `window_sec`, for each address, account, or pair of both."""

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
    """One counted try."""

    limit: Limit
    key: str
    count: int

    @property
    def is_within(self) -> bool:
        """Return whether the try is within its limit."""
        return self.count <= self.limit.most


def hit(limit: Limit, *who: str) -> Hit:
    """Count one try. While the cache is down, every try is within the limit."""
    key = _build_key(limit, who)
    cache.add(key, 0, limit.window_sec)
    try:
        return Hit(limit, key, cache.incr(key))
    except ValueError:  # it ended between the two
        return Hit(limit, key, 1)


def is_spent(limit: Limit, *who: str) -> bool:
    """Return whether no try is left. This counts no try."""
    return int(cache.get(_build_key(limit, who), 0)) >= limit.most


def take_back(hits: Iterable[Hit]) -> None:
    """Take counted tries back."""
    for one in hits:
        with suppress(ValueError):
            cache.incr(one.key, -1)


def forget(limit: Limit, *who: str) -> None:
    """Forget all tries of `who` within this window."""
    cache.delete(_build_key(limit, who))


def _build_key(limit: Limit, who: tuple[str, ...]) -> str:
    window = int(time.time()) // limit.window_sec
    return f"throttle.{limit.name}.{window}.{sha256(repr(who).encode()).hexdigest()[:32]}"
