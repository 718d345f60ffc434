"""The places that the users of this process hold among all that each may have, over all processes.

A place counts while its session is used. One whose session only stores its last words is given back within a second.
One whose session waits for its client to come back counts on, but goes to a newcomer where no other is free.
"""

import asyncio
import itertools
import logging
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic
from typing import NoReturn
from weakref import WeakValueDictionary

from voiceproject.cache import user_places
from voiceproject.cache.user_places import Place

LOOK_SEC = 1.0
RENEW_SEC = 10.0
THREADS = 4  # a Redis that hangs holds each for half a second, and then counts as away
log = logging.getLogger(__name__)


class HeldPlaces:
    """The places of one process.

    `count_used` returns how many sessions of each user count, and `count_waiting` how many wait for their clients.
    """

    def __init__(
        self, count_used: Callable[[], Mapping[int, int]], count_waiting: Callable[[], Mapping[int, int]] = dict
    ) -> None:
        self._count_used, self._count_waiting = count_used, count_waiting
        self._held: dict[int, list[Place]] = {}
        self._kept: dict[int, list[Place]] = {}  # for clients that may come back
        self._asking: Counter[int] = Counter()  # by user, how many places are asked for at the moment
        # By user, so that Redis is told of each in the order in which it is decided here, whichever thread tells it.
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._process, self._numbers = secrets.token_hex(8), itertools.count()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="places")
        self._renew_at = 0.0
        self._running: asyncio.Task[NoReturn] | None = None

    def start(self) -> None:
        """Look after the places from now on."""
        self._running = asyncio.get_running_loop().create_task(self._run())

    async def take(self, user_id: int, most: int) -> bool:
        """Take a place for a user, who may have `most` in all, and return whether there was one left."""
        if not user_places.is_shared():
            return True
        place = self._make(user_id)
        self._asking[user_id] += 1
        try:
            async with self._lock(user_id):
                is_taken = bool(await self._ask(user_places.take, place, most))
        finally:
            self._asking[user_id] -= 1
        if is_taken:
            self._held.setdefault(user_id, []).append(place)
        return is_taken

    async def take_back(self, user_id: int, most: int) -> bool:
        """Take the place of a session again whose client comes back, and return False if a newcomer has it."""
        async with self._lock(user_id):
            if not self._kept.get(user_id):
                return True  # it has not been marked yet
            place = self._kept[user_id].pop()
            is_back = bool(await self._ask(user_places.take_back, place, most))
            if is_back:
                self._held.setdefault(user_id, []).append(place)
            return is_back

    async def give_back(self, user_id: int) -> None:
        """Give back what a user does not use any more, since a session has ended, or was not let in."""
        async with self._lock(user_id):
            used = max(0, self._count_used().get(user_id, 0) - self._asking[user_id])
            places = self._held.get(user_id, [])
            used += max(0, self._count_waiting().get(user_id, 0) - len(self._kept.get(user_id, ())))
            if given_back := places[used:]:
                self._held[user_id] = places[:used]
                await self._ask(user_places.update, (), (), given_back)

    async def update(self, now: float) -> None:
        """Hold as many places as are used, keep those of clients that may come back, and renew all now and then."""
        users = self._held.keys() | self._kept.keys() | self._count_used().keys()
        async with self._lock(*users):
            used, waiting = Counter(self._count_used()) - self._asking, Counter(self._count_waiting())
            renews = now >= self._renew_at
            news: tuple[list[Place], ...] = ([], [], [])  # as `user_places.update` takes them
            for user_id in users:
                for told, places in zip(
                    news, self._sort(user_id, used[user_id], waiting[user_id], renews), strict=True
                ):
                    told += places
            if renews:
                self._renew_at = now + RENEW_SEC
            if any(news):
                await self._ask(user_places.update, *news)

    @asynccontextmanager
    async def _lock(self, *user_ids: int) -> AsyncIterator[None]:
        """Let nobody else decide on the places of these users, nor tell Redis of them."""
        async with AsyncExitStack() as stack:
            for user_id in sorted(user_ids):  # two who want the same never wait for each other
                await stack.enter_async_context(self._locks.setdefault(user_id, asyncio.Lock()))
            yield

    def _sort(self, user_id: int, used: int, waiting: int, renews: bool) -> tuple[list[Place], ...]:
        """Sort the places of a user, and return which ones to renew, to keep and to give back."""
        held, kept = self._held.pop(user_id, []), self._kept.pop(user_id, [])
        new = [self._make(user_id) for _ in range(used - len(held))]
        room = max(0, waiting - len(kept))
        marked, given_back = held[used:][:room], held[used:][room:] + kept[waiting:]
        held, kept = held[:used] + new, kept[:waiting] + marked
        if held:
            self._held[user_id] = held
        if kept:
            self._kept[user_id] = kept
        return (held, kept, given_back) if renews else (new, marked, given_back)

    def _make(self, user_id: int) -> Place:
        return user_id, f"{self._process}.{next(self._numbers)}"

    async def _ask(self, question: Callable[..., bool | None], *args: object) -> bool | None:
        return await asyncio.get_running_loop().run_in_executor(self._threads, question, *args)

    async def _run(self) -> NoReturn:
        while True:
            await asyncio.sleep(LOOK_SEC)
            if user_places.is_shared():
                try:
                    await self.update(monotonic())
                except Exception as error:  # an error boundary: the next look will do
                    log.warning("could not look after the places of users: %s", type(error).__name__)
