"""One budget a turn, from the end of speech to the first sound, whichever engine is slow."""

import pytest

from conversations.realtime import commands, engine_events
from conversations.realtime.state import Limits
from tests.support.realtime.budget import LONG, ask_question, get_ending
from tests.support.realtime.harness import Table, get_kinds
from tests.support.realtime.tool_calls import CLOCK


def test_a_model_that_is_slow_is_given_up_in_time() -> None:
    table = ask_question()
    assert "response.done" not in get_kinds(table.pass_time(11.9))
    assert get_ending(table.pass_time(0.2)) == ("failed", "response_timeout")


def test_engines_that_are_slow_one_behind_the_other_have_one_budget() -> None:
    """Four seconds each: none of them is slow by itself."""
    table = Table()
    table.say()
    began_at = table.now
    table.pass_time(4)
    table.report_transcript("What time is it?")
    table.pass_time(4)
    table.write(LONG)
    table.end_text()
    assert get_ending(table.pass_time(4.1)) == ("failed", "response_timeout")
    assert table.now - began_at < 12.2


def test_each_engine_is_told_what_is_left() -> None:
    table = Table()
    table.say()
    ended_at = table.now
    due_at = table.find_last(commands.Transcribe).due_at
    assert due_at is None  # asked in the pause, ahead of the endpoint
    table.pass_time(1)
    table.report_transcript("What time is it?")
    assert table.find_last(commands.Generate).due_at == pytest.approx(ended_at + 12, abs=0.2)


def test_speech_to_text_that_is_asked_at_the_endpoint_is_told_too() -> None:
    table = Table(limits=Limits(max_utterance_ms=2000))
    table.send_audio(2240, 0.9)
    assert table.find_last(commands.Transcribe).due_at == pytest.approx(table.now + 12, abs=0.5)


def test_a_typed_question_has_a_budget_too() -> None:
    table = ask_question("text")
    assert table.find_last(commands.Generate).due_at == pytest.approx(table.now + 12)
    assert get_ending(table.pass_time(12.1)) == ("failed", "response_timeout")


def test_a_word_of_a_reply_in_text_is_in_time() -> None:
    table = ask_question("text")
    table.pass_time(11)
    table.write("It is ")
    assert table.pass_time(5) == []


def test_words_of_a_reply_that_is_spoken_are_no_sound() -> None:
    table = ask_question(filler_sec=None)
    table.pass_time(11)
    table.write(LONG)
    assert get_ending(table.pass_time(1.1)) == ("failed", "response_timeout")


def test_words_that_come_too_late_say_so() -> None:
    table = Table(limits=Limits(filler_sec=None))
    table.say()
    sent = table.pass_time(12)
    assert get_kinds(sent) == ["conversation.item.input_audio_transcription.failed"]
    assert sent[0]["error"]["code"] == "engine_timeout"


@pytest.mark.parametrize(("thinks_sec", "left_sec"), [(0.1, 4.1), (5, 12.1)])
def test_words_that_a_client_waited_for_are_part_of_it(thinks_sec: float, left_sec: float) -> None:
    """As a turn over HTTP asks for the response; who takes time has a budget from there."""
    table = Table()
    table.disable_turn_detection()
    table.send_audio(960)
    table.send("input_audio_buffer.commit")
    table.pass_time(8)
    table.report_transcript("What time is it?")
    table.pass_time(thinks_sec)
    table.send("response.create")
    assert "response.done" not in get_kinds(table.pass_time(left_sec - 0.3))
    assert get_ending(table.pass_time(0.5)) == ("failed", "response_timeout")


def test_words_that_nothing_waits_for_may_take_longer() -> None:
    table = Table(create_response=False)
    table.say()
    assert table.pass_time(20) == []


def test_the_time_of_tools_is_not_counted() -> None:
    """Their own limit bounds it."""
    table = Table()
    table.report(engine_events.ToolsReady((CLOCK,)))
    table.send("session.update", session={"output_modalities": ["text"]})
    table.send("response.create")
    table.pass_time(5)
    table.report(
        engine_events.ToolCallDelta(table.find_last(commands.Generate).response_id, 0, "call_1", "clock", "{}")
    )
    table.end_text()
    assert "response.done" not in get_kinds(table.pass_time(20))
    tool = table.find_last(commands.RunTool)
    table.report(engine_events.ToolCallDone(tool.response_id, tool.item_id, "Noon.", ""))
    assert table.find_last(commands.Generate).due_at == pytest.approx(table.now + 7)
    assert "response.done" not in get_kinds(table.pass_time(6.9))
    assert get_ending(table.pass_time(0.2)) == ("failed", "response_timeout")


def test_a_setting_says_how_long() -> None:
    table = ask_question(turn_budget_sec=5)
    assert get_ending(table.pass_time(5.1)) == ("failed", "response_timeout")
