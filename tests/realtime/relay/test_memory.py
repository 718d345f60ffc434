"""What is remembered of a relayed reply is what was heard of it: its words are told ahead of their sound."""

from collections.abc import Callable

import pytest

from tests.support.realtime.memory import get_heard_text
from tests.support.realtime.relay_table import RelayTable

WORDS = "One two three four five six seven eight nine ten."


def lose_upstream(table: RelayTable) -> None:
    table.lose()


def fail(table: RelayTable) -> None:
    error = {"type": "server_error", "code": "oops", "message": "It broke."}
    table.end_response("one", WORDS, "failed", status_details={"type": "failed", "error": error})


def cancel(table: RelayTable) -> None:
    table.end_response("one", WORDS, "cancelled", status_details={"type": "cancelled", "reason": "turn_detected"})


def stall(table: RelayTable) -> None:
    table.pass_time(60)


def leave(table: RelayTable) -> None:
    table.leave()


def kill(table: RelayTable) -> None:
    """Store nothing more, as a killed process does."""


@pytest.mark.parametrize("ending", [lose_upstream, fail, cancel, stall, leave, kill])
def test_a_relayed_reply_is_remembered_as_far_as_it_sounded(ending: Callable[[RelayTable], None]) -> None:
    table = RelayTable()
    table.begin_response("one", WORDS, 1000)
    ending(table)
    assert get_heard_text(table.get_saved("item_one")) in ("One two three", "One two three four")


def test_a_new_connection_is_told_what_was_heard_of_a_relayed_reply() -> None:
    table = RelayTable()
    table.begin_response("one", WORDS, 1000)
    table.lose()
    table.connect()
    told = [event["item"]["content"][0]["text"] for event in table.told if event["type"] == "conversation.item.create"]
    assert told in (["One two three"], ["One two three four"])
