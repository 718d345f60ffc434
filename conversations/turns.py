"""One spoken turn without a socket: a session whose client is this module. A sound file in, its events out."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from conversations import admission, containers, store
from conversations.engines.base import EngineError
from conversations.realtime.audio import BYTES_PER_MS
from conversations.realtime.ids import make_id
from conversations.session import Session, warm

log = logging.getLogger(__name__)

MANUAL = {"type": "session.update", "session": {"type": "realtime", "audio": {"input": {"turn_detection": None}}}}
APPEND_BYTES = 1000 * BYTES_PER_MS
HELD_FRAMES = 64  # for a reader that is slow; what comes beyond waits in the session's outbox, which is bounded
TRANSCRIPTION = "conversation.item.input_audio_transcription"
LAST = ("response.done", "error", f"{TRANSCRIPTION}.failed")
DONE, GONE = 1000, 1006  # close codes of a client that heard all, and of one that did not
NO_SPEECH = "No words were heard in the audio. Check the microphone, or send a longer recording."
BROKEN = "The server failed at this turn; its log says why. Try again."


@dataclass(frozen=True, slots=True)
class Question:
    """`conversation` "" begins one; all but the caller and the file is as in the socket's query."""

    caller: store.Caller
    file: bytes
    conversation: str = ""
    assistant: str = ""
    model: str = ""
    time_zone: str = ""


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
        while (frame := await self._queue.get()) is not None:
            self._room.release()
            yield frame


async def events(question: Question) -> AsyncGenerator[Event]:
    """Every event of the turn's session, up to one of LAST. It is stored when this ends.

    Closed before that, it ends as when a client vanishes: the reply is cancelled, and cut to what may have been heard.
    Raises RefusedError, SoundFileError, NotFoundError, UnknownTimeZoneError or EngineError, before the first event.
    """
    with admission.admitted(question.caller):
        pcm = await containers.decode(question.file)
        ask = (question.conversation, question.assistant, question.model, question.time_zone)
        opened = await store.open_conversation(question.caller, *ask)
        frames = Frames()
        try:
            await asyncio.to_thread(warm, opened.engines)
            session = Session(opened, frames.put, _closed, question.model, _expires_at(), plays_live=False)
        except EngineError:
            await store.end_conversation(opened)
            raise
        running = asyncio.create_task(_run(session, question.caller, frames))
        code = GONE
        try:
            _say(session, pcm)
            async for frame in frames:
                event = Event(json.loads(frame), frame)
                yield event
                if event.type == f"{TRANSCRIPTION}.completed" and (refusal := _answer(session, event)):
                    yield refusal
                    break
                if event.type in LAST:
                    break
            code = DONE
        finally:
            session.hang_up(code)
            await running


def _say(session: Session, pcm: bytes) -> None:
    session.feed(json.dumps(MANUAL))
    for start in range(0, len(pcm), APPEND_BYTES):
        session.feed(pcm[start : start + APPEND_BYTES])
    session.feed(json.dumps({"type": "input_audio_buffer.commit"}))


def _answer(session: Session, heard: Event) -> Event | None:
    """Asks for the response to the words; without any there is nothing to answer, and an error is returned."""
    if not heard.data["transcript"]:
        return _error("invalid_request_error", "no_speech", NO_SPEECH)
    session.feed(json.dumps({"type": "response.create"}))
    return None


async def _run(session: Session, caller: store.Caller, frames: Frames) -> None:
    last: list[str] = []
    try:
        await admission.run(session, caller)
    except Exception:  # the outermost edge
        log.exception("a turn failed")
        last.append(_error("server_error", "internal_error", BROKEN).text)
    finally:
        frames.end(*last)


def _error(kind: str, code: str, message: str) -> Event:
    error = {"type": kind, "code": code, "message": message, "param": None, "event_id": None}
    data = {"type": "error", "event_id": make_id("event"), "error": error}
    return Event(data, json.dumps(data))


def _expires_at() -> int:
    return int(time.time() + settings.REALTIME["MAX_SESSION_SEC"])


async def _closed(code: int) -> None:
    """There is no socket to close: the last frame was the error that says why."""
