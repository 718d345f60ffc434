"""Play a recording through the machine: the same inputs, times and ids, hence the same decisions."""

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from conversations.realtime.replay.recorded_machine import EntryPoints
from conversations.realtime.replay.recording import Recording, Step
from conversations.realtime.replay.serialization import MACHINES


@dataclass(frozen=True, slots=True)
class Decided:
    """What the machine decided in a step. `raised` is the error that ended the step, or ""."""

    number: int
    step: Step
    actions: Sequence[Any]
    raised: str = ""


class _Ids:
    """Give out the ids of the recording; others, by number, where the machine asks for what it did not ask then."""

    def __init__(self) -> None:
        self._left: dict[str, deque[str]] = {}  # by prefix
        self._made = 0

    def load(self, ids: Sequence[str]) -> None:
        """Take the ids that were made in the next step."""
        self._left = defaultdict(deque)
        for one in ids:
            self._left[one.rpartition("_")[0]].append(one)

    def make_id(self, prefix: str) -> str:
        if left := self._left.get(prefix):
            return left.popleft()
        self._made += 1
        return f"{prefix}_new{self._made}"


def play(recording: Recording) -> Iterator[Decided]:
    """Yield what the machine decides, step by step. Raise BrokenRecordingError."""
    ids = _Ids()
    machine: EntryPoints = MACHINES[recording.head.machine](make_id=ids.make_id, **recording.head.arguments)
    for number, step in enumerate(recording.steps, 1):
        ids.load(step.ids)
        actions: Sequence[Any] = ()
        raised = ""
        try:
            actions = _enter(machine, step, recording.head.clock + step.at)
        except Exception as error:  # an error boundary: a defect is what one is looking for, and the call went on
            raised = f"{type(error).__name__}: {error}"
        yield Decided(number, step, actions, raised)


def _enter(machine: EntryPoints, step: Step, now: float) -> Sequence[Any]:
    match step.entry:
        case "start":
            return machine.start(now)
        case "receive":
            return machine.receive(step.given, now)
        case "refuse":
            return machine.refuse(step.given, step.kind)
        case "end":
            return machine.end()
