"""The sound of a conversation: the clip of one item, or all of it mixed into one file."""

from collections.abc import AsyncIterator

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header

from accounts.models import Scope
from conversations.api import auth
from conversations.api.conversations import find_conversation, find_item
from conversations.api.errors import build_not_found_error
from conversations.history import clip_download, mixdown
from conversations.models import AudioClip, Item
from conversations.storage import callers, database_threads


def retrieve_item_audio(request: HttpRequest, conversation_id: str, item_id: str) -> HttpResponseBase:
    """Answer with the item's clip as it was spoken or generated, whole or a range of its bytes."""
    caller = auth.authenticate(request, Scope.CONVERSATIONS_READ)
    item = find_item(find_conversation(caller, conversation_id), item_id)
    clip = AudioClip.objects.select_related("item__conversation").filter(item=item).first()
    if clip is None:
        raise build_not_found_error(f"The item {item_id!r} has no sound.")
    return clip_download.answer_clip(request, clip)


async def retrieve_conversation_audio(request: HttpRequest, conversation_id: str) -> HttpResponseBase:
    """Stream all of the sound in order while it is mixed: the user left, the assistant right, as it was heard."""
    caller = await auth.authenticate_async(request, Scope.CONVERSATIONS_READ)
    parts = await _load_parts(caller, conversation_id)
    headers = {"Content-Disposition": content_disposition_header(False, f"{conversation_id}.ogg") or "inline"}
    pieces = _yield_nothing() if request.method == "HEAD" else mixdown.stream_mixdown(parts)
    return StreamingHttpResponse(pieces, content_type="audio/ogg", headers=headers)


async def _yield_nothing() -> AsyncIterator[bytes]:
    """Yield no bytes: the body of an answer to HEAD, whose length nobody knows."""
    nothing: tuple[bytes, ...] = ()
    for piece in nothing:
        yield piece


@database_threads.in_request
def _load_parts(caller: callers.Caller, conversation_id: str) -> list[mixdown.Part]:
    """Return the conversation's clips in order, without those that nobody heard. Raise APIError if there are none."""
    clips = AudioClip.objects.filter(item__conversation=find_conversation(caller, conversation_id)).exclude(
        item__heard_ms=0
    )
    rows = clips.order_by("item__position").values_list("file", "item__role", "item__heard_ms")
    parts = [
        mixdown.Part(name, mixdown.RIGHT if role == Item.Role.ASSISTANT else mixdown.LEFT, heard_ms)
        for name, role, heard_ms in rows
    ]
    if not parts:
        raise build_not_found_error(f"The conversation {conversation_id!r} has no sound.")
    return parts
