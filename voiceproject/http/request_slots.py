"""Limit how many requests are under way at once: of one user, of one address, and of all."""

import threading
from collections import Counter, deque
from collections.abc import Hashable
from concurrent.futures import Future

WAIT_SEC = 5.0  # a program asks for all its conversations at once: they come one by one
# A page asks for its fifty files at once, over HTTP/2, and breaks without one of them; a whole office has one address.
PAGE_SEC = 15.0


class RequestSlots:
    """A number of slots for each caller; requests beyond them wait for one.

    It is thread-safe, also for the event loop.
    """

    def __init__(self, each: int, waiting: int) -> None:
        self._each = each
        self._most_waiting = waiting
        self._taken: Counter[Hashable] = Counter()
        self._waiting: dict[Hashable, deque[Future[None]]] = {}
        self._lock = threading.Lock()

    def request(self, who: Hashable) -> Future[None] | None:
        """Return a future that is done once the caller has a slot, or None if too many already wait.

        Call `withdraw` when a request no longer waits, and `release` when it has had a slot.
        """
        future: Future[None] = Future()
        with self._lock:
            if self._taken[who] < self._each:
                self._taken[who] += 1
                future.set_result(None)
                return future
            waiting = self._waiting.setdefault(who, deque())
            if len(waiting) >= self._most_waiting:
                return None
            waiting.append(future)
            return future

    def withdraw(self, who: Hashable, future: "Future[None]") -> None:
        """Stop waiting. A slot that was granted meanwhile goes to the next."""
        with self._lock:
            if future in self._waiting.get(who, ()):
                self._waiting[who].remove(future)
                self._tidy(who)
                return
        self.release(who)

    def count_waiting(self) -> int:
        """Return how many wait."""
        with self._lock:
            return sum(map(len, self._waiting.values()))

    def release(self, who: Hashable) -> None:
        """Give a slot to the next who waits, or free it."""
        with self._lock:
            if waiting := self._waiting.get(who):
                waiting.popleft().set_result(None)
            else:
                self._taken[who] -= 1
            self._tidy(who)

    def _tidy(self, who: Hashable) -> None:
        if not self._waiting.get(who):
            self._waiting.pop(who, None)
        if not self._taken[who]:
            del self._taken[who]
