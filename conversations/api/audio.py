"""The sound of a conversation: of one item, or of all."""

from collections.abc import AsyncIterator

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header

from accounts.models import Scope
from conversations.api import auth
from conversations.api.conversations import item_of, owned
from conversations.api.errors import not_found
from conversations.history import clip_download, mixdown
from conversations.models import AudioClip, Item
from conversations.storage import store


def item_audio(request: HttpRequest, conversation_id: str, item_id: str) -> HttpResponseBase:
    """As it was generated or spoken, whole or a range of its bytes."""
    caller = auth.caller(request, Scope.CONVERSATIONS_READ)
    item = item_of(owned(caller, conversation_id), item_id)
    clip = AudioClip.objects.select_related("item__conversation").filter(item=item).first()
    if clip is None:
        raise not_found(f"The item {item_id!r} has no sound.")
    return clip_download.respond(request, clip)


async def conversation_audio(request: HttpRequest, conversation_id: str) -> HttpResponseBase:
    """All of it in order, the user left, the assistant right, as it was heard; sent while it is made."""
    caller = await auth.acaller(request, Scope.CONVERSATIONS_READ)
    parts = await _parts(caller, conversation_id)
    headers = {"Content-Disposition": content_disposition_header(False, f"{conversation_id}.ogg") or "inline"}
    pieces = _nothing() if request.method == "HEAD" else mixdown.stream(parts)
    return StreamingHttpResponse(pieces, content_type="audio/ogg", headers=headers)


async def _nothing() -> AsyncIterator[bytes]:
    """An answer of a length that nobody knows, without its body."""
    nothing: tuple[bytes, ...] = ()
    for piece in nothing:
        yield piece


@store.in_request
def _parts(caller: store.Caller, conversation_id: str) -> list[mixdown.Part]:
    clips = AudioClip.objects.filter(item__conversation=owned(caller, conversation_id)).exclude(item__heard_ms=0)
    rows = clips.order_by("item__position").values_list("file", "item__role", "item__heard_ms")
    parts = [
        mixdown.Part(name, mixdown.RIGHT if role == Item.Role.ASSISTANT else mixdown.LEFT, heard_ms)
        for name, role, heard_ms in rows
    ]
    if not parts:
        raise not_found(f"The conversation {conversation_id!r} has no sound.")
    return parts
