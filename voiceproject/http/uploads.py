"""Who may send a file: asked of the headers, before the file is taken. The view asks again."""

from collections.abc import Mapping
from typing import Any

from asgiref.sync import sync_to_async
from django.db import DatabaseError

from accounts.keys import key_guard
from accounts.models import Scope
from accounts.security import client_addresses
from conversations.api.auth import missing_scope
from conversations.storage import store
from voiceproject import database
from voiceproject.http.refusals import BUSY, NO_KEY, WRONG_KEY, Refusal, wrong_keys
from voiceproject.http.requests import bearer_token


async def refusal(head: Mapping[str, Any]) -> Refusal | None:
    token, address = bearer_token(head), client_addresses.read_scope_address(head)
    if not token:
        return NO_KEY
    if wait_sec := key_guard.wait_sec(address, token):
        return wrong_keys(wait_sec)
    database.serve_request()
    return await sync_to_async(_refusal_of_key, thread_sensitive=False)(token, address)


def _refusal_of_key(token: str, address: str) -> Refusal | None:
    try:
        caller = store.find_caller(token, address)
    except DatabaseError:
        return BUSY
    finally:
        database.give_back()
    if key_guard.is_possible(token):
        key_guard.judge(address, token, is_right=caller is not None)
    if caller is None:
        return WRONG_KEY
    return None if Scope.REALTIME in caller.scopes else missing_scope(Scope.REALTIME)
