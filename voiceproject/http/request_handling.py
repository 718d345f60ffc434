"""The way of a request through Django: how many run at once, none holding a connection while its client reads."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, asynccontextmanager
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

from accounts.keys import client_secrets, key_attempt_limits
from accounts.security import client_addresses
from accounts.security.security_log import Event, record
from voiceproject import database
from voiceproject.http.refusals import API, BUSY, TOO_MANY_AT_ONCE, WRONG_KEY, Refusal, build_wrong_keys_refusal
from voiceproject.http.request_slots import PAGE_SEC, WAIT_SEC, RequestSlots

ALL = 512  # each has a thread while it is answered
HELD = "voiceproject.held"
"""In the scope: an ExitStack that is closed when the answer is sent."""

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
_all = RequestSlots(ALL, waiting=ALL)
_of_address = RequestSlots(settings.REQUESTS_AT_ONCE["ADDRESS"], waiting=384)
_of_user = RequestSlots(settings.REQUESTS_AT_ONCE["USER"], waiting=32)


def count_waiting() -> int:
    """Return how many requests wait for others."""
    return sum(slots.count_waiting() for slots in (_all, _of_address, _of_user))


class Handler(ASGIHandler):
    """Django's handler, which refuses wrong keys and too many requests first."""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Send) -> None:
        address = client_addresses.read_scope_address(scope)
        token = read_bearer_token(scope) if scope["path"].startswith(API) else ""
        if token and (refusal := _find_key_refusal(scope, address, token)):
            await refuse(scope, send, refusal)
            return
        async with _hold_slot(_of_address, client_addresses.group_address(address), PAGE_SEC) as has_slot:
            if has_slot:
                await self._serve(scope, receive, _record_key_outcome(send, address, token) if token else send)
            else:
                await refuse(scope, send, TOO_MANY_AT_ONCE)

    async def _serve(self, scope: dict[str, Any], receive: Any, send: Send) -> None:
        async with _hold_slot(_all, None, WAIT_SEC) as has_slot:
            if not has_slot:
                await refuse(scope, send, BUSY)
                return
            with ExitStack() as scope[HELD]:
                await super().__call__(scope, receive, send)

    async def run_get_response(self, request: HttpRequest) -> HttpResponseBase:
        database.serve_request()
        answer: HttpResponseBase = await super().run_get_response(request)
        await sync_to_async(database.give_back)()  # Django does when the answer is sent, which its client decides
        return answer


@asynccontextmanager
async def _hold_slot(slots: RequestSlots, who: str | None, wait_sec: float) -> AsyncIterator[bool]:
    """Hold a slot within this context; False if none was free in time."""
    slot = slots.request(who)
    if slot is None:
        yield False
        return
    try:
        if not slot.done():
            await asyncio.wait([asyncio.wrap_future(slot)], timeout=wait_sec)
        yield slot.done()
    finally:
        slots.withdraw(who, slot)


def read_bearer_token(scope: Mapping[str, Any]) -> str:
    """Return the API key that a request shows, or ""."""
    given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
    scheme, _, token = given.decode("latin1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _find_key_refusal(scope: Mapping[str, Any], address: str, token: str) -> Refusal | None:
    """Refuse cheaply what cannot be a key, and addresses that have shown too many wrong ones; None if neither.

    Pages of other sites that may use the API are refused by Django, which lets them read why.
    """
    if wait_sec := key_attempt_limits.get_wait_sec(address, token):
        return build_wrong_keys_refusal(wait_sec)
    origin = next((value.decode("latin1") for name, value in scope["headers"] if name == b"origin"), "")
    if (
        key_attempt_limits.is_possible(token)
        or client_secrets.is_client_secret(token)
        or origin in settings.API_ALLOWED_ORIGINS
    ):
        return None
    record(Event.API_KEY_REFUSED, address=address)
    return WRONG_KEY


def _record_key_outcome(send: Send, address: str, token: str) -> Send:
    """Return a `send` that remembers whether the response says that the key is wrong."""

    async def judge_and_send(message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start" and message["status"] not in (429, 503):
            key_attempt_limits.record_outcome(address, token, is_right=message["status"] != 401)
        await send(message)

    return judge_and_send


async def refuse(scope: Mapping[str, Any], send: Send, refusal: Refusal) -> None:
    """Send the refusal as the response."""
    path = scope["path"]
    headers = [(name.lower().encode(), value.encode()) for name, value in refusal.build_headers(path).items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": refusal.build_body(path)})


def take_user_slot(request: HttpRequest, user_id: int) -> bool:
    """Count a request to its user until it is answered, and return whether the user may have one more at once.

    Call it in the request's own thread, which waits for up to WAIT_SEC. Without a server, in tests, nothing is counted.
    """
    held: ExitStack | None = getattr(request, "scope", {}).get(HELD)
    if held is None:
        return True
    slot = _of_user.request(user_id)
    if slot is None:
        return False
    held.callback(_of_user.withdraw, user_id, slot)
    return slot.done() or _wait_for_slot(slot)


def _wait_for_slot(slot: "Future[None]") -> bool:
    """Wait for up to WAIT_SEC, and return whether the slot was granted."""
    database.give_back()
    try:
        slot.result(WAIT_SEC)
    except TimeoutError:
        return False
    return True


class OfUserMiddleware(MiddlewareMixin):
    """Count the requests of each user who is signed in.

    Below /v1/ cookies are not valid; there `auth.authenticate` counts.
    """

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        if request.path_info.startswith(API) or settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None
        if not request.user.is_authenticated or take_user_slot(request, request.user.pk):
            return None
        return TOO_MANY_AT_ONCE.build_response(request.path_info)
