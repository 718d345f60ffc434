"""What every live session does, whichever engines answer it: read frames, send frames, store items, and end."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from conversations import metrics
from conversations.close_codes import INTERNAL_ERROR, NORMAL, POLICY_VIOLATION, get_error_type
from conversations.realtime import commands, engine_events, measurements
from conversations.realtime.protocol.beta import BetaDialect
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.ids import make_id
from conversations.session import recording, turn_traces
from conversations.session.dispatch.deadline_timers import DeadlineTimers
from conversations.session.dispatch.dispatch_queue import AnyMachine, DispatchQueue, Machine
from conversations.session.dispatch.error_boundary import BoundaryTaskGroup, ErrorBoundary
from conversations.session.dispatch.inbox import FrameTooLargeError, Inbox, TooFastError
from conversations.session.dispatch.outbox import Outbox, OutboxFullError
from conversations.session.endings import BROKEN, DRAIN_SEC, GOODBYES, HURRIED_WORDS_SEC, TOO_FAST, WORDS_SEC
from conversations.storage import store
from conversations.storage.leases import TakenOverError
from conversations.storage.recorder import Recorder


class Session(ABC):
    """The live run of a conversation over one transport.

    The transport calls `feed` with each frame while `run` runs. `send` sends a text frame to the client, and
    `close_socket` closes the connection with a close code. A subclass sets `machine` and `_record`, performs the
    commands of its own machine in `_perform_own`, and runs its engines. All of it runs inside `error_boundary`.
    """

    machine: Machine
    _record: Recorder

    def __init__(
        self,
        opened: store.OpenedConversation,
        send: Callable[[str], Awaitable[None]],
        close_socket: Callable[[int], Awaitable[None]],
        dialect: BetaDialect | None,
        *,
        is_paced: bool = True,
    ) -> None:
        self.opened = opened
        self.error_boundary = ErrorBoundary(
            opened.public_id, lambda: self.close(INTERNAL_ERROR, "internal_error", BROKEN)
        )
        self._close_socket = close_socket
        self._inbox, self._outbox = Inbox(dialect), Outbox(send, dialect, is_paced=is_paced)
        self._dispatch = DispatchQueue(self._perform, self.error_boundary)
        self._deadlines = DeadlineTimers(self._dispatch.receive)
        self._close_code, self._words_sec, self._client_left = NORMAL, WORDS_SEC, False
        self._departure = engine_events.ClientGone(vanished=False)  # how the client left; so if it was told to
        self.detached_at: float | None = None  # when the connection was lost, of a client that may come back
        self._recording: recording.SessionRecording | None = None

    def _build_machine(self, machine_type: Callable[..., AnyMachine], arguments: dict[str, Any]) -> AnyMachine:
        """Build the machine, and record from here on what goes into it, where the site records calls."""
        self._recording = recording.begin(self.opened)
        machine = machine_type(make_id=self._recording.make_id if self._recording else make_id, **arguments)
        self._dispatch.machine = self._recording.record(machine, arguments) if self._recording else machine
        self._traces = turn_traces.begin(self.opened, machine.state.config)
        return machine

    async def run(self) -> None:
        """Run until the client hangs up or `close` is called, and return when what was said is stored."""
        async with self._own_tasks() as group:
            helpers = [group.create_task(work) for work in (self._record.run(), self._send_frames())]
            self._dispatch.start()
            with self.error_boundary:
                await self._begin_engines(group)
            await self._read_frames()
            await self._take_last_input()
            await self._drain()
            with self.error_boundary:
                await self._end_engines()
            for task in helpers:
                task.cancel()

    @asynccontextmanager
    async def _own_tasks(self) -> AsyncIterator[BoundaryTaskGroup]:
        """Own the session's tasks. Once it is over, also if it was cut short, later events are ignored."""
        try:
            async with BoundaryTaskGroup(self.error_boundary) as group:
                try:
                    yield group
                finally:
                    self._dispatch.stop()
                    self._deadlines.cancel_all()
        finally:
            await self._record.end()
            if self._recording:
                await self._recording.end()
            self._traces.end()

    @abstractmethod
    async def _begin_engines(self, group: asyncio.TaskGroup) -> None:
        """Begin the engines' tasks, in `group`, and return once frames can be read."""

    @abstractmethod
    async def _await_words(self) -> None:
        """Wait until the last words are transcribed. The caller sets a timeout."""

    @abstractmethod
    async def _end_engines(self) -> None:
        """End the engines' tasks, once all is stored."""

    # The transport's side.

    def feed(self, frame: str | bytes) -> None:
        """Take a frame without waiting, so that the transport can notice a disconnect. One alone is handled at once."""
        try:
            self._inbox.take(frame, self.machine.state.config, self._dispatch)
        except FrameTooLargeError as error:
            self._dispatch.refuse(ProtocolError("frame_too_large", str(error)))
        except TooFastError:
            self.close(POLICY_VIOLATION, "input_too_fast", TOO_FAST)

    def hang_up(self, code: int, gone_at: float | None = None) -> None:
        """End the session since the client is gone, with the close code of its socket; `gone_at` is since when."""
        self._client_left = True
        self._departure = engine_events.ClientGone(code not in GOODBYES, gone_at)
        self._inbox.end()

    def close(self, code: int, error_code: str, message: str, *, drains_input: bool = False) -> None:
        """End the session with an error that says why. With `drains_input` the frames that wait are still read."""
        if self.is_ending or self._dispatch.is_over:
            return
        self._close_code = code
        if error_code == TakenOverError.code:
            self._words_sec = HURRIED_WORDS_SEC
        if drains_input:
            self._inbox.end()
        else:  # answers to what waits would come before the error
            self._inbox.discard_frames()
            self._dispatch.discard_inputs()
        self._dispatch.refuse(ProtocolError(error_code, message), get_error_type(code))

    def announce_end(self, error_code: str, message: str) -> None:
        """Tell a client that may come back that the session ends once its turn is over."""
        if self.machine.state.has_extension("resume"):
            self._send({"type": "session.ending", "event_id": make_id("event"), "code": error_code, "message": message})

    @property
    def is_ending(self) -> bool:
        """Return whether the session only stores what was said: the client has left or was told to."""
        return self._client_left or self._close_code != NORMAL

    # What the machine receives.

    async def _read_frames(self) -> None:
        with self.error_boundary:
            async for frame in self._inbox.read_frames():
                try:
                    await self._inbox.read_events(frame, self.machine.state.config, self._dispatch)
                except ProtocolError as error:
                    self._dispatch.refuse(error)
                except TooFastError:
                    self.close(POLICY_VIOLATION, "input_too_fast", TOO_FAST)
                await self._dispatch.settle()  # how the next frame is to be read may depend on this one

    async def _take_last_input(self) -> None:
        """Take the end of the audio, tell the machine that the client is gone, and send what waits for the client."""
        with self.error_boundary:
            self._inbox.read_last_audio(self._dispatch.receive)
        self._dispatch.receive(self._departure)
        await self._dispatch.settle()
        if not self._client_left:
            await self._outbox.flush(timeout_sec=2.0)
            await self._close_socket(self._close_code)

    async def _drain(self) -> None:
        """Have the last words transcribed and stored."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SEC):
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._words_sec):
                        with self.error_boundary:
                            await self._await_words()
                self._dispatch.end()
                await self._record.join()

    # What the machine decides.

    def _perform(self, command: Any) -> None:
        self._traces.see(command)
        match command:
            case commands.Send(event):
                self._send(event)
            case commands.Save():
                self._save(command)
            case commands.Remove(item_id):
                self._record.drop(item_id)
            case commands.KeepAudio(response_id, pcm):
                self._record.add_response_audio(response_id, pcm)
            case commands.KeepUserAudio(item_id, pcm):
                self._record.keep_user_audio(item_id, pcm)
            case commands.DropUserAudio(item_id):
                self._record.drop_user_audio(item_id)
            case commands.SetDeadline(deadline, at):
                self._deadlines.set(deadline, at)
            case measurements.DecisionOutcome() | measurements.DiscardedUsage() | measurements.PlaybackLatency():
                metrics.record_measurement(command)
            case _:
                self._perform_own(command)

    @abstractmethod
    def _perform_own(self, command: Any) -> None:
        """Perform a command that only machines of this kind decide on."""

    def _send(self, event: dict[str, Any]) -> None:
        if self._client_left:
            return
        try:
            self._outbox.put_event(event)
        except OutboxFullError:
            self._outbox.abandon()
            self.close(POLICY_VIOLATION, "output_too_slow", "The client asks for more than it reads.")

    async def _send_frames(self) -> None:
        """Send what the outbox holds until cancelled; a frame with a defect is left out, and the error still sent."""
        while True:
            with self.error_boundary:
                await self._outbox.run()

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
        self._outbox.keep_errors()
        self.close(code, error_code, message)
        self._outbox.seal()

    async def _send_storage_status(self, message: str, *, is_late: bool) -> None:
        """Tell the client that storing is late, or on time again, ahead of the frames that wait for it."""
        if self.machine.state.has_extension("storage") and not self._client_left:
            news = {"status": "delayed" if is_late else "recovered", "message": message}
            with self.error_boundary:
                await self._outbox.send_event_now({"type": "session.storage", "event_id": make_id("event"), **news})
