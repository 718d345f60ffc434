"""How many requests are under way at once: of one user, of one address, of all."""

import threading
from collections import Counter, deque
from collections.abc import Hashable
from concurrent.futures import Future

WAIT_SEC = 5.0  # a program asks for all its conversations at once: they come one by one
# A page asks for its fifty files at once, over HTTP/2, and breaks without one of them; a whole office has one address.
PAGE_SEC = 15.0


class Places:
    """So many places for each; who comes beyond them waits for one. Safe in threads, and on the event loop."""

    def __init__(self, each: int, waiting: int) -> None:
        self._each = each
        self._most_waiting = waiting
        self._taken: Counter[Hashable] = Counter()
        self._waiting: dict[Hashable, deque[Future[None]]] = {}
        self._lock = threading.Lock()

    def ask(self, who: Hashable) -> Future[None] | None:
        """Take a place: the future is done once there is one. None: too many wait already.

        Whoever waits no longer calls `forget`, and whoever has had a place `leave`.
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

    def forget(self, who: Hashable, future: "Future[None]") -> None:
        """Take back a question; a place that it has got meanwhile goes to the next."""
        with self._lock:
            if future in self._waiting.get(who, ()):
                self._waiting[who].remove(future)
                self._tidy(who)
                return
        self.leave(who)

    def leave(self, who: Hashable) -> None:
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
