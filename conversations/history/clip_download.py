"""Answer with the sound of one item: Ogg Opus, whole or one range of its bytes."""

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header, http_date

from conversations.history import byte_ranges
from conversations.models import AudioClip, Item
from voiceproject.database import give_back


def answer_clip(request: HttpRequest, found: AudioClip, *, as_attachment: bool = False) -> HttpResponseBase:
    """Answer with the clip. The caller has checked that the request may hear it.

    With `as_attachment` the browser saves the file. Raise Http404 if the storage has lost it.
    """
    etag, modified = f'"{found.pk}-{found.size_bytes}"', int(found.created_at.timestamp())
    # What has not changed is answered without loading the sound, and ahead of ranges, as the RFC orders.
    response = get_conditional_response(request, etag=etag, last_modified=modified)
    if response is None or response.status_code not in (304, 412):
        response = _answer_sound(request, found, etag, http_date(modified))
        response["Content-Type"] = "audio/ogg"
        response["Content-Disposition"] = _build_disposition(found.item, as_attachment)
    response["ETag"], response["Last-Modified"] = etag, http_date(modified)
    # no-cache lets the client keep it, but ask every time: who may hear it no more hears nothing more.
    response["Cache-Control"] = "private, no-cache"
    return response


def _answer_sound(request: HttpRequest, found: AudioClip, etag: str, last_modified: str) -> HttpResponse:
    """Answer with all of the clip or a range of its bytes, or with 416."""
    size = found.size_bytes
    try:
        part = _find_range(request, size, etag, last_modified)
    except byte_ranges.UnsatisfiableRangeError:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"})
    start, end = part or (0, size)
    response = HttpResponse(b"" if request.method == "HEAD" else _read(found, start, end), status=206 if part else 200)
    response["Content-Length"], response["Accept-Ranges"] = str(end - start), "bytes"
    if part:
        response["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return response


def _find_range(request: HttpRequest, size: int, etag: str, last_modified: str) -> tuple[int, int] | None:
    """Return the range that is to be sent, or None for all of the file.

    Ranges are for GET only, and an If-Range that does not match asks for the whole new file.
    """
    if request.method != "GET" or request.headers.get("If-Range", etag) not in (etag, last_modified):
        return None
    return byte_ranges.parse_range(request.headers.get("Range", ""), size)


def _read(found: AudioClip, start: int, end: int) -> bytes:
    """Return the bytes from `start` up to `end`, or raise Http404 if the storage has lost the clip."""
    give_back()  # the storage may be one that answers slowly
    try:
        with found.file.open("rb") as file:
            file.seek(start)
            return bytes(file.read(end - start))
    except FileNotFoundError:
        raise Http404("The sound of this item is missing from the storage.") from None


def _build_disposition(item: Item, as_attachment: bool) -> str:
    """Return the header with the name under which a browser saves the clip."""
    name = f"{item.conversation.public_id}-{item.position + 1:03}.ogg"
    return content_disposition_header(as_attachment, name) or "inline"
