"""The driver of a session that speech to speech answers: performs what `realtime.relaying` decides.

To the consumer it is what `session.Session` is. It owns every task of the session; `upstream` keeps its connection.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic
from typing import Any

from django.conf import settings
from openai.types import realtime as sdk

from conversations import metrics, store
from conversations.engine_choice import EngineSet
from conversations.engines.base import EngineError, EngineSpec
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
from conversations.realtime.relaying.actions import Reconnect, Tell
from conversations.realtime.relaying.machine import Action, Relaying
from conversations.realtime.semantics import PATIENCE_EAGERNESS
from conversations.realtime.session_checks import RANGES, Config
from conversations.realtime.session_config import default_config, updated
from conversations.record import Record
from conversations.session import DRAIN_SEC, GOODBYES, TOO_FAST
from conversations.upstream import Upstream, is_final
from conversations.wire_audio import InputAudio, OutputAudio, bytes_per_ms, is_pcm, read_item

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
        self._upstream = Upstream(make_s2s(spec), self._receive, self._give_up_upstream)
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
        self._record = Record(opened, self._stt_label, self._give_up, spec)
        self._deadlines: dict[str, asyncio.TimerHandle] = {}
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
                helpers = [group.create_task(work) for work in (self._record.run(), self._outbox.run())]
                self._perform(self.machine.start(monotonic()))
                helpers.append(group.create_task(self._upstream.run()))
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
                    await self._upstream.news()
                await self._record.join()
        for timer in self._deadlines.values():
            timer.cancel()

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
                    self._upstream.tell(event)
                case Reconnect():
                    self._upstream.leave()
                case do.Send(event):
                    self._send(event)
                case do.Save():
                    self._save(action)
                case do.Remove(item_id):
                    self._record.drop(item_id)
                case do.Keep(response_id, pcm):
                    self._record.keep(response_id, pcm)
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
        done = self._record.save(action)
        if done is not None and not action.in_background:
            self._outbox.wait_for(done)

    def _stt_label(self, _: str) -> str:
        shown = self.machine.core.config["audio"]["input"]["transcription"] or {}
        return f"{self._spec.provider}:{shown.get('model') or self._spec.stream_model}"

    def _give_up_upstream(self, failure: EngineError) -> None:
        self.close(POLICY if is_final(failure) else BUSY, failure.code, failure.message)

    def _give_up(self, code: int, error_code: str, message: str) -> None:
        """Nothing may be told of what is not stored."""
        self._outbox.abandon()
        self.close(code, error_code, message)


def _config(opened: store.Opened, spec: EngineSpec, model: str, expires_at: int) -> Config:
    slowest, fastest = RANGES["audio.output.speed"]
    config = default_config(
        session_id=make_id("sess"),
        model=model or opened.assistant_slug,
        instructions=opened.instructions,
        voice=spec.voice,
        stt_model=spec.stream_model,
        language=opened.language,
        speed=min(max(opened.speed, slowest), fastest),
        expires_at=expires_at,
    )
    return updated(config, opened.caller.session, audio_sent=False)
