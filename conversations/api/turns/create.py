"""POST /v1/voice/turns: take a sound file, and answer with the spoken reply, as a file or as events."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from http import HTTPStatus

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, StreamingHttpResponse

from accounts.models import Scope
from conversations.api import auth, requests
from conversations.api.errors import APIError
from conversations.api.shapes import inputs
from conversations.api.turns.answers import (
    EVENT_STREAM,
    OFFERED,
    TurnFailedError,
    choose_media_type,
    log_failure,
    stream_events,
    stream_file,
)
from conversations.api.turns.failures import REASONS, convert_failure
from conversations.audio.speech_files import MEDIA_TYPES
from conversations.session.conversation_lease import ConversationRequest
from conversations.transport import http_turn

CUT = "voiceproject.cut"  # in the scope's extensions, see voiceproject/server/connection_bounds.py
CONTENT_TYPES = {**MEDIA_TYPES, EVENT_STREAM: EVENT_STREAM}
EMPTY = "There is no sound in the request. Send a sound file as its body, or as the part 'file' of a form."


async def create_turn(request: HttpRequest) -> StreamingHttpResponse:
    """Answer a spoken turn, beginning with the first piece of the reply.

    What fails before that piece has an HTTP status of its own.
    """
    caller = await auth.authenticate_async(request, Scope.REALTIME)
    media_type = choose_media_type(request.headers.get("Accept", ""))
    if media_type is None:
        served = ", ".join(dict.fromkeys(OFFERED.values()))
        raise APIError(
            406, "not_acceptable", f"The response can be {served}. Ask for one of them in the Accept header."
        )
    asked = requests.parse_query(request, inputs.TurnQuery).model_dump(exclude_none=True)
    question = http_turn.TurnRequest(caller, await _read_file(request), ConversationRequest(**asked))
    headers: dict[str, str] = {}
    events = http_turn.run_turn(question)
    answer = stream_events(events, headers) if media_type == EVENT_STREAM else stream_file(events, media_type, headers)
    try:
        start = [await anext(answer)]
        while "X-Conversation-Id" not in headers:  # the socket's first event does not tell it
            start.append(await anext(answer))
    except REASONS as reason:
        refused = convert_failure(reason, headers)
        log_failure(refused.code, refused.status, headers)
        raise refused from reason
    headers["X-Accel-Buffering"] = "no"  # proxies would hold back what is short
    return StreamingHttpResponse(
        _stream(start, answer, request, headers), content_type=CONTENT_TYPES[media_type], headers=headers
    )


async def _read_file(request: HttpRequest) -> bytes:
    """Return the sound file: the body, or the part `file` of a form. Raise APIError if it is absent or too large."""
    data = await sync_to_async(_read_body, thread_sensitive=False)(request)
    if not data:
        raise APIError(400, "missing_required_parameter", EMPTY, param="file")
    if len(data) > settings.TURN_MAX_BYTES:
        message = f"The sound file has {len(data)} bytes; the limit is {settings.TURN_MAX_BYTES}."
        raise APIError(413, "request_too_large", message, param="file")
    return data


def _read_body(request: HttpRequest) -> bytes:
    """Return the bytes of the sound file, or none."""
    if request.content_type != "multipart/form-data":
        return request.read()
    upload = request.FILES.get("file")
    return upload.read() if upload else b""


async def _stream(
    start: list[bytes], answer: AsyncGenerator[bytes], request: HttpRequest, headers: dict[str, str]
) -> AsyncGenerator[bytes]:
    """Yield the pieces that have come, then the others.

    A reply that fails in the middle of its speech ends as a connection that breaks off: its file must not look whole.
    """
    async with aclosing(answer):
        for piece in start:
            yield piece
        try:
            async for piece in answer:
                yield piece
        except TurnFailedError as failed:
            log_failure(failed.failure.code, HTTPStatus.OK, headers)
            cut = getattr(request, "scope", {}).get("extensions", {}).get(CUT)
            if cut is None:
                raise
            cut()
