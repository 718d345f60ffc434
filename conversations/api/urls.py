"""Every address below /v1/ except the socket's, which is in `voiceproject.asgi`."""

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


def dispatch_by_method(**views: View) -> View:
    """Return a view that calls the view of the request's method; HEAD is answered as GET is.

    Cookies do not count here, so no request can be forged, and the check against that (CSRF) is off.
    """

    def answer(request: HttpRequest, **ids: str) -> Any:
        view = views.get("GET" if request.method == "HEAD" else request.method or "")
        return view(request, **ids) if view else HttpResponseNotAllowed(views)

    async def answer_async(request: HttpRequest, **ids: str) -> HttpResponseBase:
        answered = answer(request, **ids)
        return await answered if isawaitable(answered) else answered  # type: ignore[no-any-return]

    return csrf_exempt(answer_async if any(map(iscoroutinefunction, views.values())) else answer)


@csrf_exempt
def reject_unknown(request: HttpRequest) -> HttpResponseBase:
    """Raise Http404 for every address that nothing else matches."""
    raise Http404


def require_socket(request: HttpRequest) -> HttpResponseBase:
    """Raise APIError with 426: the address takes WebSockets only."""
    message = "Connect to this address with a WebSocket."
    raise APIError(426, "upgrade_required", message, headers={"Upgrade": "websocket"})


def _build_patterns() -> list[URLPattern]:
    """Return the addresses of the table, each with a view for each of its methods."""
    views: dict[str, dict[str, View]] = {}
    for operation in OPERATIONS:
        views.setdefault(operation.path, {})[operation.method] = operation.view
    return [
        path(re.sub(r"{(\w+)}", r"<str:\1>", address.removeprefix("/v1/")), dispatch_by_method(**methods))
        for address, methods in views.items()
    ]


urlpatterns = [
    *_build_patterns(),
    path("realtime", dispatch_by_method(GET=require_socket)),
    path("openapi.json", dispatch_by_method(GET=openapi.serve)),
    path("asyncapi.json", dispatch_by_method(GET=asyncapi.serve)),
    re_path("", reject_unknown),
]
