"""How many at once, and who comes next; and of the database, how much."""

import time
import weakref

from voiceproject.database import STUCK_SEC, ConnectionShare
from voiceproject.http.request_slots import RequestSlots


def test_so_many_and_the_next_when_one_leaves() -> None:
    slots = RequestSlots(2, waiting=2)
    first, second, third = (slots.request("ann") for _ in range(3))
    assert first
    assert second
    assert third
    assert (first.done(), second.done(), third.done()) == (True, True, False)
    slots.release("ann")
    assert third.done()


def test_one_does_not_count_for_another() -> None:
    slots = RequestSlots(1, waiting=0)
    assert slots.request("ann")
    assert slots.request("ann") is None
    assert slots.request("bob")


def test_who_waits_no_longer_is_passed_over() -> None:
    slots = RequestSlots(1, waiting=2)
    slots.request("ann")
    gone, next_one = slots.request("ann"), slots.request("ann")
    assert gone
    assert next_one
    slots.withdraw("ann", gone)
    slots.release("ann")
    assert (gone.done(), next_one.done()) == (False, True)


def test_a_place_that_came_too_late_goes_to_the_next() -> None:
    slots = RequestSlots(1, waiting=2)
    slots.request("ann")
    late, next_one = slots.request("ann"), slots.request("ann")
    assert late
    assert next_one
    slots.release("ann")
    slots.withdraw("ann", late)
    assert next_one.done()


def test_nobody_is_remembered_who_has_left() -> None:
    class Person:
        """Somebody whom only the slots could keep in memory."""

    slots, ann = RequestSlots(1, waiting=1), Person()
    waiting = [slots.request(ann), slots.request(ann), slots.request(ann)]
    assert waiting[2] is None
    slots.release(ann)
    slots.release(ann)
    remembered = weakref.ref(ann)
    del ann
    assert remembered() is None


def test_connections_that_nobody_gives_back() -> None:
    share = ConnectionShare(2)
    assert share.take(0)
    assert not share.is_stuck(time.monotonic() + 2 * STUCK_SEC)  # one is free
    before = time.monotonic()
    assert share.take(0)
    assert not share.take(0)
    assert not share.is_stuck(before + STUCK_SEC - 1)
    assert share.is_stuck(time.monotonic() + STUCK_SEC + 1)
    share.give()
    assert share.take(0)
