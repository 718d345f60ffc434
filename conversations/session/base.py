"""What every live session does, whichever engines answer it: read frames, send frames, keep deadlines, store items."""

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
from conversations.realtime import commands, engine_events, measurements
from conversations.realtime.deadlines import Deadline
from conversations.realtime.protocol.beta import BetaDialect
from conversations.realtime.protocol.client_events import AudioAppend, ClientEvent, parse_event
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.ids import make_id
from conversations.realtime.replay.recorded_machine import Entries
from conversations.realtime.state import SessionState
from conversations.session import recording
from conversations.session.inbox import MAX_FRAME_BYTES, FrameTooLargeError, Inbox, TooFastError
from conversations.session.outbox import Outbox, OutboxFullError
from conversations.storage import store
from conversations.storage.leases import TakenOverError
from conversations.storage.recorder import Recorder

log = logging.getLogger(__name__)

ERROR = json.dumps({"type": "error"})[:-1]  # how the frame of an error begins, in each dialect
BROKEN = "The server failed; its log says why. Connect again to go on."
TOO_FAST = "Frames come faster than they can be handled. Send audio at the pace of speech."
DRAIN_SEC = 8.0  # to transcribe and store the last words; well below the server's CLOSE_TIMEOUT_SEC
WORDS_SEC = 6.0  # the part of it in which the last transcripts may come; the rest is for storing
# The same if another session waits for the conversation: it soon takes it by force, and what is unstored then is lost.
HURRIED_WORDS_SEC = 1.5
GOODBYES = (NORMAL, NO_STATUS)  # a client that ends the call itself; 1001 is a closed tab, 1006 a lost network


class Machine(Entries, Protocol):
    """The pure machine that decides what the session does. The session performs its commands."""

    @property
    def state(self) -> SessionState[Any]:
        """The session's state, which the machine keeps."""


AnyMachine = TypeVar("AnyMachine", bound=Machine)


