"""What of a long conversation the model is shown."""

from typing import Any

import pytest

from conversations.realtime import commands
from conversations.realtime.agent_turn.context import build_messages, count_tokens, fit_messages
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.items import ItemLog, LiveItem
from conversations.realtime.protocol.session_config import Truncation
from conversations.realtime.protocol.session_update import parse_truncation
from conversations.realtime.state import Limits
from tests.support.realtime.harness import Table, make_message

RATIO = {"type": "retention_ratio", "retention_ratio": 0.5}


def make_log(count: int) -> ItemLog:
    """Return items of 14 tokens each: 10 of words, and 4 beside them."""
    return ItemLog([LiveItem(f"item_{n}", role="user", text=f"{n:04}" * 10) for n in range(count)])


def show_kept(kept: ItemLog, truncation: Any = "auto", most: int = 140) -> list[str]:
    return [said.words[:4] for said in fit_messages(kept, "", parse_truncation(truncation), most)]


def test_it_works() -> None:
    assert len(show_kept(make_log(10))) == 10
    assert show_kept(make_log(12)) == [f"{n:04}" for n in range(2, 12)]


def test_the_instructions_stay_and_do_not_count() -> None:
    said = fit_messages(make_log(12), "x" * 4000, Truncation(), 140)
    assert (said[0].role, len(said)) == ("system", 11)


def test_with_a_ratio_what_is_kept_begins_alike_for_many_turns() -> None:
    kept = make_log(11)
    assert len(show_kept(kept, RATIO)) == 5
    for n in range(11, 15):
        kept.insert(LiveItem(f"item_{n}", role="user", text=f"{n:04}" * 10))
        assert show_kept(kept, RATIO)[0] == "0006"
    assert len(show_kept(make_log(3), RATIO | {"token_limits": {"post_instructions": 28}})) == 1


def test_what_is_longer_than_all_of_it_is_shown_alone() -> None:
    assert show_kept(make_log(3), most=5) == ["0002"]


def test_without_truncation_it_is_an_error() -> None:
    with pytest.raises(ProtocolError, match="longer than the 140 tokens"):
        fit_messages(make_log(12), "", parse_truncation("disabled"), 140)
    table = Table(limits=Limits(context_tokens=20))
    table.send("session.update", session={"truncation": "disabled"})
    table.send("conversation.item.create", item=make_message("x" * 100))
    done = table.send("response.create")[-1]["response"]
    assert (done["status"], done["status_details"]["error"]["code"]) == ("failed", "context_length_exceeded")


def test_items_that_are_left_out_stay_in_the_conversation() -> None:
    table = Table(limits=Limits(context_tokens=20))
    first = table.send("conversation.item.create", item=make_message("x" * 60))[0]["item"]["id"]
    table.send("conversation.item.create", item=make_message("y" * 60))
    table.send("response.create")
    assert [said.words[0] for said in table.find_last(commands.Generate).messages] == ["B", "y"]
    assert table.send("conversation.item.retrieve", item_id=first)[0]["item"]["id"] == first


def test_the_first_that_is_shown_may_be_deleted() -> None:
    kept = make_log(12)
    show_kept(kept)
    kept.remove(kept.context_items[0])
    assert show_kept(kept)[0] == "0003"


def test_a_call_and_its_output_go_together() -> None:
    asked = LiveItem("item_a", type="function_call", call={"call_id": "c", "name": "f", "arguments": "x" * 40})
    told = LiveItem("item_b", type="function_call_output", call={"call_id": "c", "output": "y" * 40})
    kept = ItemLog([asked, told, *make_log(8)])
    assert count_tokens(build_messages(kept, "")) == 8 * 14 + 28
    assert [said.role for said in fit_messages(kept, "", Truncation(), 130)] == ["user"] * 8
