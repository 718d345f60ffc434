"""POST /v1/voice/turns: a sound file in, the spoken reply out, as a file or as the events of the socket."""

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
    as_events,
    as_file,
    log_failure,
    preferred,
)
from conversations.api.turns.failures import REASONS, refusal
from conversations.audio.speech_files import MEDIA_TYPES
from conversations.session.conversation_hold import Ask
from conversations.transport import http_turn

CUT = "voiceproject.cut"  # in the scope's extensions, see voiceproject/server/web_requests.py
CONTENT_TYPES = {**MEDIA_TYPES, EVENT_STREAM: EVENT_STREAM}
EMPTY = "There is no sound in the request. Send a sound file as its body, or as the part 'file' of a form."


async def create(request: HttpRequest) -> StreamingHttpResponse:
    """Answers with the first piece of the reply, so that what fails before it has a status of its own."""
    caller = await auth.acaller(request, Scope.REALTIME)
    media_type = preferred(request.headers.get("Accept", ""))
    if media_type is None:
        served = ", ".join(dict.fromkeys(OFFERED.values()))
        raise APIError(406, "not_acceptable", f"Served are {served}. Name one of them in the header Accept.")
    asked = requests.query(request, inputs.TurnQuery).model_dump(exclude_none=True)
    question = http_turn.Question(caller, await _file(request), Ask(**asked))
    headers: dict[str, str] = {}
    events = http_turn.events(question)
    answer = as_events(events, headers) if media_type == EVENT_STREAM else as_file(events, media_type, headers)
    try:
        start = [await anext(answer)]
        while "X-Conversation-Id" not in headers:  # the socket's first event does not tell it
            start.append(await anext(answer))
    except REASONS as reason:
        refused = refusal(reason, headers)
        log_failure(refused.code, refused.status, headers)
        raise refused from reason
    headers["X-Accel-Buffering"] = "no"  # proxies would hold back what is short
    return StreamingHttpResponse(
        _whole(start, answer, request, headers), content_type=CONTENT_TYPES[media_type], headers=headers
    )


async def _file(request: HttpRequest) -> bytes:
    """The body, or the part `file` of a form. Raises APIError."""
    data = await sync_to_async(_read, thread_sensitive=False)(request)
    if not data:
        raise APIError(400, "missing_required_parameter", EMPTY, param="file")
    if len(data) > settings.TURN_MAX_BYTES:
        message = f"The sound file has {len(data)} bytes; the most is {settings.TURN_MAX_BYTES}."
        raise APIError(413, "request_too_large", message, param="file")
    return data


def _read(request: HttpRequest) -> bytes:
    if request.content_type != "multipart/form-data":
        return request.read()
    upload = request.FILES.get("file")
    return upload.read() if upload else b""


async def _whole(
    start: list[bytes], answer: AsyncGenerator[bytes], request: HttpRequest, headers: dict[str, str]
) -> AsyncGenerator[bytes]:
    """A reply that fails amid its speech ends as a connection that breaks off: its file must not look whole."""
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