class Session(ABC):
    """The live run of a conversation over one transport.

    The transport calls `feed` with each frame while `run` runs. `send` sends a text frame to the client, and
    `close_socket` closes the connection with a close code. A subclass sets `machine` and `_record`, performs the
    commands of its own machine in `_perform_own`, and implements `run`.
    """

    machine: Machine
    _entries: Entries  # of the machine; where calls are recorded, by way of the recording
    _record: Recorder

    def __init__(
        self,
        opened: store.Opened,
        send: Callable[[str], Awaitable[None]],
        close_socket: Callable[[int], Awaitable[None]],
        dialect: BetaDialect | None,
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
        """Run until the client hangs up or `close` is called, and return when what was said is stored."""

    @asynccontextmanager
    async def _lifetime(self) -> AsyncIterator[asyncio.TaskGroup]:
        """Own the session's tasks. Once it is over, also if it was cut short, later events are ignored."""
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

    # The transport's side.

    def feed(self, frame: str | bytes) -> None:
        """Take a frame without waiting, so that the transport can notice a disconnect."""
        try:
            self._inbox.put(frame)
        except FrameTooLargeError as error:
            message = f"The frame has {error} bytes; the most is {MAX_FRAME_BYTES}. Send audio in smaller appends."
            self._refuse(ProtocolError("frame_too_large", message))
        except TooFastError:
            self.close(POLICY_VIOLATION, "input_too_fast", TOO_FAST)

    def hang_up(self, code: int) -> None:
        """End the session since the client is gone; `code` is the close code of its socket."""
        self._client_left = True
        self._has_vanished = code not in GOODBYES
        self._inbox.end()

    def close(self, code: int, error_code: str, message: str, *, drains_input: bool = False) -> None:
        """End the session with an error that says why. With `drains_input` the frames that wait are still read."""
        if self.is_ending or self._is_over:
            return
        self._close_code = code
        if error_code == TakenOverError.code:
            self._words_sec = HURRIED_WORDS_SEC
        self._refuse(ProtocolError(error_code, message), error_type(code))
        if drains_input:
            self._inbox.end()
        else:
            self._inbox.discard()  # answers to the waiting frames would come before the error

    @property
    def is_ending(self) -> bool:
        """Whether the session only stores what was said: the client has left or was told to."""
        return self._client_left or self._close_code != NORMAL

    # Frames in.

    async def _read_frames(self) -> None:
        translate = self._dialect.translate_client_event if self._dialect else None
        async for frame in self._inbox.read_frames():
            try:
                await self._read(AudioAppend(frame) if isinstance(frame, bytes) else parse_event(frame, translate))
            except ProtocolError as error:
                self._refuse(error)
            except TooFastError:
                self.close(POLICY_VIOLATION, "input_too_fast", TOO_FAST)

    async def _read(self, event: ClientEvent) -> None:
        """Pass an event of the client to the machine, long audio in slices of a second."""
        config = self.machine.state.config
        kind = config.input.format
        if isinstance(event, sdk.ConversationItemCreateEvent) and not is_pcm(config):
            self._inbox.count_audio(await asyncio.to_thread(decode_item_audio, event, config))
        pieces = self._inbox.slice_audio(event, bytes_per_ms(kind)) if isinstance(event, AudioAppend) else [event]
        for place, piece in enumerate(pieces):
            if place:
                await asyncio.sleep(0)
            for one in self._input.read(piece, kind):
                self._receive(one)

    # All events come in here: frames, what engines and tools bring, deadlines.

    def _receive(self, event: Any) -> None:
        if not self._is_over:
            self._guard(self._handle, event)

    def _refuse(self, error: ProtocolError, kind: str = "invalid_request_error") -> None:
        self._guard(lambda: self._perform(self._entries.refuse(error, kind)))

    def _guard(self, work: Callable[..., None], *given: Any) -> None:
        """Run `work`; if it raises, end the session, log it once, and tell the client."""
        try:
            work(*given)
        except Exception:  # the outermost edge: the caller could do nothing about it
            if not self._is_broken:
                self._is_broken = True
                log.exception("a session failed in conversation %s", self.opened.public_id)
                self.close(INTERNAL_ERROR, "internal_error", BROKEN)

    def _handle(self, event: Any) -> None:
        """Have the machine decide on an event, inside `_guard`, also while a command is being performed."""
        self._perform(self._entries.receive(event, monotonic()))

    async def _take_last_input(self) -> None:
        """Take the end of the audio, tell the machine that the client is gone, and send what waits for the client."""
        for last in self._input.flush():
            self._receive(last)
        self._receive(engine_events.ClientGone(self._has_vanished))
        if not self._client_left:
            await self._outbox.flush(timeout_sec=2.0)
            await self._close_socket(self._close_code)

    # What the machine decides.

    def _perform(self, decided: Sequence[Any]) -> None:
        for command in decided:
            match command:
                case commands.Send(event):
                    self._send(event)
                case commands.Save():
                    self._save(command)
                case commands.Remove(item_id):
                    self._record.drop(item_id)
                case commands.KeepAudio(response_id, pcm):
                    self._record.add_reply_audio(response_id, pcm)
                case commands.SetDeadline(deadline, at):
                    self._set_deadline(deadline, at)
                case measurements.DecisionOutcome() | measurements.DiscardedUsage() | measurements.PlaybackLatency():
                    metrics.record_measurement(command)
                case _:
                    self._perform_own(command)

    @abstractmethod
    def _perform_own(self, command: Any) -> None:
        """Perform a command that only machines of this kind decide on."""

    def _send(self, event: dict[str, Any]) -> None:
        if event["type"] == "response.done":
            metrics.count_response(event["response"]["status"])
        if self._client_left:
            return
        try:
            for one in self._output.encode_event(event):
                if told := self._dialect.translate_server_event(one) if self._dialect else one:
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

    def _save(self, command: commands.Save) -> None:
        done = self._record.save(command)
        if done is not None and not command.in_background:
            self._outbox.wait_for(done)

    def _end_unstored(self, code: int, error_code: str, message: str) -> None:
        """End the session since storing failed, and send nothing about items that are not stored.

        Errors that wait are still sent: one of them may say why the session ends.
        """
        if self._outbox.is_sealed:
            return
        for frame in self._outbox.abandon():
            if frame.startswith(ERROR):
                self._outbox.put(frame)
        self.close(code, error_code, message)
        self._outbox.seal()

    async def _send_storage_status(self, message: str, *, is_late: bool) -> None:
        """Tell the client that storing is late, or on time again, ahead of the frames that wait for it."""
        if self._client_left or not self.machine.state.has_extension("storage"):
            return
        status = "delayed" if is_late else "recovered"
        event = {"type": "session.storage", "event_id": make_id("event"), "status": status, "message": message}
        if told := self._dialect.translate_server_event(event) if self._dialect else event:
            await self._outbox.send_now(json.dumps(told))
