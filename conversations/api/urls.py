"""Every address below /v1/ but the socket's, which is in `voiceproject.asgi`."""

from collections.abc import Callable
from inspect import isawaitable, iscoroutinefunction
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseNotAllowed
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt

from conversations.api import assistants, audio, client_secrets, conversations, turns
from conversations.api.errors import APIError

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


urlpatterns = [
    path("models", by_method(GET=assistants.listed)),
    path("models/<str:model>", by_method(GET=assistants.retrieved)),
    path("conversations", by_method(GET=conversations.listed, POST=conversations.created)),
    path(
        "conversations/<str:conversation_id>",
        by_method(GET=conversations.retrieved, POST=conversations.updated, DELETE=conversations.deleted),
    ),
    path("conversations/<str:conversation_id>/audio", by_method(GET=audio.conversation_audio)),
    path(
        "conversations/<str:conversation_id>/items",
        by_method(GET=conversations.items_listed, POST=conversations.items_created),
    ),
    path(
        "conversations/<str:conversation_id>/items/<str:item_id>",
        by_method(GET=conversations.item_retrieved, DELETE=conversations.item_deleted),
    ),
    path("conversations/<str:conversation_id>/items/<str:item_id>/audio", by_method(GET=audio.item_audio)),
    path("voice/turns", by_method(POST=turns.create)),
    path("realtime", by_method(GET=socket_only)),
    path("realtime/client_secrets", by_method(POST=client_secrets.created)),
    path("realtime/sessions", by_method(POST=client_secrets.beta_created)),
    re_path("", unknown),
]
