"""Who connects: the owner of an API key, of a client secret, or of a session cookie."""

import math
import time
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from accounts import connection_grants
from accounts.connection_grants import Grant
from accounts.keys import api_keys, client_secrets
from accounts.models import Scope
from conversations.storage.database_threads import in_thread

SECRETS_SCOPES = frozenset({Scope.REALTIME.value})


@dataclass(frozen=True, slots=True)
class Caller:
    """The user who connects, and what they have shown for it.

    Without a `key_id` it is a page with a session cookie, which may do all that its user may. `session` are settings
    with which the sessions of a client secret begin, in the shape of `session.update`.
    """

    user_id: int
    key_id: int | None = None
    scopes: frozenset[str] = frozenset(Scope.values)
    session: dict[str, Any] = field(default_factory=dict, hash=False)
    secret_id: int | None = None
    session_key: str = ""
    session_hash: str = ""
    expires_at: float = math.inf  # of the client secret, in seconds since the epoch

    @property
    def grant(self) -> Grant:
        """Return what gives the caller access, to be checked again while its session lives."""
        return Grant(self.user_id, self.key_id, self.secret_id, self.session_key, self.session_hash)

    @property
    def lifetime_sec(self) -> float:
        """Return how long a session that begins now may last, in seconds."""
        return min(settings.REALTIME["MAX_SESSION_SEC"], max(0.0, self.expires_at - time.time()))


def find_caller(token: str, address: str = "") -> Caller | None:
    """Return the owner of an API key that a client at `address` shows; None for a wrong key. For sync code."""
    key = api_keys.authenticate(token, address)
    return Caller(key.user_id, key.pk, frozenset(key.scopes)) if key else None


@in_thread
def authenticate(token: str, address: str = "") -> Caller | None:
    """Return the owner of an API key or client secret; None for a wrong one. A secret is good for sockets only."""
    if not client_secrets.is_client_secret(token):
        return find_caller(token, address)
    secret = client_secrets.authenticate(token, address)
    if secret is None:
        return None
    user_id, expires_at = secret.key.user_id, secret.expires_at.timestamp()
    return Caller(user_id, secret.key_id, SECRETS_SCOPES, secret.session, secret.pk, expires_at=expires_at)


@in_thread
def authenticate_cookie(cookie: str) -> Caller | None:
    """Return who is signed in with this session cookie; None if nobody is."""
    grant = connection_grants.find_cookie_grant(cookie)
    return Caller(grant.user_id, session_key=grant.session_key, session_hash=grant.session_hash) if grant else None
