"""What a process tells the others of the sessions of its users."""

import asyncio
from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest
from django.core.cache import caches
from django.test import override_settings

from conversations.transport.held_places import RENEW_SEC, HeldPlaces
from voiceproject.cache import user_places


@pytest.fixture(autouse=True)
def shared(redis_url: str) -> Iterator[None]:
    setting = {"default": {"BACKEND": "voiceproject.cache.shared_cache.SharedCache", "LOCATION": redis_url}}
    with override_settings(CACHES=setting):
        yield
        caches["default"].clear()


async def test_two_processes_count_together() -> None:
    used_there = {1: 1}
    here, there = HeldPlaces(lambda: {1: 1}), HeldPlaces(lambda: used_there)
    assert await here.take(1, 2)
    assert await there.take(1, 2)
    assert not await here.take(1, 2)
    used_there.clear()
    await there.give_back(1)
    assert await here.take(1, 2)


async def test_the_place_of_a_session_that_waits_for_its_client_goes_to_a_newcomer() -> None:
    used, waiting = {1: 1}, {1: 0}
    here, there = HeldPlaces(lambda: used, lambda: waiting), HeldPlaces(dict)
    assert await here.take(1, 1)
    assert not await there.take(1, 1)
    used[1], waiting[1] = 0, 1
    await here.update(0.0)
    assert await there.take(1, 1)
    assert not await here.take_back(1, 1)
    waiting[1] = 0
    await here.update(1.0)
    assert not await here.take(1, 1)


async def test_the_place_of_a_session_whose_client_is_back_counts_again() -> None:
    used, waiting = {1: 1}, {1: 0}
    here, there = HeldPlaces(lambda: used, lambda: waiting), HeldPlaces(dict)
    assert await here.take(1, 1)
    for _ in range(2):
        used[1], waiting[1] = 0, 1
        await here.update(0.0)
        assert await here.take_back(1, 1)
        used[1], waiting[1] = 1, 0
        assert not await there.take(1, 1)
    used[1] = 0
    await here.give_back(1)
    assert await there.take(1, 1)


async def test_who_comes_back_just_as_the_place_is_marked_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    used, waiting, is_marking, may_mark = {1: 1}, {1: 0}, Event(), Event()
    here, there = HeldPlaces(lambda: used, lambda: waiting), HeldPlaces(dict)
    update = user_places.update

    def update_late(*places: Any) -> None:
        is_marking.set()
        may_mark.wait(10)
        update(*places)

    assert await here.take(1, 1)
    used[1], waiting[1] = 0, 1
    monkeypatch.setattr(user_places, "update", update_late)
    marking = asyncio.create_task(here.update(0.0))
    await asyncio.to_thread(is_marking.wait, 10)
    returning = asyncio.create_task(here.take_back(1, 1))
    await asyncio.wait({returning}, timeout=0.2)  # all that Redis needs if it is asked already
    may_mark.set()
    await marking
    assert await returning
    assert not await there.take(1, 1)
    assert not here._locks


async def test_one_that_ends_while_it_waits_leaves_nothing() -> None:
    waiting = {1: 1}
    here, there = HeldPlaces(dict, lambda: waiting), HeldPlaces(lambda: {1: 2})
    assert await here.take(1, 2)
    await here.give_back(1)  # of another session: the one that waits keeps its own
    await here.update(0.0)
    assert here._kept
    waiting[1] = 0
    await here.update(0.0)
    assert not {**here._held, **here._kept}
    assert await there.take(1, 2)
    assert await there.take(1, 2)


async def test_a_place_that_is_just_asked_for_is_not_taken_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = HeldPlaces(lambda: {1: 1}), HeldPlaces(dict)
    here._asking[1] += 1  # as while Redis is asked for the first
    await here.update(0.0)
    here._asking[1] -= 1
    assert await here.take(1, 2)
    assert await there.take(1, 2)


async def test_they_are_renewed_and_others_end(monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = HeldPlaces(lambda: {1: 1}), HeldPlaces(dict)
    monkeypatch.setattr(user_places, "HELD_SEC", -1)
    assert await here.take(1, 1)
    monkeypatch.undo()
    await here.update(RENEW_SEC)
    assert not await there.take(1, 1)


async def test_a_session_that_has_ended_leaves_nothing() -> None:
    here = HeldPlaces(dict)
    assert await here.take(1, 1)
    await here.give_back(1)
    await here.give_back(1)
    await here.update(0.0)
    assert not here._held
    assert await here.take(1, 1)


async def test_who_is_not_let_in_gives_nobody_elses_place_back() -> None:
    here, there = HeldPlaces(lambda: {1: 2}), HeldPlaces(dict)
    assert await here.take(1, 2)
    assert await here.take(1, 2)
    for _ in range(3):
        assert not await here.take(1, 2)
        await here.give_back(1)
    assert not await there.take(1, 2)
