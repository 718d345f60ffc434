"""The places that the users of this process hold among all that each may have, over all processes.

A place counts while its session is used. One whose session only stores its last words, or waits for its client to come
back, is given back within a second, and counts again if the client does come back.
"""

import asyncio
import itertools
import logging
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import NoReturn

from voiceproject.cache import user_places
from voiceproject.cache.user_places import Place

LOOK_SEC = 1.0
RENEW_SEC = 10.0
THREADS = 4  # a Redis that hangs holds each for half a second, and then counts as away
log = logging.getLogger(__name__)


class HeldPlaces:
    """The places of one process. `count_used` returns how many sessions of each user count."""

    def __init__(self, count_used: Callable[[], Mapping[int, int]]) -> None:
        self._count_used = count_used
        self._held: dict[int, list[Place]] = {}
        self._asking: Counter[int] = Counter()  # by user, how many places are asked for at the moment
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
            is_taken = bool(await self._ask(user_places.take, place, most))
        finally:
            self._asking[user_id] -= 1
        if is_taken:
            self._held.setdefault(user_id, []).append(place)
        return is_taken

    async def give_back(self, user_id: int) -> None:
        """Give back what a user does not use any more, since a session has ended, or was not let in."""
        used = max(0, self._count_used().get(user_id, 0) - self._asking[user_id])
        places = self._held.get(user_id, [])
        if given_back := places[used:]:
            self._held[user_id] = places[:used]
            await self._ask(user_places.update, (), given_back)

    async def update(self, now: float) -> None:
        """Hold as many places as are used, and renew them now and then."""
        used = Counter(self._count_used()) - self._asking
        renews = now >= self._renew_at
        kept, given_back = [], []
        for user_id in self._held.keys() | used.keys():
            places = self._held.setdefault(user_id, [])
            missing = used[user_id] - len(places)
            new = [self._make(user_id) for _ in range(missing)]
            given_back += places[used[user_id] :]
            self._held[user_id] = places[: used[user_id]] + new
            kept += self._held[user_id] if renews else new
            if not self._held[user_id]:
                del self._held[user_id]
        if renews:
            self._renew_at = now + RENEW_SEC
        if kept or given_back:
            await self._ask(user_places.update, kept, given_back)

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
