"""What a turn answers with: the reply's speech as a file, or the events of the session as server-sent events."""

import asyncio
import logging
from base64 import b64decode
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from http import HTTPStatus

from django.http.request import MediaType

from conversations.audio.speech_files import MEDIA_TYPES, open_speech_file
from conversations.realtime.protocol.errors import Failure
from conversations.transport.http_turn import TRANSCRIPTION, Event

log = logging.getLogger("conversations.transport.http_turn")

EVENT_STREAM = "text/event-stream"
ALIASES = {"audio/mp3": "audio/mpeg", "audio/x-wav": "audio/wav", "audio/wave": "audio/wav"}
# What may be asked for, and what is meant by it. Of what is wanted alike the first is taken.
OFFERED = {**{name: name for name in MEDIA_TYPES}, EVENT_STREAM: EVENT_STREAM, **ALIASES}
SILENT = Failure("empty_response", "The reply has no words that could be spoken. Ask again.")


class TurnFailedError(Exception):
    """There is no reply, or no more of it."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def log_failure(code: str | None, status: int, headers: Mapping[str, str]) -> None:
    """Log that a turn failed. What an engine failed at has a log line of its own.

    `headers` holds the ids that are known by then.
    """
    conversation = headers.get("X-Conversation-Id", "-")
    log.warning("turn_failed code=%s status=%d conversation=%s", code, status, conversation)


def choose_media_type(accept: str) -> str | None:
    """Return the type that a client with this `Accept` header likes best, or None if it takes none that we serve."""
    ranges = [MediaType(token) for token in accept.split(",") if token.strip()] or [MediaType("*/*")]
    qualities = {name: _compute_quality(name, ranges) for name in OFFERED}
    best = max(OFFERED, key=lambda name: qualities[name])
    return OFFERED[best] if qualities[best] else None


def _compute_quality(name: str, ranges: list[MediaType]) -> float:
    """Return how much a client likes a type, from 0 to 1.

    RFC 9110, 12.5.1: the most specific range that matches decides, and 0 excludes.
    """
    main = name.partition("/")[0]
    specific = {name: 2} if name in ALIASES else {name: 2, f"{main}/*": 1, "*/*": 0}
    matching = [
        (specific[asked], one.quality) for one in ranges if (asked := f"{one.main_type}/{one.sub_type}") in specific
    ]
    return max(matching)[1] if matching else 0.0


def find_ids(event: Event) -> dict[str, str]:
    """Return the headers of the answer whose values this event tells."""
    data = event.data
    match event.type:
        case "conversation.created":
            return {"X-Conversation-Id": data["conversation"]["id"]}
        case "input_audio_buffer.committed":
            return {"X-Input-Item-Id": data["item_id"]}
        case "response.output_audio.delta":
            return {"X-Response-Id": data["response_id"], "X-Output-Item-Id": data["item_id"]}
    return {}


def find_failure(event: Event) -> Failure | None:
    """Return why the turn has failed if this event says so, else None."""
    error = None
    if event.type in ("error", f"{TRANSCRIPTION}.failed"):
        error = event.data["error"]
    elif event.type == "response.done" and event.data["response"]["status"] == "failed":
        error = event.data["response"]["status_details"]["error"]
    return error and Failure(error["code"], error["message"])


async def stream_file(events: AsyncGenerator[Event], media_type: str, headers: dict[str, str]) -> AsyncGenerator[bytes]:
    """Yield the reply as one file while it is spoken, and add its ids to `headers`.

    Raise TurnFailedError; if the reply has no sound, before the first bytes.
    """
    file, sounds = open_speech_file(media_type), False
    async with aclosing(events):
        async for event in events:
            if failure := find_failure(event):
                raise TurnFailedError(failure)
            headers |= find_ids(event)
            if event.type == "response.output_audio.delta":
                sounds = True
                if piece := await asyncio.to_thread(file.put, b64decode(event.data["delta"])):
                    yield piece
    if not sounds:
        raise TurnFailedError(SILENT)
    yield await asyncio.to_thread(file.finish)


async def stream_events(events: AsyncGenerator[Event], headers: dict[str, str]) -> AsyncGenerator[bytes]:
    """Yield each event as the socket would send it, failures too, and add its ids to `headers`."""
    async with aclosing(events):
        async for event in events:
            headers |= find_ids(event)
            if failure := find_failure(event):
                log_failure(failure.code, HTTPStatus.OK, headers)
            yield f"event: {event.type}\ndata: {event.text}\n\n".encode()
