"""The engines of one kind in a session, in the order in which they are tried: the chosen one, then its fallbacks.

An engine that fails before its first output is followed by the next, within the time that the turn has left. So is one
whose output can be taken back, since nobody has heard of it yet. What fails later ends as it would alone: half a reply
by one voice, and half by another, helps nobody.
"""

from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from math import inf, isfinite
from time import monotonic
from typing import Generic, TypeVar

from conversations.engines import incidents
from conversations.engines.base import EngineSpec
from conversations.engines.deadline import get_remaining_sec, set_deadline
from conversations.engines.errors import EngineError
from conversations.session.engine_calls.engine_circuits import EngineCircuit

KEPT_KEYS = 64
E = TypeVar("E")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Link(Generic[E]):
    """One engine of a chain."""

    spec: EngineSpec
    engine: E  # as it is called: watched by its circuit, behind a cache where there is one
    circuit: EngineCircuit
    core: object  # the engine itself, which may have connections to open and close


@dataclass(slots=True)
class Progress:
    """How far along the chain an item or a response has come."""

    current: int | None = None  # the link that was tried last
    failed: set[int] = field(default_factory=set)


class EngineChain(Generic[E]):
    """Call the first engine that answers. `key` is the id of the item or response: it stays with what answered it.

    An engine whose circuit is open is skipped. If none is left that can be expected to answer, the one that will be
    tried again soonest is called all the same. `patience_sec` is how long an engine may take to its first output where
    the turn sets no limit and another one could still answer.
    """

    def __init__(self, links: Sequence[Link[E]], patience_sec: float = inf) -> None:
        self.links = links
        self._patience_sec = patience_sec
        self._progress: OrderedDict[str, Progress] = OrderedDict()

    def find_number(self, key: str) -> int:
        """Return the number of the link that answered the item or response of this id, 0 for the chosen engine."""
        progress = self._progress.get(key)
        return (progress and progress.current) or 0

    def choose_next(self) -> Link[E]:
        """Return the engine that the next call would go to."""
        return next((link for link in self.links if link.circuit.admits()), self.links[0])

    async def call(self, key: str, run: Callable[[E], Awaitable[T]]) -> T:
        """Return the result of the first engine that has one, or raise the EngineError of the last that was tried."""
        attempts = Attempts(self.links, self._get_progress(key))
        while True:
            link = attempts.begin()
            try:
                with link.circuit.try_out(), self._share_time(link, attempts):
                    return await run(link.engine)
            except EngineError as error:
                attempts.fail(error)

    async def stream(
        self,
        key: str,
        open_stream: Callable[[Link[E]], AsyncGenerator[T]],
        withdraw: Callable[[], T | None] = lambda: None,
    ) -> AsyncGenerator[T]:
        """Yield what the first engine brings that has any output, or raise the EngineError of the last one tried.

        If one fails amid its output, and `withdraw` returns a piece that takes back what came so far, that piece comes
        next, and then what the next engine brings.
        """
        attempts = Attempts(self.links, self._get_progress(key))
        while True:
            link = attempts.begin()
            async with aclosing(open_stream(link)) as pieces:
                try:
                    with link.circuit.try_out(), self._share_time(link, attempts):
                        first = await anext(pieces, None)
                except EngineError as error:
                    attempts.fail(error)
                    continue
                if first is None:
                    return
                yield first
                try:
                    async for piece in pieces:
                        yield piece
                    return
                except EngineError as error:
                    withdrawal = withdraw() if attempts.has_more else None
                    if withdrawal is None:
                        raise
                    attempts.fail(error)
                yield withdrawal

    def _get_progress(self, key: str) -> Progress:
        progress = self._progress.setdefault(key, Progress())
        self._progress.move_to_end(key)
        if len(self._progress) > KEPT_KEYS:
            self._progress.popitem(last=False)
        return progress

    @contextmanager
    def _share_time(self, link: Link[E], attempts: "Attempts[E]") -> Iterator[None]:
        """Let the engine take half of the time that the turn has left, if another one may have to answer after it."""
        if not attempts.has_more:
            yield
            return
        left_sec = get_remaining_sec()
        # What runs on this machine does not hang: it waits in queues that have limits of their own.
        patience_sec = inf if link.spec.provider == "local" else self._patience_sec
        with set_deadline(monotonic() + (left_sec / 2 if isfinite(left_sec) else patience_sec)):
            yield


class Attempts(Generic[E]):
    """The engines that one call tries, one after another."""

    def __init__(self, links: Sequence[Link[E]], progress: Progress) -> None:
        self._links = links
        self._progress = progress
        self._tried: set[int] = set()
        self._has_resorted = False  # to an engine that cannot be expected to answer
        self._error: EngineError | None = None

    @property
    def has_more(self) -> bool:
        """Return whether another engine would be tried if the present one fails."""
        return self._choose() is not None

    def begin(self) -> Link[E]:
        """Return the next engine to try, or raise the error of the last one if there is none."""
        number = self._choose()
        if number is None:
            raise self._error or RuntimeError("a chain without engines")
        self._has_resorted = self._has_resorted or not self._is_ready(number)
        self._tried.add(number)
        self._progress.current = self._number = number
        return self._links[number]

    def fail(self, error: EngineError) -> None:
        """Note that the present engine has failed."""
        self._progress.failed.add(self._number)
        self._error = error
        if self.has_more:
            incidents.report(error, "fell_back")

    def _choose(self) -> int | None:
        untried = [number for number in range(len(self._links)) if number not in self._tried]
        ready = [number for number in untried if self._is_ready(number)]
        if ready:
            return self._progress.current if self._progress.current in ready else ready[0]
        if self._has_resorted or not untried:
            return None
        return min(untried, key=lambda number: (number in self._progress.failed, self._links[number].circuit.retry_at))

    def _is_ready(self, number: int) -> bool:
        """Return whether an engine can be expected to answer.

        One that serves this item or response already can, whatever others have seen of it: a voice changes only if it
        must.
        """
        is_at_work = number == self._progress.current
        return number not in self._progress.failed and (is_at_work or self._links[number].circuit.admits())
