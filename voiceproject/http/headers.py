"""Headers of every response: what pages may use of the browser, who may load them, and that nobody keeps them."""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

# The page talks, plays what is answered, and keeps the screen on meanwhile. It wants nothing else of the device.
PERMISSIONS = ", ".join(
    [
        *(f"{name}=(self)" for name in ("microphone", "autoplay", "screen-wake-lock")),
        *(f"{name}=()" for name in ("accelerometer", "camera", "display-capture", "geolocation", "gyroscope")),
        *(f"{name}=()" for name in ("magnetometer", "midi", "payment", "usb")),
    ]
)
Answer = HttpResponseBase | Awaitable[HttpResponseBase]
Get = Callable[[HttpRequest], Any]


def _build_middleware(
    change: Callable[[HttpRequest, HttpResponseBase], None],
) -> Callable[[Get], Callable[..., Answer]]:
    """Return a middleware, sync and async, that changes each response by this function."""

    @sync_and_async_middleware
    def middleware(get_response: Get) -> Callable[[HttpRequest], Answer]:
        async def in_async(request: HttpRequest) -> HttpResponseBase:
            response: HttpResponseBase = await get_response(request)
            change(request, response)
            return response

        def in_sync(request: HttpRequest) -> HttpResponseBase:
            response: HttpResponseBase = get_response(request)
            change(request, response)
            return response

        return in_async if iscoroutinefunction(get_response) else in_sync

    return middleware


def _set_policies(request: HttpRequest, response: HttpResponseBase) -> None:
    response.headers.setdefault("Permissions-Policy", PERMISSIONS)
    # Pages of other origins that may use the API do so by CORS, which this leaves alone.
    response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")


def _forbid_storing(request: HttpRequest, response: HttpResponseBase) -> None:
    """Forbid browsers to keep the pages of people who are signed in: after they sign out, “back” shows nothing."""
    if settings.SESSION_COOKIE_NAME in request.COOKIES:
        response.headers.setdefault("Cache-Control", "private, no-store")


policies = _build_middleware(_set_policies)
no_store = _build_middleware(_forbid_storing)
