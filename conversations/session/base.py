"""The client's end of a live session, whatever answers it: frames in, frames out, deadlines, and what is stored."""

import asyncio
import json
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, Protocol, TypeVar

from openai.types import realtime as sdk

from conversations import metrics
from conversations.audio.wire_formats import InputAudio, OutputAudio, bytes_per_ms, decode_item_audio, is_pcm
from conversations.close_codes import INTERNAL_ERROR, NO_STATUS, NORMAL, POLICY_VIOLATION, error_type
from conversations.realtime import commands, engine_events, figures
from conversations.realtime.deadlines import Deadline
from conversations.realtime.protocol.beta import Beta
from conversations.realtime.protocol.client_events import AudioAppend, ClientEvent, parse
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.ids import make_id
from conversations.realtime.replay.recorded_machine import Entries
from conversations.realtime.state import Core
from conversations.session import recording
from conversations.session.inbox import MAX_FRAME_BYTES, FrameTooLargeError, Inbox, TooFastError
from conversations.session.outbox import Outbox, OutboxFullError
from conversations.storage import store
from conversations.storage.leases import TakenOverError
from conversations.storage.recorder import Recorder

log = logging.getLogger(__name__)

ERROR = json.dumps({"type": "error"})[:-1]  # how its frame begins, in each dialect
BROKEN = "The server had a problem; its log says why. Connect again to continue."
TOO_FAST = "Frames come faster than they can be handled. Send audio at the pace of speech."
DRAIN_SEC = 8.0  # after the client has gone: well below what the server waits for it, see CLOSE_TIMEOUT_SEC there
WORDS_SEC = 6.0  # of that for the last words to come; the rest is for storing
# Where another session waits for the conversation: what is not stored before it takes it by force is lost.
HURRIED_WORDS_SEC = 1.5
GOODBYES = (NORMAL, NO_STATUS)  # a close that the client meant; 1001 is a tab that was shut, 1006 a lost network


class Machine(Entries, Protocol):
    """Decides. Its actions beyond those that every line performs are `_do`'s."""

    core: Core


AnyMachine = TypeVar("AnyMachine", bound=Machine)


