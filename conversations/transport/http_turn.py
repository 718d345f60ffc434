"""One spoken turn over HTTP: a sound file goes in, the events of a session come out. This module is its client."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from conversations.audio import uploads
from conversations.close_codes import ABNORMAL, NORMAL
from conversations.pcm import BYTES_PER_MS
from conversations.realtime.protocol.ids import make_id
from conversations.session import conversation_lease
from conversations.session.base import Session
from conversations.session.factory import build_session
from conversations.storage import callers
from conversations.transport import admission

log = logging.getLogger(__name__)

MANUAL = {"type": "session.update", "session": {"type": "realtime", "audio": {"input": {"turn_detection": None}}}}
APPEND_BYTES = 1000 * BYTES_PER_MS
HELD_FRAMES = 64  # frames kept for a slow reader; further ones wait in the session's outbox, which is bounded
SILENCE_SEC = 60.0  # without an event (and without thinking) the turn ends; the session's own deadlines are shorter
TRANSCRIPTION = "conversation.item.input_audio_transcription"
LAST = ("response.done", "error", f"{TRANSCRIPTION}.failed")
NO_SPEECH = "No words were heard in the audio. Check the microphone, or send a longer recording."
ENDED = "The session ended, or fell silent, before the reply was complete. Please try again."
BROKEN = "The server had a problem; its log says why. Please try again."


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """A turn that is asked for: the caller, the bytes of the sound file, the conversation and the assistant."""

    caller: callers.Caller
    file: bytes
    ask: conversation_lease.ConversationRequest


@dataclass(frozen=True, slots=True)
class Event:
    """A server event of the Realtime protocol, and the JSON text it came as."""

    data: dict[str, Any]
    text: str

    @property
    def type(self) -> str:
        """The event's type."""
        return str(self.data["type"])


class Frames:
    """The frames that the session sends, until it has ended."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(HELD_FRAMES)

    async def put(self, frame: str) -> None:
        """Add a frame, after waiting for room."""
        await self._room.acquire()
        self._queue.put_nowait(frame)

    def end(self, *last: str) -> None:
        """End the frames, after these last ones."""
        for frame in (*last, None):
            self._queue.put_nowait(frame)

    async def __aiter__(self) -> AsyncIterator[str]:
        with suppress(TimeoutError):
            while (frame := await self._take_next()) is not None:
                self._room.release()
                yield frame

    async def _take_next(self) -> str | None:
        async with asyncio.timeout(SILENCE_SEC + settings.THINKING_SEC):
            return await self._queue.get()


async def run_turn(question: TurnRequest) -> AsyncGenerator[Event]:
    """Yield every event of the turn's session, up to one of LAST. The turn is stored when this ends.

    If it is closed before that, the response is cancelled and cut to what may have been heard, as when a client
    vanishes.
    Raise RefusedError, SoundFileError, NotFoundError, ConversationHeldError, UnknownTimeZoneError or EngineError,
    before the first event.
    """
    async with admission.admit(question.caller):
        pcm = await uploads.decode(question.file)
        frames = Frames()
        async with AsyncExitStack() as stack:
            opened = await stack.enter_async_context(
                conversation_lease.hold_conversation(question.caller, question.ask, takes_over=False)
            )
            session = await build_session(opened, frames.put, _ignore_close, question.ask.model, plays_live=False)
            # The conversation is given back when the session has ended, which does not wait for the reader.
            running = asyncio.create_task(_run_session(session, frames, stack.pop_all()))
        async with aclosing(_read_events(session, frames, pcm, running)) as told:
            async for event in told:
                yield event


async def _read_events(
    session: Session, frames: Frames, pcm: bytes, running: asyncio.Task[None]
) -> AsyncGenerator[Event]:
    code, trigger = ABNORMAL, ""  # until all was read
    try:
        _send_audio(session, pcm)
        async for frame in frames:
            event = Event(json.loads(frame), frame)
            yield event
            if event.type == "session.updated":
                trigger = _choose_trigger(event)
            elif event.type == trigger and (refusal := _request_response(session, event)):
                yield refusal
                break
            if event.type in LAST:
                break
        else:  # the session ended, and its last frames were dropped with all that was not read
            yield _build_error("server_error", "session_ended", ENDED)
        code = NORMAL
    finally:
        session.hang_up(code)
        await running


def _send_audio(session: Session, pcm: bytes) -> None:
    session.feed(json.dumps(MANUAL))
    for start in range(0, len(pcm), APPEND_BYTES):
        session.feed(pcm[start : start + APPEND_BYTES])
    session.feed(json.dumps({"type": "input_audio_buffer.commit"}))


def _choose_trigger(updated: Event) -> str:
    """Return the type of the event after which the response is asked for: the transcript, if the session has any."""
    has_words = updated.data["session"]["audio"]["input"]["transcription"] is not None
    return f"{TRANSCRIPTION}.completed" if has_words else "input_audio_buffer.committed"


def _request_response(session: Session, event: Event) -> Event | None:
    """Ask for the response, or return an error event if no words were transcribed."""
    if event.data.get("transcript") == "":
        return _build_error("invalid_request_error", "no_speech", NO_SPEECH)
    session.feed(json.dumps({"type": "response.create"}))
    return None


async def _run_session(session: Session, frames: Frames, conversation: AsyncExitStack) -> None:
    last: list[str] = []
    try:
        async with conversation:
            await admission.run(session)
    except Exception:  # an error boundary
        log.exception("a turn failed")
        last.append(_build_error("server_error", "internal_error", BROKEN).text)
    finally:
        frames.end(*last)


def _build_error(kind: str, code: str, message: str) -> Event:
    error = {"type": kind, "code": code, "message": message, "param": None, "event_id": None}
    data = {"type": "error", "event_id": make_id("event"), "error": error}
    return Event(data, json.dumps(data))


async def _ignore_close(code: int) -> None:
    """Do nothing: there is no socket to close, and the last frame was an error that says why."""
