"""Decide whether those who are connected may stay connected.

The database decides. Each process joins the channel layer's groups of the users who are connected to it. A message
there only says "look again", so one that is lost, late or doubled does no harm.
"""

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any

from allauth.account.signals import password_changed, password_reset, password_set
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.signals import user_logged_out
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import F, QuerySet, TextField, Value
from django.db.models.functions import Cast
from django.dispatch import receiver
from django.utils import timezone

from accounts.models import APIKey, ClientSecret, Scope, User

SEND_SEC = 2.0  # for the channel layer to take a message: nobody's sign-out hangs on it


@dataclass(frozen=True, slots=True)
class Grant:
    """What allows a connection: an account, and the key, client secret or signed-in session that was shown."""

    user_id: int
    key_id: int | None = None
    secret_id: int | None = None
    session_key: str = ""
    session_hash: str = ""  # Django's, of the password with which the session was signed in


def get_group_name(user_id: int) -> str:
    """Return the channel-layer group of a user's connections.

    It is sent `{"type": "access.changed"}` when they must check whether they may stay.
    """
    return f"user.{user_id}"


def announce(user_ids: Iterable[int]) -> None:
    """Make every process check the connections of these users, once the transaction is committed.

    Call it from sync code.
    """
    names = [get_group_name(user_id) for user_id in user_ids]
    transaction.on_commit(lambda: async_to_sync(_send)(names), robust=True)


async def announce_now(user_id: int) -> None:
    """Make every process check the connections of a user now. Call it from async code.

    Raise TimeoutError after SEND_SEC, and whatever the channel layer raises.
    """
    await _send([get_group_name(user_id)])


async def _send(names: list[str]) -> None:
    if layer := get_channel_layer():
        async with asyncio.timeout(SEND_SEC):
            for name in names:
                await layer.group_send(name, {"type": "access.changed"})


def filter_valid(grants: Collection[Grant]) -> set[Grant]:
    """Return the grants that still hold. One query answers for all of them."""
    found = {(kind, name): proof for kind, name, proof in _query_proofs(grants)}
    return {grant for grant in grants if _is_valid(grant, found)}


def find_cookie_grant(session_key: str) -> Grant | None:
    """Return what a browser's session cookie grants, or None if nobody is signed in with it."""
    signed_in = SessionStore(session_key)
    if (user_id := signed_in.get(SESSION_KEY)) is None:
        return None
    grant = Grant(int(user_id), session_key=session_key, session_hash=signed_in.get(HASH_SESSION_KEY, ""))
    return grant if filter_valid({grant}) else None


def _query_proofs(grants: Collection[Grant]) -> Iterable[tuple[str, str, str]]:
    """Return a row (kind, id, proof) for each account, key, secret and session of the grants that is valid now."""
    users = User.objects.filter(pk__in={grant.user_id for grant in grants}, is_active=True)
    keys = APIKey.objects.filter(pk__in={grant.key_id for grant in grants}, revoked_at=None)
    keys = keys.filter(scopes__contains=[Scope.REALTIME.value])
    secrets = ClientSecret.objects.filter(pk__in={grant.secret_id for grant in grants}, expires_at__gt=timezone.now())
    sessions = Session.objects.filter(
        session_key__in={grant.session_key for grant in grants}, expire_date__gt=timezone.now()
    )
    nothing = Value("", TextField())
    rows = [
        _select_proofs("key", keys, "pk", nothing),
        _select_proofs("secret", secrets, "pk", nothing),
        _select_proofs("session", sessions, "session_key", nothing),
    ]
    return _select_proofs("user", users, "pk", F("password")).union(*rows, all=True)


def _select_proofs(kind: str, queryset: QuerySet[Any], name: str, proof: Any) -> QuerySet[Any, tuple[str, str, str]]:
    columns = (Value(kind, TextField()), Cast(name, TextField()), Cast(proof, TextField()))
    return queryset.order_by().values_list(*columns)


def _is_valid(grant: Grant, found: dict[tuple[str, str], str]) -> bool:
    password = found.get(("user", str(grant.user_id)))
    shown = (("key", grant.key_id), ("secret", grant.secret_id), ("session", grant.session_key))
    if password is None or not all((kind, str(name)) in found for kind, name in shown if name):
        return False
    return not grant.session_key or compare_digest(grant.session_hash, User(password=password).get_session_auth_hash())


# The libraries' own signals: sign-outs and new passwords have no other common place.


@receiver([user_logged_out, password_set, password_changed, password_reset])
def _announce_sign_out(user: User | None, **_: Any) -> None:
    if user is not None:
        announce([user.pk])
