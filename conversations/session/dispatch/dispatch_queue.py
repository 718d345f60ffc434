"""Everything that a session's machine receives, one input after another."""

from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, Protocol, TypeVar

from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.replay.recorded_machine import EntryPoints
from conversations.realtime.state import SessionState
from conversations.session.dispatch.error_boundary import ErrorBoundary


class Machine(EntryPoints, Protocol):
    """The pure machine that decides what the session does. The session performs its commands."""

    @property
    def state(self) -> SessionState[Any]:
        """The session's state, which the machine keeps."""

    @property
    def is_in_turn(self) -> bool:
        """Whether somebody speaks, waits for an answer, or is answered."""


AnyMachine = TypeVar("AnyMachine", bound=Machine)


class DispatchQueue:
    """Give each input to the machine, and perform what it decides before the next input has its turn.

    An input is handled at once, in the caller's own step of the event loop, so it costs no wait. Only one that comes
    while a command is being performed, such as a window of detected speech, waits until all commands are performed. A
    defect of the machine, or of what performs its commands, ends the session by way of `error_boundary`. `machine`
    must be set before the first input comes; where calls are recorded it is what records the inputs.
    """

    machine: EntryPoints

    def __init__(self, perform: Callable[[Any], None], error_boundary: ErrorBoundary) -> None:
        self._perform = perform
        self._error_boundary = error_boundary
        self._waiting: deque[tuple[Callable[..., Sequence[Any]], tuple[Any, ...]]] = deque()
        self._is_busy = False
        self.is_over = False

    def start(self) -> None:
        """Have the machine open the session."""
        self._put(self.machine.start, monotonic())

    def receive(self, event: Any) -> None:
        """Take an event: of the client, of an engine or a tool, or a deadline."""
        self._put(self.machine.receive, event, monotonic())

    def refuse(self, error: ProtocolError, kind: str = "invalid_request_error") -> None:
        """Have the client told of an error that no event led to; `kind` is the type of the error."""
        self._put(self.machine.refuse, error, kind)

    def end(self) -> None:
        """Have the machine close what is still open, once the client is gone and the last words have had their time."""
        self._put(self.machine.end)

    def discard_inputs(self) -> None:
        """Drop the inputs that wait, since the session ends: answers to them would come before the error."""
        self._waiting.clear()

    def stop(self) -> None:
        """Ignore all further inputs: the session is over, and its tasks are gone."""
        self.is_over = True

    def _put(self, decide: Callable[..., Sequence[Any]], *given: Any) -> None:
        if self.is_over:
            return
        self._waiting.append((decide, given))
        if self._is_busy:
            return
        self._is_busy = True
        try:
            while self._waiting:
                decide, given = self._waiting.popleft()
                try:
                    for command in decide(*given):
                        self._perform(command)
                except Exception as error:  # a defect, which ends the session
                    self._error_boundary.fail(error)
        finally:
            self._is_busy = False