class Session(ABC):
    """`feed` frames while `run` runs. `send` puts a text frame on the socket, `close_socket` ends it with a code.

    Who inherits sets `machine` and `_record`, performs its own actions in `_do`, and runs.
    """

    machine: Machine
    _entries: Entries  # of the machine; where calls are recorded, by way of the recording
    _record: Recorder

    def __init__(
        self,
        opened: store.Opened,
        send: Callable[[str], Awaitable[None]],
        close_socket: Callable[[int], Awaitable[None]],
        dialect: Beta | None,
        *,
        is_paced: bool = True,
    ) -> None:
        self.opened = opened
        self._dialect = dialect
        self._close_socket = close_socket
        self._inbox = Inbox()
        self._input, self._output = InputAudio(), OutputAudio()
        self._outbox = Outbox(send, is_paced=is_paced)
        self._deadlines: dict[Deadline, asyncio.TimerHandle] = {}
        self._close_code = NORMAL
        self._words_sec = WORDS_SEC
        self._client_left = self._has_vanished = self._is_broken = self._is_over = False
        self._recording: recording.SessionRecording | None = None

    def _build_machine(self, machine_type: Callable[..., AnyMachine], arguments: dict[str, Any]) -> AnyMachine:
        """Build the machine, and record from here on what goes into it, where the site records calls."""
        self._recording = recording.begin(self.opened)
        if self._recording is None:
            self._entries = machine = machine_type(make_id=make_id, **arguments)
        else:
            machine = machine_type(make_id=self._recording.make_id, **arguments)
            self._entries = self._recording.record(machine, arguments)
        return machine

    @abstractmethod
    async def run(self) -> None:
        """Lives until the client hangs up or `close`; what was said by then is stored when it returns."""

    @asynccontextmanager
    async def _lifetime(self) -> AsyncIterator[asyncio.TaskGroup]:
        """Own the session's tasks. Once it is over, cut short or not, nothing that comes in late is acted upon."""
        try:
            async with asyncio.TaskGroup() as group:
                try:
                    yield group
                finally:
                    self._is_over = True
                    self._forget_deadlines()
        finally:
            await self._record.end()
            if self._recording:
                await self._recording.end()

    # The consumer's side.

    def feed(self, frame: str | bytes) -> None:
        """Takes a frame; never waits, since the consumer must go on to hear a disconnect."""
        try:
            self._inbox.put(frame)
        except FrameTooLargeError as error:
            message = f"The frame has {error} bytes; the most is {MAX_FRAME_BYTES}. Send audio in smaller appends."
            self._refuse(ProtocolError("frame_too_large", message))
        except TooFastError:
            self.close(POLICY_VIOLATION, "input_too_fast", TOO_FAST)

    def hang_up(self, code: int) -> None:
        """The client is gone; `code` is the close code of its socket."""
        self._client_left = True
        self._has_vanished = code not in GOODBYES
        self._inbox.end()

    def close(self, code: int, error_code: str, message: str, *, hears_out: bool = False) -> None:
        """The server ends the session and says why. `hears_out`: what was said and waits to be read still counts."""
        if self.is_ending or self._is_over:
            return
        self._close_code = code
        if error_code == TakenOverError.code:
            self._words_sec = HURRIED_WORDS_SEC
        self._refuse(ProtocolError(error_code, message), error_type(code))
        if hears_out:
            self._inbox.end()
        else:
            self._inbox.cut()  # answers to what waits would push out the error

    @property
    def is_ending(self) -> bool:
        """Whether it only stores what was said: its client has left, or was told to go."""
        return self._client_left or self._close_code != NORMAL

    # Frames in.

    async def _read_frames(self) -> None:
        translate = self._dialect.client if self._dialect else None
        async for frame in self._inbox.frames():
            try:
                await self._read(AudioAppend(frame) if isinstance(frame, bytes) else parse(frame, translate))
            except ProtocolError as error:
                self._refuse(error)
            except TooFastError:
                self.close(POLICY_VIOLATION, "input_too_fast", TOO_FAST)

    async def _read(self, event: ClientEvent) -> None:
        audio = self.machine.core.config["audio"]
        kind = audio["input"]["format"]["type"]
        if isinstance(event, sdk.ConversationItemCreateEvent) and not is_pcm(audio):
            self._inbox.hear(await asyncio.to_thread(decode_item_audio, event, audio))
        pieces = self._inbox.slices(event, bytes_per_ms(kind)) if isinstance(event, AudioAppend) else [event]
        for place, piece in enumerate(pieces):
            if place:
                await asyncio.sleep(0)
            for one in self._input.read(piece, kind):
                self._receive(one)

    # The one edge for all that comes in: frames, what engines and tools bring, deadlines.

    def _receive(self, event: Any) -> None:
        if not self._is_over:
            self._guard(self._take, event)

    def _refuse(self, error: ProtocolError, kind: str = "invalid_request_error") -> None:
        self._guard(lambda: self._perform(self._entries.refuse(error, kind)))

    def _guard(self, work: Callable[..., None], *given: Any) -> None:
        """End the session at a defect of what decides or performs, and say so once to the log and to the client."""
        try:
            work(*given)
        except Exception:  # the outermost edge: whoever reports could do nothing about it
            if not self._is_broken:
                self._is_broken = True
                log.exception("a session failed in conversation %s", self.opened.public_id)
                self.close(INTERNAL_ERROR, "internal_error", BROKEN)

    def _take(self, event: Any) -> None:
        """Within the edge: what is decided while a decision is performed."""
        self._perform(self._entries.receive(event, monotonic()))

    async def _hear_the_last(self) -> None:
        """The client has gone, or is to go: what it said is whole, and it is sent what there is for it."""
        for last in self._input.flush():
            self._receive(last)
        self._receive(engine_events.ClientGone(self._has_vanished))
        if not self._client_left:
            await self._outbox.flush(timeout_sec=2.0)
            await self._close_socket(self._close_code)

    # What the machine decides.

    def _perform(self, actions: Sequence[Any]) -> None:
        for action in actions:
            match action:
                case commands.Send(event):
                    self._send(event)
                case commands.Save():
                    self._save(action)
                case commands.Remove(item_id):
                    self._record.drop(item_id)
                case commands.KeepAudio(response_id, pcm):
                    self._record.add_reply_audio(response_id, pcm)
                case commands.SetDeadline(deadline, at):
                    self._set_deadline(deadline, at)
                case figures.Tally() | figures.Discard() | figures.Played():
                    metrics.observe_figure(action)
                case _:
                    self._do(action)

    @abstractmethod
    def _do(self, action: Any) -> None:
        """Performs an action that only machines of this kind decide."""

    def _send(self, event: dict[str, Any]) -> None:
        if event["type"] == "response.done":
            metrics.count_response(event["response"]["status"])
        if self._client_left:
            return
        try:
            for one in self._output.encode_event(event):
                if told := self._dialect.server(one) if self._dialect else one:
                    self._outbox.put(json.dumps(told))
        except OutboxFullError:
            self._outbox.abandon()
            self.close(POLICY_VIOLATION, "output_too_slow", "The client asks for more than it reads.")

    def _set_deadline(self, deadline: Deadline, at: float | None) -> None:
        if timer := self._deadlines.pop(deadline, None):
            timer.cancel()
        if at is not None:
            loop = asyncio.get_running_loop()
            wait_sec = max(0.0, at - monotonic())
            self._deadlines[deadline] = loop.call_later(wait_sec, self._receive, engine_events.DeadlinePassed(deadline))

    def _forget_deadlines(self) -> None:
        for timer in self._deadlines.values():
            timer.cancel()

    def _save(self, action: commands.Save) -> None:
        done = self._record.save(action)
        if done is not None and not action.in_background:
            self._outbox.wait_for(done)

    def _give_up(self, code: int, error_code: str, message: str) -> None:
        """Nothing may be told of what is not stored; errors tell of none, and one may say already why this ends."""
        if self._outbox.is_sealed:
            return
        for frame in self._outbox.abandon():
            if frame.startswith(ERROR):
                self._outbox.put(frame)
        self.close(code, error_code, message)
        self._outbox.seal()

    async def _tell_of_storage(self, message: str, *, is_late: bool) -> None:
        """Ahead of the frames that wait, since they wait for the storage."""
        if self._client_left or not self.machine.core.has("storage"):
            return
        status = "delayed" if is_late else "recovered"
        event = {"type": "session.storage", "event_id": make_id("event"), "status": status, "message": message}
        if told := self._dialect.server(event) if self._dialect else event:
            await self._outbox.send_now(json.dumps(told))
