"""What a client was sent lately: what is still there, and what is not any more."""

import json

import pytest

from conversations.transport.replay_log import ADDED, ENTRY_BYTES, ReplayLog, find_event_id


def make_frame(name: str) -> str:
    return json.dumps({"type": "response.done", "event_id": name, "error": {"event_id": "of the client"}})


def make_log(*names: str, max_bytes: int = 10_000) -> ReplayLog:
    log = ReplayLog(max_bytes)
    for name in names:
        log.add(make_frame(name))
    return log


def read_after(log: ReplayLog, event_id: str) -> list[str] | None:
    """Return the ids of the frames behind an event, "" for those that are not repeated."""
    number = log.find_next(event_id)
    if number is None:
        return None
    names = []
    while (frame := log.read(number)) is not None:
        names.append(find_event_id(frame))
        number += 1
    return names


def test_what_followed_an_event() -> None:
    log = make_log("a", "b", "c")
    assert [read_after(log, name) for name in "abc"] == [["b", "c"], ["c"], []]
    assert read_after(log, "unknown") is None
    assert read_after(log, "") is None


def test_an_event_that_another_process_has_added() -> None:
    log = make_log("a", "b")
    assert read_after(log, f"a{ADDED}event_of_its_own") == ["b"]


def test_an_event_that_is_not_repeated_may_be_the_last_one() -> None:
    log = make_log("a")
    log.add(make_frame("pong"), is_repeated=False)
    log.add(make_frame("b"))
    assert (read_after(log, "a"), read_after(log, "pong")) == (["", "b"], ["b"])


def test_an_event_that_stands_for_another() -> None:
    log = make_log("a", "b")
    log.add_alias("first", "a")
    log.add_alias("second", "first")
    assert read_after(log, "second") == ["b"]


def test_an_event_that_stands_for_one_that_another_process_has_added() -> None:
    """Who comes back behind such an event, and is lost again with nothing but the news that it has come back."""
    log = make_log("a", "b")
    log.add_alias("first", f"a{ADDED}event_of_its_own")
    assert read_after(log, "first") == ["b"]
    log.add_alias("second", f"first{ADDED}event_of_its_own")
    assert read_after(log, f"second{ADDED}event_of_its_own") == ["b"]


def test_what_the_client_has_is_forgotten() -> None:
    log = make_log("a", "b", "c")
    log.acknowledge("b")
    assert (read_after(log, "a"), read_after(log, "b")) == (None, ["c"])
    with pytest.raises(LookupError):
        log.read(1)
    log.acknowledge("unknown")
    log.acknowledge("c")
    log.acknowledge("c")
    assert read_after(log, "c") == []


def test_beyond_its_bound_the_oldest_are_forgotten() -> None:
    size = len(make_frame("a"))
    log = make_log("a", "b", "c", max_bytes=2 * (ENTRY_BYTES + size))
    assert (read_after(log, "a"), log.first) == (["b", "c"], 1)
    log.add("x" * 2 * (ENTRY_BYTES + size))
    assert (read_after(log, "b"), log.first) == (None, 4)


@pytest.mark.parametrize("frame", ["", "{}", '{"type": "x"}', '"event_id": "', '{"event_id": 7}'])
def test_a_frame_without_an_id(frame: str) -> None:
    assert find_event_id(frame) == ""


def test_frames_that_are_not_repeated_are_bounded_too() -> None:
    log = make_log("a", max_bytes=20 * ENTRY_BYTES)
    for number in range(1_000):
        log.add(make_frame(f"pong {number}"), is_repeated=False)
    assert read_after(log, "a") is None
    assert read_after(log, "pong 990") == [""] * 9
    assert (read_after(log, "pong 978"), log.first) == (None, 981)
