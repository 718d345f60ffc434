"""Every address below /v1/ but the socket's, which is in `voiceproject.asgi`."""

import re
from collections.abc import Callable
from inspect import isawaitable, iscoroutinefunction
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseNotAllowed
from django.urls import URLPattern, path, re_path
from django.views.decorators.csrf import csrf_exempt

from conversations.api.documents import asyncapi, openapi
from conversations.api.errors import APIError
from conversations.api.operations import OPERATIONS

View = Callable[..., Any]  # answers with an HttpResponseBase, or a coroutine of one


def by_method(**views: View) -> View:
    """One address: a view for each of its methods. No cookie counts here, so nothing can be forged (CSRF)."""

    def answer(request: HttpRequest, **ids: str) -> Any:
        view = views.get("GET" if request.method == "HEAD" else request.method or "")
        return view(request, **ids) if view else HttpResponseNotAllowed(views)

    async def answer_async(request: HttpRequest, **ids: str) -> HttpResponseBase:
        answered = answer(request, **ids)
        return await answered if isawaitable(answered) else answered  # type: ignore[no-any-return]

    return csrf_exempt(answer_async if any(map(iscoroutinefunction, views.values())) else answer)


@csrf_exempt
def unknown(request: HttpRequest) -> HttpResponseBase:
    raise Http404


def socket_only(request: HttpRequest) -> HttpResponseBase:
    message = "Connect to this address with a WebSocket."
    raise APIError(426, "upgrade_required", message, headers={"Upgrade": "websocket"})


def _served() -> list[URLPattern]:
    """The addresses of the table, each with a view for each of its methods."""
    views: dict[str, dict[str, View]] = {}
    for operation in OPERATIONS:
        views.setdefault(operation.path, {})[operation.method] = operation.view
    return [
        path(re.sub(r"{(\w+)}", r"<str:\1>", address.removeprefix("/v1/")), by_method(**methods))
        for address, methods in views.items()
    ]


urlpatterns = [
    *_served(),
    path("realtime", by_method(GET=socket_only)),
    path("openapi.json", by_method(GET=openapi.served)),
    path("asyncapi.json", by_method(GET=asyncapi.served)),
    re_path("", unknown),
]
