"""One spoken turn without a socket: a session whose client is this module. A sound file in, its events out."""

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
from conversations.session import conversation_hold
from conversations.session.base import Session
from conversations.session.factory import build_session
from conversations.storage import store
from conversations.transport import admission

log = logging.getLogger(__name__)

MANUAL = {"type": "session.update", "session": {"type": "realtime", "audio": {"input": {"turn_detection": None}}}}
APPEND_BYTES = 1000 * BYTES_PER_MS
HELD_FRAMES = 64  # for a reader that is slow; what comes beyond waits in the session's outbox, which is bounded
SILENCE_SEC = 60.0  # beside thinking; the session's own deadlines are shorter; should one be missing, the turn ends
TRANSCRIPTION = "conversation.item.input_audio_transcription"
LAST = ("response.done", "error", f"{TRANSCRIPTION}.failed")
NO_SPEECH = "No words were heard in the audio. Check the microphone, or send a longer recording."
ENDED = "The session ended, or fell silent, before the reply was whole. Try again."
BROKEN = "The server had a problem; its log says why. Please try again."


@dataclass(frozen=True, slots=True)
class Question:
    caller: store.Caller
    file: bytes
    ask: conversation_hold.Ask


@dataclass(frozen=True, slots=True)
class Event:
    """A server event of the protocol, and its own JSON."""

    data: dict[str, Any]
    text: str

    @property
    def type(self) -> str:
        return str(self.data["type"])


class Frames:
    """What the session sends, until it has ended."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(HELD_FRAMES)

    async def put(self, frame: str) -> None:
        await self._room.acquire()
        self._queue.put_nowait(frame)

    def end(self, *last: str) -> None:
        for frame in (*last, None):
            self._queue.put_nowait(frame)

    async def __aiter__(self) -> AsyncIterator[str]:
        with suppress(TimeoutError):
            while (frame := await self._next()) is not None:
                self._room.release()
                yield frame

    async def _next(self) -> str | None:
        async with asyncio.timeout(SILENCE_SEC + settings.THINKING_SEC):
            return await self._queue.get()


async def events(question: Question) -> AsyncGenerator[Event]:
    """Every event of the turn's session, up to one of LAST. It is stored when this ends.

    Closed before that, it ends as when a client vanishes: the reply is cancelled, and cut to what may have been heard.
    Raises RefusedError, SoundFileError, NotFoundError, ConversationHeldError, UnknownTimeZoneError or EngineError,
    before the first event.
    """
    with admission.admitted(question.caller):
        pcm = await uploads.decode(question.file)
        frames = Frames()
        async with AsyncExitStack() as stack:
            opened = await stack.enter_async_context(
                conversation_hold.held(question.caller, question.ask, takes_over=False)
            )
            session = await build_session(opened, frames.put, _closed, question.ask.model, plays_live=False)
            # It is given back when the session has ended, which does not wait for who reads.
            running = asyncio.create_task(_run(session, frames, stack.pop_all()))
        async with aclosing(_events(session, frames, pcm, running)) as told:
            async for event in told:
                yield event


async def _events(session: Session, frames: Frames, pcm: bytes, running: asyncio.Task[None]) -> AsyncGenerator[Event]:
    code, heard = ABNORMAL, ""  # until the client has heard all
    try:
        _say(session, pcm)
        async for frame in frames:
            event = Event(json.loads(frame), frame)
            yield event
            if event.type == "session.updated":
                heard = _heard(event)
            elif event.type == heard and (refusal := _answer(session, event)):
                yield refusal
                break
            if event.type in LAST:
                break
        else:  # what it said at its end was given up with all else that nobody took
            yield _error("server_error", "session_ended", ENDED)
        code = NORMAL
    finally:
        session.hang_up(code)
        await running


def _say(session: Session, pcm: bytes) -> None:
    session.feed(json.dumps(MANUAL))
    for start in range(0, len(pcm), APPEND_BYTES):
        session.feed(pcm[start : start + APPEND_BYTES])
    session.feed(json.dumps({"type": "input_audio_buffer.commit"}))


def _heard(updated: Event) -> str:
    """The event after which the response is asked for: the words, where the session has any."""
    has_words = updated.data["session"]["audio"]["input"]["transcription"] is not None
    return f"{TRANSCRIPTION}.completed" if has_words else "input_audio_buffer.committed"


def _answer(session: Session, heard: Event) -> Event | None:
    """Asks for the response to the words; without any there is nothing to answer, and an error is returned."""
    if heard.data.get("transcript") == "":
        return _error("invalid_request_error", "no_speech", NO_SPEECH)
    session.feed(json.dumps({"type": "response.create"}))
    return None


async def _run(session: Session, frames: Frames, conversation: AsyncExitStack) -> None:
    last: list[str] = []
    try:
        async with conversation:
            await admission.run(session)
    except Exception:  # the outermost edge
        log.exception("a turn failed")
        last.append(_error("server_error", "internal_error", BROKEN).text)
    finally:
        frames.end(*last)


def _error(kind: str, code: str, message: str) -> Event:
    error = {"type": kind, "code": code, "message": message, "param": None, "event_id": None}
    data = {"type": "error", "event_id": make_id("event"), "error": error}
    return Event(data, json.dumps(data))


async def _closed(code: int) -> None:
    """There is no socket to close: the last frame was the error that says why."""
