"""How many at once, and who comes next; and of the database, how much."""

from voiceproject.database import STUCK_SEC, Share
from voiceproject.http.request_slots import Places


def test_so_many_and_the_next_when_one_leaves() -> None:
    places = Places(2, waiting=2)
    first, second, third = (places.ask("ann") for _ in range(3))
    assert first
    assert second
    assert third
    assert (first.done(), second.done(), third.done()) == (True, True, False)
    places.leave("ann")
    assert third.done()


def test_one_does_not_count_for_another() -> None:
    places = Places(1, waiting=0)
    assert places.ask("ann")
    assert places.ask("ann") is None
    assert places.ask("bob")


def test_who_waits_no_longer_is_passed_over() -> None:
    places = Places(1, waiting=2)
    places.ask("ann")
    gone, next_one = places.ask("ann"), places.ask("ann")
    assert gone
    assert next_one
    places.forget("ann", gone)
    places.leave("ann")
    assert (gone.done(), next_one.done()) == (False, True)


def test_a_place_that_came_too_late_goes_to_the_next() -> None:
    places = Places(1, waiting=2)
    places.ask("ann")
    late, next_one = places.ask("ann"), places.ask("ann")
    assert late
    assert next_one
    places.leave("ann")
    places.forget("ann", late)
    assert next_one.done()


def test_nobody_is_remembered_who_has_left() -> None:
    places = Places(1, waiting=1)
    waiting = [places.ask("ann"), places.ask("ann"), places.ask("ann")]
    assert waiting[2] is None
    places.leave("ann")
    places.leave("ann")
    assert not places._taken
    assert not places._waiting


def test_connections_that_nobody_gives_back() -> None:
    share = Share(2)
    moved_at = share._moved_at
    assert share.take(0)
    assert not share.is_stuck(moved_at + 2 * STUCK_SEC)  # one is free
    assert share.take(0)
    assert not share.take(0)
    assert not share.is_stuck(share._moved_at + STUCK_SEC - 1)
    assert share.is_stuck(share._moved_at + STUCK_SEC + 1)
    share.give()
    assert share.take(0)
