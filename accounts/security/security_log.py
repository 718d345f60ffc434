"""The security log: who came in, who was refused, and what was done to accounts and keys.

It is one logger, `voiceproject.security`, with one line for each event: `event=api_key_made user=12 address=203.0.113.7
key=3`. The names are listed in docs/security-log.md and stay as they are. A log record also has its fields as
`record.security`, for handlers that write JSON. Nothing here is a secret; people and keys appear by their ids.
"""

import logging
import re
import threading
import time
from collections import OrderedDict
from enum import StrEnum

from allauth.core import context

from accounts.security import client_addresses

logger = logging.getLogger("voiceproject.security")

VALUE_CHARS = 200
PLAIN = re.compile(r"[\w.:/@+-]+", re.ASCII)
# Refusals cost whoever causes them nothing: so many are written in a minute, of an address and of all.
WINDOW_SEC = 60.0
LINES_PER_ADDRESS = 10
LINES_PER_EVENT = 100


class Event(StrEnum):
    SIGNED_UP = "signed_up"
    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    SIGN_IN_REFUSED = "sign_in_refused"
    SIGN_IN_LIMITED = "sign_in_limited"
    REAUTHENTICATED = "reauthenticated"
    FIRST_ADMIN_MADE = "first_admin_made"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105  # the name of an event
    PASSWORD_RESET_ASKED = "password_reset_asked"  # noqa: S105
    PASSWORD_RESET = "password_reset"  # noqa: S105
    EMAIL_ADDED = "email_added"
    EMAIL_VERIFIED = "email_verified"
    EMAIL_CHANGED = "email_changed"
    EMAIL_REMOVED = "email_removed"
    MAIL_LIMITED = "mail_limited"
    API_KEY_MADE = "api_key_made"
    API_KEY_NEW_ADDRESS = "api_key_new_address"
    API_KEY_REVOKED = "api_key_revoked"
    API_KEY_REFUSED = "api_key_refused"
    API_KEY_LIMITED = "api_key_limited"
    CLIENT_SECRET_MADE = "client_secret_made"  # noqa: S105
    PROVIDER_KEY_SAVED = "provider_key_saved"
    PROVIDER_KEY_DELETED = "provider_key_deleted"
    ADMIN_ADDED = "admin_added"
    ADMIN_CHANGED = "admin_changed"
    ADMIN_DELETED = "admin_deleted"
    ADMIN_ACTED = "admin_acted"


REFUSALS = {
    Event.SIGN_IN_REFUSED,
    Event.SIGN_IN_LIMITED,
    Event.API_KEY_REFUSED,
    Event.API_KEY_LIMITED,
    Event.MAIL_LIMITED,
}


def record(event: Event, *, user: int | None = None, address: str | None = None, **details: str | int) -> None:
    """Write one event. `user` is the id of the user whom it concerns.

    `address` is the client's; None stands for that of the request being handled.
    """
    if address is None:
        address = client_addresses.read_request_address(context.request) if context.request else ""
    fields: dict[str, str | int] = {"event": event.value}
    if user is not None:
        fields["user"] = user
    if address:
        fields["address"] = address
    fields |= details
    if event in REFUSALS:
        suppressed = _pace.count_suppressed(event.value, client_addresses.group_address(address))
        if suppressed is None:
            return
        if suppressed:
            fields["suppressed"] = suppressed
    level = logging.WARNING if event in REFUSALS else logging.INFO
    line = " ".join(f"{name}={_quote(value)}" for name, value in fields.items())
    logger.log(level, line, extra={"security": fields})


def _quote(value: str | int) -> str:
    """Return the value as one word or in quotes, so that nobody can forge a line."""
    text = str(value)[:VALUE_CHARS]
    if PLAIN.fullmatch(text):
        return text
    printable = "".join(char if char.isprintable() else "?" for char in text)
    return '"' + printable.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Pace:
    """Limit how many refusals are written.

    What it remembers is bounded: the latest MAX_ADDRESSES addresses of one window.
    """

    MAX_ADDRESSES = 10_000

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.window = -1
        self.counts: OrderedDict[tuple[str, str], int] = OrderedDict()
        self.unwritten: dict[str, int] = {}

    def count_suppressed(self, event: str, address: str, now: float | None = None) -> int | None:
        """Return how many refusals of this kind were left out since the last one was written.

        Return None if this one must be left out too.
        """
        window = int((time.monotonic() if now is None else now) // WINDOW_SEC)
        with self.lock:
            if window != self.window:
                self.window = window
                self.counts.clear()
            by_address, by_event = self._count((event, address)), self._count((event, ""))
            if by_address > LINES_PER_ADDRESS or by_event > LINES_PER_EVENT:
                self.unwritten[event] = self.unwritten.get(event, 0) + 1
                return None
            return self.unwritten.pop(event, 0)

    def _count(self, key: tuple[str, str]) -> int:
        count = self.counts[key] = self.counts.get(key, 0) + 1
        self.counts.move_to_end(key)
        if len(self.counts) > self.MAX_ADDRESSES:
            self.counts.popitem(last=False)
        return count


_pace = Pace()
