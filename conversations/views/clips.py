"""The sound of one item, for its owner and for staff who review; for everybody else there is a 404."""

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from conversations.history import clip_download
from conversations.models import AudioClip, Conversation


@require_safe
def show_clip(request: HttpRequest, item_id: int) -> HttpResponseBase:
    """Answer with the clip of an item. With `?download` the browser saves it."""
    readable = AudioClip.objects.filter(item__conversation__in=Conversation.objects.readable_by(request.user))
    found = get_object_or_404(readable.select_related("item__conversation"), item=item_id)
    response = clip_download.answer_clip(request, found, as_attachment="download" in request.GET)
    patch_vary_headers(response, ["Cookie"])
    return response
