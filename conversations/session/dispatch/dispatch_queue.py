"""Everything that a session's machine receives, one input after another."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
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


Input = Callable[[], Sequence[Any]]
"""A call of the machine, which returns the commands that it decides on."""
AnyMachine = TypeVar("AnyMachine", bound=Machine)


class Place:
    """A place in the queue for what a command leads to later. `at` is when the command was performed."""

    def __init__(self) -> None:
        self.at = monotonic()


class DispatchQueue:
    """Give each input to the machine, and perform what it decides before the next input has its turn.

    An input is handled at once, in the caller's own step of the event loop, so it costs no wait. Only one that comes
    while a command is being performed waits until all commands are performed; and while a place is reserved for what a
    command leads to some ms later, such as windows of detected speech, all inputs wait behind it. So they have the
    order that they would have if nothing took time. A defect of the machine, or of what performs its commands, ends the
    session by way of `error_boundary`. `machine` must be set before the first input comes; where calls are recorded it
    is what records the inputs.
    """

    machine: EntryPoints

    def __init__(self, perform: Callable[[Any], None], error_boundary: ErrorBoundary) -> None:
        self._perform = perform
        self._error_boundary = error_boundary
        self._waiting: deque[Input | Place] = deque()
        self._caused: deque[Input | Place] = deque()  # by the commands of an input; they come before all that wait
        self._is_busy = False
        self._settled: asyncio.Future[None] | None = None
        self.is_over = False

    def start(self) -> None:
        """Have the machine open the session."""
        self._put(lambda: self.machine.start(monotonic()))

    def receive(self, event: Any) -> None:
        """Take an event: of the client, of an engine or a tool, or a deadline."""
        self._put(lambda: self.machine.receive(event, monotonic()))

    def refuse(self, error: ProtocolError, kind: str = "invalid_request_error") -> None:
        """Have the client told of an error that no event led to; `kind` is the type of the error."""
        self._put(lambda: self.machine.refuse(error, kind))

    def end(self) -> None:
        """Have the machine close what is still open, once the client is gone and the last words have had their time."""
        self._put(self.machine.end)

    def reserve(self) -> Callable[[Iterable[Any]], None]:
        """Keep a place for the events that a command leads to later, and return what takes them.

        All inputs that come meanwhile wait behind them.
        """
        place = Place()
        self._caused.append(place)
        return partial(self._fill, place)

    @property
    def is_waiting(self) -> bool:
        """Return whether inputs wait, or events that have a place."""
        return bool(self._caused or self._waiting)

    async def settle(self) -> None:
        """Wait until all inputs so far are handled."""
        while self.is_waiting and not self.is_over:
            self._settled = asyncio.get_running_loop().create_future()
            await self._settled

    async def make_way(self) -> None:
        """Let other sessions run, and then wait until all inputs so far are handled."""
        await asyncio.sleep(0)
        await self.settle()

    def discard_inputs(self) -> None:
        """Drop the inputs that wait, since the session ends: answers to them would come before the error."""
        self._caused.clear()
        self._waiting.clear()
        self._tell_settled()

    def stop(self) -> None:
        """Ignore all further inputs: the session is over, and its tasks are gone."""
        self.is_over = True
        self._tell_settled()

    def _put(self, decide: Input) -> None:
        if self.is_over:
            return
        (self._caused if self._is_busy else self._waiting).append(decide)
        self._handle_inputs()

    def _fill(self, place: Place, events: Iterable[Any]) -> None:
        if self.is_over or not self._caused or self._caused[0] is not place:
            return  # it was discarded
        self._caused.popleft()
        inputs = [partial(self.machine.receive, event, place.at) for event in events]
        self._caused.extendleft(reversed(inputs))
        self._handle_inputs()

    def _handle_inputs(self) -> None:
        """Handle what waits, up to a place that is reserved."""
        if self._is_busy:
            return
        self._is_busy = True
        try:
            while waiting := self._caused or self._waiting:
                decide = waiting[0]
                if isinstance(decide, Place):
                    return
                waiting.popleft()
                try:
                    for command in decide():
                        self._perform(command)
                except Exception as error:  # a defect, which ends the session
                    self._error_boundary.fail(error)
        finally:
            self._is_busy = False
        self._tell_settled()

    def _tell_settled(self) -> None:
        if self._settled is not None and not self._settled.done():
            self._settled.set_result(None)
