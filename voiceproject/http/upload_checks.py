"""Decide by a request's headers whether its sender may send a file, before the file is taken. The view checks again."""

from collections.abc import Mapping
from typing import Any

from asgiref.sync import sync_to_async
from django.db import DatabaseError

from accounts.keys import key_attempt_limits
from accounts.models import Scope
from accounts.security import client_addresses
from conversations.api.auth import build_missing_scope_refusal
from conversations.storage import callers
from voiceproject import database
from voiceproject.http.refusals import BUSY, NO_KEY, WRONG_KEY, Refusal, build_wrong_keys_refusal
from voiceproject.http.request_handling import read_bearer_token


async def find_refusal(head: Mapping[str, Any]) -> Refusal | None:
    """Return why the sender of these headers may not send a file, or None."""
    token, address = read_bearer_token(head), client_addresses.read_scope_address(head)
    if not token:
        return NO_KEY
    if wait_sec := key_attempt_limits.get_wait_sec(address, token):
        return build_wrong_keys_refusal(wait_sec)
    database.serve_request()
    return await sync_to_async(_find_key_refusal, thread_sensitive=False)(token, address)


def _find_key_refusal(token: str, address: str) -> Refusal | None:
    try:
        caller = callers.find_caller(token, address)
    except DatabaseError:
        return BUSY
    finally:
        database.give_back()
    if key_attempt_limits.is_possible(token):
        key_attempt_limits.record_outcome(address, token, is_right=caller is not None)
    if caller is None:
        return WRONG_KEY
    return None if Scope.REALTIME in caller.scopes else build_missing_scope_refusal(Scope.REALTIME)
