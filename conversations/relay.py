"""The driver of a session that speech to speech answers: performs what `realtime.relaying` decides.

To the consumer it is what `session.Session` is. It owns every task, and the connection to the upstream, which it makes
anew when it is lost.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from time import monotonic
from typing import Any

from django.conf import settings
from openai.types import realtime as sdk

from conversations import metrics, store
from conversations.changes import Drop, Put
from conversations.clips import Clips
from conversations.engine_choice import EngineSet
from conversations.engines.base import (
    EngineAuthError,
    EngineBusy,
    EngineError,
    EngineQuotaError,
    EngineRejected,
    EngineSpec,
    EngineUnavailable,
    S2SConnection,
)
from conversations.engines.registry import load, make_s2s
from conversations.inbox import MAX_FRAME_BYTES, FrameTooLargeError, Inbox, TooFastError
from conversations.outbox import Outbox, OutboxFullError
from conversations.realtime import actions as do
from conversations.realtime import figures
from conversations.realtime.beta import Beta
from conversations.realtime.client_events import AudioAppend, ClientEvent, parse
from conversations.realtime.core import Limits, Manner
from conversations.realtime.errors import ProtocolError
from conversations.realtime.ids import make_id
from conversations.realtime.relaying.actions import Reconnect, Tell, Told, UpstreamLost, UpstreamReady
from conversations.realtime.relaying.machine import Action, Relaying
from conversations.realtime.relaying.shapes import NoEventError, read
from conversations.realtime.semantics import PATIENCE_EAGERNESS
from conversations.realtime.session_checks import RANGES, Config
from conversations.realtime.session_config import default_config
from conversations.reply import as_failure
from conversations.session import DRAIN_SEC, GOODBYES, TOO_FAST
from conversations.wire_audio import InputAudio, OutputAudio, bytes_per_ms, is_pcm, read_item
from conversations.writer import Writer

log = logging.getLogger(__name__)

PAUSES_SEC = (0.0, 0.5, 2.0)  # before each further try to connect; then it is given up
STEADY_SEC = 10.0  # a connection that lasted so long was a good one
HANGS = "Speech to speech sent nothing for too long. Please try again."
POLICY, BUSY = 1008, 1013


def warm(engines: EngineSet) -> None:
    """Slow the first time, so call it in a thread."""
    if engines.s2s is not None:
        load("s2s", engines.s2s.provider).warm()


class Relay:
    """`feed` frames while `run` runs. `send` puts a text frame on the socket, `close_socket` ends it with a code."""

    def __init__(
        self,
        opened: store.Opened,
        spec: EngineSpec,
        send: Callable[[str], Awaitable[None]],
        close_socket: Callable[[int], Awaitable[None]],
        model: str,
        expires_at: int,
        dialect: Beta | None = None,
    ) -> None:
        self.opened = opened
        self._spec = spec
        self._dialect = dialect
        self._close_socket = close_socket
        self._engine = make_s2s(spec)
        self.machine = Relaying(
            _config(opened, spec, model, expires_at),
            opened.public_id,
            make_id,
            Limits(responses_per_min=settings.REALTIME["MAX_RESPONSES_PER_MIN"]),
            items=opened.items,
            manner=Manner(PATIENCE_EAGERNESS.get(opened.patience, "medium")),
            transcription_model=spec.stream_model,
        )
        self._inbox = Inbox()
        self._input, self._output = InputAudio(), OutputAudio()
        self._outbox = Outbox(send)
        self._writer = Writer(opened.public_id, partial(store.write, opened.pk), self._give_up)
        self._clips = Clips()
        self._deadlines: dict[str, asyncio.TimerHandle] = {}
        self._telling: asyncio.Queue[dict[str, Any]] = asyncio.Queue()  # to the present connection
        self._life: asyncio.Timeout | None = None  # of it
        self._has_news = asyncio.Event()  # the upstream told something
        self._close_code = 1000
        self._client_left = self._has_vanished = False

    # The consumer's side.

    def feed(self, frame: str | bytes) -> None:
        """Takes a frame; never waits, since the consumer must go on to hear a disconnect."""
        try:
            self._inbox.put(frame)
        except FrameTooLargeError:
            message = f"The frame has {len(frame)} bytes; the most is {MAX_FRAME_BYTES}. Send audio in smaller appends."
            self._perform(self.machine.refuse(ProtocolError("frame_too_large", message)))
        except TooFastError:
            self.close(POLICY, "input_too_fast", TOO_FAST)

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
            self._inbox.cut()

    async def run(self) -> None:
        """Lives until the client hangs up or `close`; what was said by then is stored when it returns."""
        try:
            async with asyncio.TaskGroup() as group:
                helpers = [group.create_task(work) for work in (self._writer.run(), self._outbox.run())]
                self._perform(self.machine.start(monotonic()))
                helpers.append(group.create_task(self._keep_upstream()))
                await self._read_frames()
                await self._drain()
                for task in helpers:
                    task.cancel()
        finally:
            await store.end_conversation(self.opened)

    async def _drain(self) -> None:
        """The last words: what was said is transcribed and stored before the session is over."""
        for last in self._input.rest():
            self._receive(last)
        self._receive(do.ClientGone(self._has_vanished))
        if not self._client_left:
            await self._outbox.flush(timeout_sec=2.0)
            await self._close_socket(self._close_code)
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SEC):
                while self.machine.is_awaiting_words:
                    self._has_news.clear()
                    await self._has_news.wait()
                await self._writer.join()
        for timer in self._deadlines.values():
            timer.cancel()

    # The upstream.

    async def _keep_upstream(self) -> None:
        """Connects, and again when the connection is lost; in the end the session closes with a word about it."""
        misses = 0
        while True:
            try:
                connection = await self._engine.connect()
            except EngineError as error:
                failure, has_begun = error, False
            else:
                began_at = monotonic()
                failure, has_begun = await self._live(connection)
                misses = 0 if monotonic() - began_at > STEADY_SEC else misses
            misses += 1
            if is_final(failure) or misses > len(PAUSES_SEC):
                self._receive(UpstreamLost(as_failure(failure)))
                code = POLICY if is_final(failure) else BUSY
                return self.close(code, failure.code, failure.message)
            if has_begun:
                log.info("the upstream of conversation %s was lost: %s", self.opened.public_id, failure.message)
                self._receive(UpstreamLost(as_failure(failure)))
            await asyncio.sleep(PAUSES_SEC[misses - 1])

    async def _live(self, connection: S2SConnection) -> tuple[EngineError, bool]:
        """Why the connection ended, and whether it had worked."""
        self._telling = asyncio.Queue()
        sender = asyncio.create_task(self._tell_all(connection, self._telling))
        has_begun = False
        try:
            async with asyncio.timeout(None) as self._life:
                while True:
                    event = read(await connection.receive())
                    if not has_begun:
                        has_begun = True
                        self._receive(UpstreamReady())
                    if event is not None:
                        self._receive(Told(event))
                    self._has_news.set()
        except TimeoutError:  # `Reconnect`
            return EngineUnavailable("s2s", self._spec.provider, HANGS), has_begun
        except NoEventError:
            return self._engine.garbage(), has_begun
        except EngineError as error:
            return error, has_begun
        finally:
            self._life = None
            sender.cancel()
            await asyncio.wait({sender})
            await connection.close()

    async def _tell_all(self, connection: S2SConnection, telling: asyncio.Queue[dict[str, Any]]) -> None:
        with suppress(EngineError):  # who receives notices too
            while True:
                await connection.send(await telling.get())

    def _leave_upstream(self) -> None:
        if self._life is not None and not self._life.expired():
            self._life.reschedule(asyncio.get_running_loop().time())

    # Frames in.

    async def _read_frames(self) -> None:
        translate = self._dialect.client if self._dialect else None
        async for frame in self._inbox.frames():
            try:
                await self._read(AudioAppend(frame) if isinstance(frame, bytes) else parse(frame, translate))
            except ProtocolError as error:
                self._perform(self.machine.refuse(error))
            except TooFastError:
                self.close(POLICY, "input_too_fast", TOO_FAST)

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

    def _perform(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Tell(event):
                    self._telling.put_nowait(event)
                case Reconnect():
                    self._leave_upstream()
                case do.Send(event):
                    self._send(event)
                case do.Save():
                    self._save(action)
                case do.Remove(item_id):
                    self._writer.put(Drop(item_id))
                case do.Keep(response_id, pcm):
                    self._clips.keep(response_id, pcm)
                case do.SetDeadline(name, at):
                    self._set_deadline(name, at)
                case figures.Tally() | figures.Discard() | figures.Played():
                    metrics.figure(action)

    def _send(self, event: dict[str, Any]) -> None:
        if event["type"] == "response.done":
            metrics.ended(event["response"]["status"])
        if self._client_left:
            return
        try:
            for one in self._output.told(event):
                if told := self._dialect.server(one) if self._dialect else one:
                    self._outbox.put(json.dumps(told))
        except OutboxFullError:
            self._outbox.abandon()
            self.close(POLICY, "output_too_slow", "The client asks for more than it reads.")

    def _set_deadline(self, name: str, at: float | None) -> None:
        if timer := self._deadlines.pop(name, None):
            timer.cancel()
        if at is not None:
            wait_sec = max(0.0, at - monotonic())
            loop = asyncio.get_running_loop()
            self._deadlines[name] = loop.call_later(wait_sec, self._receive, do.DeadlinePassed(name))

    def _save(self, action: do.Save) -> None:
        item = action.item
        make_clip = self._clips.heard(item.id, action.pcm) if action.pcm else None
        if item.response_id:
            item.engines = {"llm": self._spec.label()}
        elif item.is_audio and item.role == "user":
            item.engines = {"stt": f"{self._spec.provider}:{self._transcription_model}"}
        if action.is_final:
            metrics.turn(item)
            make_clip = self._clips.kept(item.response_id)
        done = self._writer.put(Put(item, action.after, make_clip))
        if not action.in_background:
            self._outbox.wait_for(done)

    @property
    def _transcription_model(self) -> str:
        shown = self.machine.core.config["audio"]["input"]["transcription"] or {}
        return str(shown.get("model") or self._spec.stream_model)

    def _give_up(self, code: int, error_code: str, message: str) -> None:
        """Nothing may be told of what is not stored."""
        self._outbox.abandon()
        self.close(code, error_code, message)


def is_final(failure: EngineError) -> bool:
    """The next try would fail alike."""
    is_quota = isinstance(failure, EngineQuotaError) and not isinstance(failure, EngineBusy)
    return is_quota or isinstance(failure, EngineAuthError | EngineRejected)


def _config(opened: store.Opened, spec: EngineSpec, model: str, expires_at: int) -> Config:
    slowest, fastest = RANGES["audio.output.speed"]
    return default_config(
        session_id=make_id("sess"),
        model=model or opened.assistant_slug,
        instructions=opened.instructions,
        voice=spec.voice,
        stt_model=spec.stream_model,
        language=opened.language,
        speed=min(max(opened.speed, slowest), fastest),
        expires_at=expires_at,
    )
