"""The driver of one live session: performs what the turn machine decides. It owns every task of the session."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic
from typing import Any

from django.conf import settings
from openai.types import realtime as sdk

from conversations import metrics, store
from conversations.engine_choice import EngineSet
from conversations.engines.registry import load, load_stream
from conversations.inbox import MAX_FRAME_BYTES, FrameTooLargeError, Inbox, TooFastError
from conversations.outbox import Outbox, OutboxFullError
from conversations.realtime import actions as do
from conversations.realtime import figures
from conversations.realtime.beta import Beta
from conversations.realtime.client_events import AudioAppend, ClientEvent, parse
from conversations.realtime.core import Limits, Manner
from conversations.realtime.errors import ProtocolError
from conversations.realtime.ids import make_id
from conversations.realtime.semantics import PATIENCE_EAGERNESS
from conversations.realtime.session_checks import Config
from conversations.realtime.session_config import REALTIME, TRANSCRIPTION, default_config, updated
from conversations.realtime.turn_machine import TurnMachine
from conversations.record import Record
from conversations.vad import SpeechDetector
from conversations.vad import model as vad_model
from conversations.wire_audio import InputAudio, OutputAudio, bytes_per_ms, is_pcm, read_item
from conversations.work import Work

log = logging.getLogger(__name__)

TOO_FAST = "Frames come faster than they can be handled. Send audio at the pace of speech."
DRAIN_SEC = 8.0  # after the client has gone: below the server's own 10 s
GOODBYES = (1000, 1005)  # a close that the client meant; 1001 is a tab that was shut, 1006 a lost network


def warm(engines: EngineSet) -> None:
    """Imports and loads what the first session would otherwise wait for; slow, so call it in a thread."""
    vad_model()
    engine_classes = (
        load("stt", engines.stt.provider),
        load_stream(engines.stt),
        load("llm", engines.llm.provider),
        load("tts", engines.tts.provider),
    )
    for engine_class in engine_classes:
        getattr(engine_class, "warm", lambda: None)()


class Session:
    """`feed` frames while `run` runs. `send` puts a text frame on the socket, `close_socket` ends it with a code.

    `kind`: of the session, as GA names it; `stores_captions`: should it be, or become, one of transcription.
    `plays_live` False: the client does not play replies as they come, so they come as soon as the engines make them
    and `send`, which waits for it, takes them.
    """

    def __init__(
        self,
        opened: store.Opened,
        send: Callable[[str], Awaitable[None]],
        close_socket: Callable[[int], Awaitable[None]],
        model: str,
        expires_at: int,
        dialect: Beta | None = None,
        kind: str = REALTIME,
        *,
        stores_captions: bool = False,
        plays_live: bool = True,
    ) -> None:
        self.opened = opened
        self._dialect = dialect
        self._close_socket = close_socket
        self._work = Work(opened, self._receive, plays_live=plays_live)
        manner = Manner(PATIENCE_EAGERNESS.get(opened.patience, "medium"), opened.speculation, self._work.streams)
        self.machine = TurnMachine(
            _config(opened, model, expires_at, kind),
            opened.public_id,
            make_id,
            _limits(),
            items=opened.items,
            manner=manner,
        )
        self._detector = SpeechDetector()
        self._inbox = Inbox()
        self._input, self._output = InputAudio(), OutputAudio()
        self._outbox = Outbox(send, is_paced=plays_live)
        self._record = Record(opened, self._work.stt_label, self._give_up)
        self._stores_captions = stores_captions
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
                self._work.begin(group)
                writer = group.create_task(self._record.run())
                sender = group.create_task(self._outbox.run())
                self._perform(self.machine.start(monotonic()))
                await self._read_frames()
                await self._drain()
                writer.cancel()
                sender.cancel()
                await self._work.end()
        finally:
            await store.end_conversation(self.opened)

    async def _drain(self) -> None:
        """The last words: what was said is transcribed and stored before the session is over."""
        for last in self._input.rest():
            self._receive(last)
        self._receive(do.ClientGone(self._has_vanished))
        for timer in self._deadlines.values():
            timer.cancel()
        if not self._client_left:
            await self._outbox.flush(timeout_sec=2.0)
            await self._close_socket(self._close_code)
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SEC):
                await self._work.finish()
                await self._record.join()

    # Frames in.

    async def _read_frames(self) -> None:
        translate = self._dialect.client if self._dialect else None
        async for frame in self._inbox.frames():
            try:
                await self._read(AudioAppend(frame) if isinstance(frame, bytes) else parse(frame, translate))
            except ProtocolError as error:
                self._perform(self.machine.refuse(error))
            except TooFastError:
                self.close(1008, "input_too_fast", TOO_FAST)

    async def _read(self, event: ClientEvent) -> None:
        audio = self.machine.core.config["audio"]
        kind = audio["input"]["format"]["type"]
        if isinstance(event, sdk.ConversationItemCreateEvent) and not is_pcm(audio):
            self._inbox.hear(await asyncio.to_thread(read_item, event, audio))
        pieces = self._inbox.slices(event, bytes_per_ms(kind)) if isinstance(event, AudioAppend) else [event]
        for place, piece in enumerate(pieces):
            if place:
                await asyncio.sleep(0)
            for one in self._input.read(piece, kind):
                self._receive(one)

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
                    self._record.drop(item_id)
                case do.Detect(pcm, from_scratch):
                    self._detect(pcm, from_scratch)
                case do.Keep(response_id, pcm):
                    self._record.keep(response_id, pcm)
                case do.SetDeadline(name, at):
                    self._set_deadline(name, at)
                case figures.Tally() | figures.Discard() | figures.Played():
                    metrics.figure(action)
                case _:
                    if isinstance(action, do.Hear):
                        self._record.hear(action.item_id, action.pcm)
                    self._work.perform(action)

    def _send(self, event: dict[str, Any]) -> None:
        if event["type"] == "input_audio_buffer.speech_started":
            self._work.warm()
        elif event["type"] == "response.done":
            metrics.ended(event["response"]["status"])
        elif event["type"] == "session.updated" and event["session"]["type"] == TRANSCRIPTION:
            self._record.is_on = self._record.is_on and self._stores_captions
        if self._client_left:
            return
        try:
            for one in self._output.told(event):
                if told := self._dialect.server(one) if self._dialect else one:
                    self._outbox.put(json.dumps(told))
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

    # The store, in order, off the hot path.

    def _save(self, action: do.Save) -> None:
        done = self._record.save(action)
        if done is not None and not action.in_background:
            self._outbox.wait_for(done)

    def _give_up(self, code: int, error_code: str, message: str) -> None:
        """Nothing may be told of what is not stored."""
        self._outbox.abandon()
        self.close(code, error_code, message)


def _limits() -> Limits:
    return Limits(
        context_tokens=settings.REALTIME["CONTEXT_TOKENS"],
        responses_per_min=settings.REALTIME["MAX_RESPONSES_PER_MIN"],
    )


def _config(opened: store.Opened, model: str, expires_at: int, kind: str) -> Config:
    config = default_config(
        session_id=make_id("sess"),
        model=model or opened.assistant_slug,
        instructions=opened.instructions,
        voice=opened.engines.tts.voice,
        stt_model=opened.engines.stt.model,
        language=opened.language,
        speed=opened.speed,
        expires_at=expires_at,
        kind=kind,
    )
    return updated(config, opened.caller.session, audio_sent=False)
