"""The driver of one live session: performs what the turn machine decides. It owns every task of the session."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from time import monotonic
from typing import Any

from conversations import store
from conversations.engine_choice import EngineSet
from conversations.engines.base import EngineError, Hints
from conversations.engines.registry import load, make_llm, make_stt, make_tts
from conversations.inbox import MAX_FRAME_BYTES, FrameTooLargeError, Inbox, TooFastError
from conversations.outbox import Outbox, OutboxFullError
from conversations.realtime import actions as do
from conversations.realtime.client_events import AudioAppend, ClientEvent, parse
from conversations.realtime.errors import ProtocolError
from conversations.realtime.ids import make_id
from conversations.realtime.session_config import Config, default_config
from conversations.realtime.turn_machine import TurnMachine
from conversations.reply import Reply, as_failure
from conversations.vad import SpeechDetector
from conversations.vad import model as vad_model
from conversations.writer import Writer

log = logging.getLogger(__name__)

TOO_FAST = "Frames come faster than they can be handled. Send audio at the pace of speech."
DRAIN_SEC = 8.0  # after the client has gone: below the server's own 10 s
GOODBYES = (1000, 1005)  # a close that the client meant; 1001 is a tab that was shut, 1006 a lost network


def warm(engines: EngineSet) -> None:
    """Imports and loads what the first session would otherwise wait for; slow, so call it in a thread."""
    vad_model()
    engine_classes = (
        load("stt", engines.stt.provider),
        load("llm", engines.llm.provider),
        load("tts", engines.tts.provider),
    )
    for engine_class in engine_classes:
        getattr(engine_class, "warm", lambda: None)()


class Session:
    """`feed` frames while `run` runs. `send` puts a text frame on the socket, `close_socket` ends it with a code."""

    def __init__(
        self,
        opened: store.Opened,
        send: Callable[[str], Awaitable[None]],
        close_socket: Callable[[int], Awaitable[None]],
        model: str,
        expires_at: int,
    ) -> None:
        self.opened = opened
        self._close_socket = close_socket
        engines = opened.engines
        self._stt, self._llm, self._tts = make_stt(engines.stt), make_llm(engines.llm), make_tts(engines.tts)
        self.machine = TurnMachine(_config(opened, model, expires_at), opened.public_id, make_id, items=opened.items)
        self._detector = SpeechDetector()
        self._inbox = Inbox()
        self._outbox = Outbox(send)
        self._writer = Writer(opened.public_id, self._give_up)
        self._replies: dict[str, Reply] = {}
        self._reply_audio: dict[str, bytearray] = {}
        self._work: dict[str, asyncio.Task[None]] = {}  # by id of the response, or of the item transcribed
        self._deadlines: dict[str, asyncio.TimerHandle] = {}
        self._close_code = 1000
        self._client_left = False
        self._has_vanished = False

    # The consumer's side.

    def feed(self, frame: str | bytes) -> None:
        """Takes a frame; never waits, since the consumer must go on to hear a disconnect."""
        try:
            self._inbox.put(frame)
        except FrameTooLargeError:
            message = f"The frame has {len(frame)} bytes; the most is {MAX_FRAME_BYTES}. Send audio in smaller appends."
            self._perform(self.machine.refuse(ProtocolError("frame_too_large", message)))
        except TooFastError:
            self.close(1008, "input_too_fast", TOO_FAST)

    def hang_up(self, code: int) -> None:
        """The client is gone; `code` is the close code of its socket."""
        self._client_left = True
        self._has_vanished = code not in GOODBYES
        self._inbox.end()

    def close(self, code: int, error_code: str, message: str) -> None:
        """The server ends the session and says why."""
        if self._close_code == 1000 and not self._client_left:
            self._close_code = code
            with suppress(OutboxFullError):
                self._perform(self.machine.refuse(ProtocolError(error_code, message)))
            self._inbox.cut()  # answers to what waits would push out the error

    async def run(self) -> None:
        """Lives until the client hangs up or `close`; what was said by then is stored when it returns."""
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                writer = group.create_task(self._writer.run())
                sender = group.create_task(self._outbox.run())
                self._perform(self.machine.start(monotonic()))
                await self._read_frames()
                await self._drain()
                for task in (writer, sender, *self._work.values()):
                    task.cancel()
        finally:
            await store.end_conversation(self.opened.pk)

    async def _drain(self) -> None:
        """The last words: what was said is transcribed and stored before the session is over."""
        self._receive(do.ClientGone(self._has_vanished))
        for timer in self._deadlines.values():
            timer.cancel()
        if not self._client_left:
            await self._outbox.flush(timeout_sec=2.0)
            await self._close_socket(self._close_code)
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SEC):
                if self._work:
                    await asyncio.wait(self._work.values())
                await self._writer.join()

    # Frames in.

    async def _read_frames(self) -> None:
        async for frame in self._inbox.frames():
            try:
                await self._read(AudioAppend(frame) if isinstance(frame, bytes) else parse(frame))
            except ProtocolError as error:
                self._perform(self.machine.refuse(error))
            except TooFastError:
                self.close(1008, "input_too_fast", TOO_FAST)

    async def _read(self, event: ClientEvent) -> None:
        if not isinstance(event, AudioAppend):
            return self._receive(event)
        for place, piece in enumerate(self._inbox.slices(event)):
            if place:
                await asyncio.sleep(0)
            self._receive(piece)
        return None

    def _receive(self, event: Any) -> None:
        self._perform(self.machine.receive(event, monotonic()))

    # What the machine decides.

    def _perform(self, actions: list[do.Action]) -> None:
        for action in actions:
            match action:
                case do.Send(event):
                    self._send(event)
                case do.Save():
                    self._save(action)
                case do.Remove(item_id):
                    self._writer.put(lambda item_id=item_id: store.remove_item(self.opened.pk, item_id))  # type: ignore[misc]
                case do.Detect(pcm, from_scratch):
                    self._detect(pcm, from_scratch)
                case do.Transcribe(item_id):
                    self._start(item_id, self._transcribe(action))
                case do.Generate(response_id):
                    self._generate(response_id, action)
                case do.Speak() | do.EndSpeech() | do.Hold() | do.Release():
                    self._steer(action)
                case do.Abort(key):
                    if task := self._work.pop(key, None):
                        task.cancel()
                case do.SetDeadline(name, at):
                    self._set_deadline(name, at)

    def _steer(self, action: do.Speak | do.EndSpeech | do.Hold | do.Release) -> None:
        if (reply := self._replies.get(action.response_id)) is None:
            return
        match action:
            case do.Speak():
                reply.speak(action)
            case do.EndSpeech():
                reply.end_speech()
            case do.Hold():
                reply.hold()
            case do.Release():
                reply.release()

    def _send(self, event: dict[str, Any]) -> None:
        if self._client_left:
            return
        try:
            self._outbox.put(json.dumps(event))
        except OutboxFullError:
            self._outbox.abandon()
            self.close(1008, "output_too_slow", "The client asks for more than it reads.")

    def _detect(self, pcm: bytes, from_scratch: bool) -> None:
        if from_scratch:
            self._detector.reset()
        for probability in self._detector.feed(pcm):
            self._receive(do.SpeechWindow(probability))

    def _set_deadline(self, name: str, at: float | None) -> None:
        if timer := self._deadlines.pop(name, None):
            timer.cancel()
        if at is not None:
            loop = asyncio.get_running_loop()
            wait_sec = max(0.0, at - monotonic())
            self._deadlines[name] = loop.call_later(wait_sec, self._receive, do.DeadlinePassed(name))

    # Engines.

    def _start(self, key: str, work: Coroutine[Any, Any, None]) -> None:
        task = self._group.create_task(work)
        self._work[key] = task
        task.add_done_callback(lambda done: self._work.pop(key, None) if self._work.get(key) is done else None)

    async def _transcribe(self, asked: do.Transcribe) -> None:
        try:
            found = await self._stt.transcribe(asked.pcm, Hints(asked.language, asked.prompt))
            self._receive(do.TranscriptReady(asked.item_id, asked.revision, found.text, found.seconds))
        except EngineError as error:
            self._receive(do.TranscriptFailed(asked.item_id, asked.revision, as_failure(error)))
        except Exception as error:  # the outermost edge: one turn fails, the session lives
            log.exception("speech to text failed in conversation %s", self.opened.public_id)
            self._receive(do.TranscriptFailed(asked.item_id, asked.revision, as_failure(error)))

    def _generate(self, response_id: str, asked: do.Generate) -> None:
        reply = Reply(asked, self._llm, self._tts, self.opened.engines.tts, self.opened.language, self._reply_event)
        self._replies[response_id] = reply
        self._reply_audio[response_id] = bytearray()
        self._start(response_id, self._reply(response_id, reply))

    async def _reply(self, response_id: str, reply: Reply) -> None:
        try:
            await reply.run()
        except Exception as error:  # the outermost edge: one turn fails, the session lives
            log.exception("a reply failed in conversation %s", self.opened.public_id)
            self._receive(do.ReplyFailed(response_id, as_failure(error)))
        finally:
            self._replies.pop(response_id, None)

    def _reply_event(self, event: Any) -> None:
        if isinstance(event, do.SpeechAudio) and event.response_id in self._reply_audio:
            self._reply_audio[event.response_id] += event.pcm
        self._receive(event)

    # The store, in order, off the hot path.

    def _save(self, action: do.Save) -> None:
        item, pcm = action.item, action.pcm
        engines = self.opened.engines
        if item.role == "assistant":
            item.engines = {"llm": engines.llm.label()} | ({"tts": engines.tts.label()} if item.is_audio else {})
        elif item.is_audio:
            item.engines = {"stt": engines.stt.label()}
        if action.is_final:
            pcm = bytes(self._reply_audio.pop(item.response_id, b""))
        done = self._writer.put(lambda: store.save_item(self.opened.pk, item, action.after, pcm))
        if not action.in_background:
            self._outbox.wait_for(done)

    def _give_up(self, code: int, error_code: str, message: str) -> None:
        """Nothing may be told of what is not stored."""
        self._outbox.abandon()
        self.close(code, error_code, message)


def _config(opened: store.Opened, model: str, expires_at: int) -> Config:
    return default_config(
        session_id=make_id("sess"),
        model=model or opened.assistant_slug,
        instructions=opened.instructions,
        voice=opened.engines.tts.voice,
        stt_model=opened.engines.stt.model,
        language=opened.language,
        speed=opened.speed,
        expires_at=expires_at,
    )
