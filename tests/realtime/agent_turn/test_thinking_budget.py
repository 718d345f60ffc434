"""A model that thinks: its thoughts do not use up the turn's budget, and have a bound of their own."""

from typing import Any

import pytest

from conversations.pcm import BYTES_PER_MS
from conversations.realtime import commands, engine_events
from conversations.realtime.state import Limits
from tests.support.realtime.budget import LONG, ask_question, get_ending, report_sound
from tests.support.realtime.fillers import find_fillers, report_filler
from tests.support.realtime.harness import Table, get_kinds
from tests.support.realtime.tool_calls import CLOCK


def think(table: Table, seconds: int) -> list[dict[str, Any]]:
    """Report thinking at once and then each second, as the driver does. Return what was sent meanwhile."""
    sent = []
    for _ in range(seconds):
        sent += table.report(engine_events.Thinking(table.find_last(commands.Generate).response_id))
        sent += table.pass_time(1)
    return sent


@pytest.mark.parametrize("modality", ["audio", "text"])
def test_the_time_of_thoughts_is_not_counted(modality: str) -> None:
    table = ask_question(modality)
    table.pass_time(2)
    assert "response.done" not in get_kinds(think(table, 17))
    assert "response.done" not in get_kinds(table.pass_time(9.9))
    sent = table.write(LONG) + table.end_text()
    if modality == "audio":
        assert table.find_last(commands.SpeakClause).due_at == pytest.approx(table.now + 0.1)
        sent += table.speak()
    assert get_ending(sent) == ("completed", "")


def test_what_is_left_of_the_budget_holds_behind_them() -> None:
    table = ask_question()
    table.pass_time(2)
    think(table, 17)
    assert "response.done" not in get_kinds(table.pass_time(9.9))
    assert get_ending(table.pass_time(0.2)) == ("failed", "response_timeout")


def test_thoughts_without_an_end_are_given_up() -> None:
    table = ask_question(thinking_sec=20)
    began_at = table.now
    sent: list[dict[str, Any]] = []
    while "response.done" not in get_kinds(sent):
        sent += think(table, 1)
    assert get_ending(sent) == ("failed", "response_timeout")
    assert 32 <= table.now - began_at <= 33
    assert isinstance(table.actions[-1], commands.SetDeadline)
    assert table.find_last(commands.Abort).id == table.find_last(commands.Generate).response_id


def test_a_setting_leaves_no_time_for_thoughts() -> None:
    table = ask_question(thinking_sec=0)
    assert get_ending(think(table, 13)) == ("failed", "response_timeout")


def test_thoughts_in_several_rounds_share_one_bound() -> None:
    table = Table(limits=Limits(thinking_sec=20))
    table.report(engine_events.ToolsReady((CLOCK,)))
    table.send("session.update", session={"output_modalities": ["text"]})
    table.send("response.create")
    think(table, 15)
    table.report(
        engine_events.ToolCallDelta(table.find_last(commands.Generate).response_id, 0, "call_1", "clock", "{}")
    )
    table.end_text()
    tool = table.find_last(commands.RunTool)
    table.report(engine_events.ToolCallDone(tool.response_id, tool.item_id, "Noon.", ""))
    assert "response.done" not in get_kinds(think(table, 16))  # 12 s of the budget, and the 5 s that were left
    assert get_ending(think(table, 2)) == ("failed", "response_timeout")


def test_thoughts_after_the_first_sound_are_bounded_too() -> None:
    table = ask_question(thinking_sec=40)
    table.write(f"{LONG}Let ")
    report_sound(table, 0, 1000, is_whole=True)
    assert "response.done" not in get_kinds(think(table, 60))
    assert get_ending(think(table, 15)) == ("failed", "response_timeout")


def test_a_response_out_of_band_may_think_as_long() -> None:
    table = Table(limits=Limits(thinking_sec=60))
    table.send("response.create", response={"conversation": "none"})
    assert "response.done" not in get_kinds(think(table, 50))
    sent = table.write(LONG) + table.end_text()
    clause = table.find_last(commands.SpeakClause)
    sent += table.report(engine_events.SpeechAudio(clause.response_id, 0, bytes(100 * BYTES_PER_MS)))
    assert get_ending(sent + table.report(engine_events.SpeechDone(clause.response_id, 0))) == ("completed", "")


def test_one_word_bridges_long_thoughts() -> None:
    table = ask_question()
    think(table, 4)
    assert len(find_fillers(table)) == 1
    report_filler(table)
    think(table, 30)
    assert len(find_fillers(table)) == 1


def test_the_first_clause_behind_tools_is_told_the_budget_that_stood_still() -> None:
    table = Table()
    table.report(engine_events.ToolsReady((CLOCK,)))
    table.send("response.create")
    table.pass_time(3.1)
    report_filler(table)
    table.report(
        engine_events.ToolCallDelta(table.find_last(commands.Generate).response_id, 0, "call_1", "clock", "{}")
    )
    table.end_text()
    table.pass_time(20)
    tool = table.find_last(commands.RunTool)
    table.report(engine_events.ToolCallDone(tool.response_id, tool.item_id, "Noon.", ""))
    table.write(LONG)
    table.end_text()
    assert table.find_last(commands.SpeakClause).due_at == pytest.approx(table.now + 8.9)
