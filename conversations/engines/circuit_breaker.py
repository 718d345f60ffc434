"""Whether calls to an engine are worth their time now: a circuit that opens after failures, and tries again later.

Pure: the time is an argument, in seconds of a clock that only runs forwards.
"""

from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Generic, TypeVar

from conversations.engines.errors import (
    EngineAuthError,
    EngineBusy,
    EngineError,
    EngineMalformed,
    EngineQuotaError,
    EngineTimeout,
    EngineUnavailable,
)

FAIR_WAIT_SEC = 2.0  # an engine that was given less time than this, and than its own timeout, has shown nothing
K = TypeVar("K", bound=Hashable)

FORGOTTEN_SEC = 300.0  # a circuit that may be tried and is not for so long is of no interest
KEPT_OUTCOMES = 64
KEPT_CIRCUITS = 1_000


class State(Enum):
    """Closed: calls go through. Open: they are skipped. Half-open: one call is let through, to see."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class CircuitLimits:
    """When circuits open, and for how long."""

    failures: int = 3  # within the window, and at least as many as successes
    window_sec: float = 60.0
    cool_down_sec: float = 30.0  # doubled with each trial that fails
    most_cool_down_sec: float = 240.0


class Circuit:
    """The state of one engine. What calls it reports each outcome; an engine that is open may be called all the same.

    A success always closes it: whoever called it has seen that it works.
    """

    def __init__(self, limits: CircuitLimits) -> None:
        self._limits = limits
        self._outcomes: deque[tuple[float, bool]] = deque(maxlen=KEPT_OUTCOMES)  # when, and whether it was a success
        self._opened_times = 0  # without a success in between
        self._has_trial = False
        self.retry_at = 0.0  # when the cool-down ends; of no meaning while closed

    def get_state(self, now: float) -> State:
        """Return the state at this time."""
        if not self._opened_times:
            return State.CLOSED
        return State.OPEN if now < self.retry_at else State.HALF_OPEN

    @property
    def is_closed(self) -> bool:
        """Return whether calls go through as usual."""
        return not self._opened_times

    def is_in_trouble(self, now: float) -> bool:
        """Return whether it is open, or half-open and was tried lately: nobody may call this engine any more."""
        return self.get_state(now) is not State.CLOSED and now < self.retry_at + FORGOTTEN_SEC

    def admits(self, now: float) -> bool:
        """Return whether a call is worth its time: the circuit is closed, or half-open without another trial."""
        state = self.get_state(now)
        return state is State.CLOSED or (state is State.HALF_OPEN and not self._has_trial)

    def begin_trial(self, now: float) -> bool:
        """Note that a call begins, and return whether it is the trial of a half-open circuit, to be ended."""
        is_trial = self.get_state(now) is State.HALF_OPEN and not self._has_trial
        self._has_trial = self._has_trial or is_trial
        return is_trial

    def end_trial(self) -> None:
        """Note that the trial is over, whether it had an outcome or was cancelled."""
        self._has_trial = False

    def note_success(self, now: float) -> bool:
        """Note that a call brought output, and return whether this closed the circuit."""
        self._outcomes.append((now, True))
        if self.is_closed:
            return False
        self._opened_times = 0
        self._outcomes.clear()
        return True

    def note_failure(self, now: float) -> bool:
        """Note that a call failed, and return whether this opened a circuit that was closed."""
        self._outcomes.append((now, False))
        state = self.get_state(now)
        if state is State.HALF_OPEN:
            self._open(now)
        elif state is State.CLOSED and self._has_failed_too_often(now):
            self._open(now)
            return True
        return False

    def _open(self, now: float) -> None:
        limits = self._limits
        pause_sec = limits.cool_down_sec * 2 ** min(self._opened_times, 30)
        self.retry_at = now + min(pause_sec, max(limits.most_cool_down_sec, limits.cool_down_sec))
        self._opened_times += 1

    def _has_failed_too_often(self, now: float) -> bool:
        since = now - self._limits.window_sec
        lately = [is_success for at, is_success in self._outcomes if at > since]
        failures = lately.count(False)
        return failures >= self._limits.failures and failures >= lately.count(True)


class Circuits(Generic[K]):
    """The circuits of a process, by what identifies an engine. Those used longest ago are forgotten."""

    def __init__(self, limits: CircuitLimits, most: int = KEPT_CIRCUITS) -> None:
        self._limits = limits
        self._most = most
        self._circuits: OrderedDict[K, Circuit] = OrderedDict()

    def find(self, key: K) -> Circuit:
        """Return the circuit of this key, a closed one if there was none."""
        circuit = self._circuits.setdefault(key, Circuit(self._limits))
        self._circuits.move_to_end(key)
        if len(self._circuits) > self._most:
            self._forget_one()
        return circuit

    def __iter__(self) -> Iterator[tuple[K, Circuit]]:
        return iter(list(self._circuits.items()))

    def _forget_one(self) -> None:
        """Forget the closed circuit that was used longest ago, or the oldest, if the oldest few are all open."""
        oldest = list(islice(self._circuits.items(), 16))
        key = next((key for key, circuit in oldest if circuit.is_closed), oldest[0][0])
        del self._circuits[key]


def shows_trouble(error: EngineError, timeout_sec: float) -> bool:
    """Return whether an error speaks against the engine, and not against what it was asked.

    A request that another one need not share the fate of does not: one that is refused as such (moderation answers with
    400 or 403), and one that was given too little time. `timeout_sec` is the engine's own limit.
    """
    if isinstance(error, EngineTimeout):
        return error.waited_sec is None or error.waited_sec >= min(FAIR_WAIT_SEC, timeout_sec)
    if isinstance(error, EngineBusy):
        return error.provider != "local"  # this machine's queues are empty again in a moment
    if isinstance(error, EngineAuthError):
        return error.status != 403
    return isinstance(error, EngineQuotaError | EngineUnavailable | EngineMalformed)
