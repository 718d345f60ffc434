"""Requests, on their way through Django: how many at once, and never with a connection while their clients read."""

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

from accounts.keys import client_secrets, key_guard
from accounts.security import client_addresses
from accounts.security.security_log import Event, record
from voiceproject import database
from voiceproject.http.refusals import API, BUSY, TOO_MANY_AT_ONCE, WRONG_KEY, Refusal, wrong_keys
from voiceproject.http.request_slots import PAGE_SEC, WAIT_SEC, Places

ALL = 512  # each has a thread while it is answered
HELD = "voiceproject.held"
"""In the scope: an ExitStack that is closed when the answer is sent."""

Send = Callable[[Mapping[str, Any]], Awaitable[None]]
_all = Places(ALL, waiting=ALL)
_of_address = Places(settings.REQUESTS_AT_ONCE["ADDRESS"], waiting=384)
_of_user = Places(settings.REQUESTS_AT_ONCE["USER"], waiting=32)


class Handler(ASGIHandler):
    async def __call__(self, scope: dict[str, Any], receive: Any, send: Send) -> None:
        address = client_addresses.read_scope_address(scope)
        token = bearer_token(scope) if scope["path"].startswith(API) else ""
        if token and (refusal := _refusal_of_key(scope, address, token)):
            await refuse(scope, send, refusal)
            return
        async with _place(_of_address, client_addresses.group_address(address), PAGE_SEC) as has_place:
            if has_place:
                await self._serve(scope, receive, _judging(send, address, token) if token else send)
            else:
                await refuse(scope, send, TOO_MANY_AT_ONCE)

    async def _serve(self, scope: dict[str, Any], receive: Any, send: Send) -> None:
        async with _place(_all, None, WAIT_SEC) as has_place:
            if not has_place:
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
async def _place(places: Places, who: str | None, wait_sec: float) -> AsyncIterator[bool]:
    """Hold a place; False if there was none in time."""
    asked = places.ask(who)
    if asked is None:
        yield False
        return
    try:
        if not asked.done():
            await asyncio.wait([asyncio.wrap_future(asked)], timeout=wait_sec)
        yield asked.done()
    finally:
        places.forget(who, asked)


def bearer_token(scope: Mapping[str, Any]) -> str:
    """Return the API key that a request shows, or ""."""
    given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
    scheme, _, token = given.decode("latin1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _refusal_of_key(scope: Mapping[str, Any], address: str, token: str) -> Refusal | None:
    """Refuse, where it costs next to nothing, what cannot be a key, or comes from where too many wrong ones came.

    Pages of other sites that may use the API are refused by Django, which lets them read why.
    """
    if wait_sec := key_guard.wait_sec(address, token):
        return wrong_keys(wait_sec)
    origin = next((value.decode("latin1") for name, value in scope["headers"] if name == b"origin"), "")
    if key_guard.is_possible(token) or client_secrets.is_client_secret(token) or origin in settings.API_ALLOWED_ORIGINS:
        return None
    record(Event.API_KEY_REFUSED, address=address)
    return WRONG_KEY


def _judging(send: Send, address: str, token: str) -> Send:
    """Keep in mind of a key whether the answer says that it is wrong."""

    async def judge_and_send(message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start" and message["status"] not in (429, 503):
            key_guard.judge(address, token, is_right=message["status"] != 401)
        await send(message)

    return judge_and_send


async def refuse(scope: Mapping[str, Any], send: Send, refusal: Refusal) -> None:
    path = scope["path"]
    headers = [(name.lower().encode(), value.encode()) for name, value in refusal.headers(path).items()]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": refusal.body(path)})


def has_place(request: HttpRequest, user_id: int) -> bool:
    """Count a request to its user until it is answered, and tell whether the user may have one more at once.

    For the request's own thread, which waits a while. Where there is no server, in tests, nothing is counted.
    """
    held: ExitStack | None = getattr(request, "scope", {}).get(HELD)
    if held is None:
        return True
    asked = _of_user.ask(user_id)
    if asked is None:
        return False
    held.callback(_of_user.forget, user_id, asked)
    return asked.done() or _comes(asked)


def _comes(asked: "Future[None]") -> bool:
    database.give_back()
    try:
        asked.result(WAIT_SEC)
    except TimeoutError:
        return False
    return True


class OfUserMiddleware(MiddlewareMixin):
    """Count the requests of who is signed in. Below /v1/ cookies are not valid, and `auth.authenticate` counts."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        if request.path_info.startswith(API) or settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None
        if not request.user.is_authenticated or has_place(request, request.user.pk):
            return None
        return TOO_MANY_AT_ONCE.response(request.path_info)
