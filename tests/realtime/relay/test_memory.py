"""What is remembered of a relayed reply is what was heard of it: its words are told ahead of their sound."""

from collections.abc import Callable

import pytest

from tests.support.realtime.memory import heard
from tests.support.realtime.relay_table import RelayTable

WORDS = "One two three four five six seven eight nine ten."


def lost(table: RelayTable) -> None:
    table.lose()


def refused(table: RelayTable) -> None:
    error = {"type": "server_error", "code": "oops", "message": "It broke."}
    table.end("one", WORDS, "failed", status_details={"type": "failed", "error": error})


def cancelled(table: RelayTable) -> None:
    table.end("one", WORDS, "cancelled", status_details={"type": "cancelled", "reason": "turn_detected"})


def slow(table: RelayTable) -> None:
    table.wait(60)


def left(table: RelayTable) -> None:
    table.leave()


def killed(table: RelayTable) -> None:
    """Nothing more is stored."""


@pytest.mark.parametrize("ending", [lost, refused, cancelled, slow, left, killed])
def test_a_relayed_reply_is_remembered_as_far_as_it_sounded(ending: Callable[[RelayTable], None]) -> None:
    table = RelayTable()
    table.begin("one", WORDS, 1000)
    ending(table)
    assert heard(table.stored("item_one")) in ("One two three", "One two three four")


def test_a_new_connection_is_told_what_was_heard_of_a_relayed_reply() -> None:
    table = RelayTable()
    table.begin("one", WORDS, 1000)
    table.lose()
    table.connect()
    told = [event["item"]["content"][0]["text"] for event in table.told if event["type"] == "conversation.item.create"]
    assert told in (["One two three"], ["One two three four"])
