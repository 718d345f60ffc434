"""One budget a turn, from the end of speech to the first sound, whichever engine is slow; a word at three."""

import base64
from typing import Any

import pytest

from conversations.pcm import BYTES_PER_MS
from conversations.realtime import commands, engine_events
from conversations.realtime.protocol.tools import Tool
from conversations.realtime.relay.commands import Reconnect
from conversations.realtime.state import Limits
from tests.support.realtime.budget import LONG, ask_question, get_ending, sound
from tests.support.realtime.harness import BARGE_IN_MS, Table, kinds
from tests.support.realtime.relay_table import RelayTable

CLOCK = Tool("clock", "The time.", {"type": "object", "properties": {}}, "site")


def fills(table: Table) -> list[commands.SpeakFiller]:
    return [action for action in table.actions if isinstance(action, commands.SpeakFiller)]


def fill(table: Table, ms: int = 800) -> list[dict[str, Any]]:
    return table.engine(
        engine_events.FillerReady(table.last(commands.SpeakFiller).response_id, bytes(ms * BYTES_PER_MS))
    )


# The budget.


def test_a_model_that_is_slow_is_given_up_in_time() -> None:
    table = ask_question()
    assert "response.done" not in kinds(table.pass_time(11.9))
    assert get_ending(table.pass_time(0.2)) == ("failed", "response_timeout")


def test_engines_that_are_slow_one_behind_the_other_have_one_budget() -> None:
    """Four seconds each: none of them is slow by itself."""
    table = Table()
    table.say()
    began_at = table.now
    table.pass_time(4)
    table.transcript("What time is it?")
    table.pass_time(4)
    table.write(LONG)
    table.end_text()
    assert get_ending(table.pass_time(4.1)) == ("failed", "response_timeout")
    assert table.now - began_at < 12.2


def test_each_engine_is_told_what_is_left() -> None:
    table = Table()
    table.say()
    ended_at = table.now
    due_at = table.last(commands.Transcribe).due_at
    assert due_at is None  # asked in the pause, ahead of the endpoint
    table.pass_time(1)
    table.transcript("What time is it?")
    assert table.last(commands.Generate).due_at == pytest.approx(ended_at + 12, abs=0.2)


def test_speech_to_text_that_is_asked_at_the_endpoint_is_told_too() -> None:
    table = Table(limits=Limits(max_utterance_ms=2000))
    table.audio(2240, 0.9)
    assert table.last(commands.Transcribe).due_at == pytest.approx(table.now + 12, abs=0.5)


def test_a_typed_question_has_a_budget_too() -> None:
    table = ask_question("text")
    assert table.last(commands.Generate).due_at == pytest.approx(table.now + 12)
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
    assert kinds(sent) == ["conversation.item.input_audio_transcription.failed"]
    assert sent[0]["error"]["code"] == "engine_timeout"


@pytest.mark.parametrize(("thinks_sec", "left_sec"), [(0.1, 4.1), (5, 12.1)])
def test_words_that_a_client_waited_for_are_part_of_it(thinks_sec: float, left_sec: float) -> None:
    """As a turn over HTTP asks for the response; who takes time has a budget from there."""
    table = Table()
    table.manual()
    table.audio(960)
    table.client("input_audio_buffer.commit")
    table.pass_time(8)
    table.transcript("What time is it?")
    table.pass_time(thinks_sec)
    table.client("response.create")
    assert "response.done" not in kinds(table.pass_time(left_sec - 0.3))
    assert get_ending(table.pass_time(0.5)) == ("failed", "response_timeout")


def test_words_that_nothing_waits_for_may_take_longer() -> None:
    table = Table(create_response=False)
    table.say()
    assert table.pass_time(20) == []


def test_the_time_of_tools_is_not_counted() -> None:
    """Their own limit bounds it."""
    table = Table()
    table.engine(engine_events.ToolsReady((CLOCK,)))
    table.client("session.update", session={"output_modalities": ["text"]})
    table.client("response.create")
    table.pass_time(5)
    table.engine(engine_events.ToolCallDelta(table.last(commands.Generate).response_id, 0, "call_1", "clock", "{}"))
    table.end_text()
    assert "response.done" not in kinds(table.pass_time(20))
    tool = table.last(commands.RunTool)
    table.engine(engine_events.ToolCallDone(tool.response_id, tool.item_id, "Noon.", ""))
    assert table.last(commands.Generate).due_at == pytest.approx(table.now + 7)
    assert "response.done" not in kinds(table.pass_time(6.9))
    assert get_ending(table.pass_time(0.2)) == ("failed", "response_timeout")


def test_a_setting_says_how_long() -> None:
    table = ask_question(turn_budget_sec=5)
    assert get_ending(table.pass_time(5.1)) == ("failed", "response_timeout")


# A model that thinks.


def think(table: Table, seconds: int) -> list[dict[str, Any]]:
    """As the driver reports it: at once, then each second. Returns what was sent meanwhile."""
    sent = []
    for _ in range(seconds):
        sent += table.engine(engine_events.Thinking(table.last(commands.Generate).response_id))
        sent += table.pass_time(1)
    return sent


@pytest.mark.parametrize("modality", ["audio", "text"])
def test_the_time_of_thoughts_is_not_counted(modality: str) -> None:
    table = ask_question(modality)
    table.pass_time(2)
    assert "response.done" not in kinds(think(table, 17))
    assert "response.done" not in kinds(table.pass_time(9.9))
    sent = table.write(LONG) + table.end_text()
    if modality == "audio":
        assert table.last(commands.SpeakClause).due_at == pytest.approx(table.now + 0.1)
        sent += table.speak()
    assert get_ending(sent) == ("completed", "")


def test_what_is_left_of_the_budget_holds_behind_them() -> None:
    table = ask_question()
    table.pass_time(2)
    think(table, 17)
    assert "response.done" not in kinds(table.pass_time(9.9))
    assert get_ending(table.pass_time(0.2)) == ("failed", "response_timeout")


def test_thoughts_without_an_end_are_given_up() -> None:
    table = ask_question(thinking_sec=20)
    began_at = table.now
    sent: list[dict[str, Any]] = []
    while "response.done" not in kinds(sent):
        sent += think(table, 1)
    assert get_ending(sent) == ("failed", "response_timeout")
    assert 32 <= table.now - began_at <= 33
    assert isinstance(table.actions[-1], commands.SetDeadline)
    assert table.last(commands.Abort).id == table.last(commands.Generate).response_id


def test_a_setting_leaves_no_time_for_thoughts() -> None:
    table = ask_question(thinking_sec=0)
    assert get_ending(think(table, 13)) == ("failed", "response_timeout")


def test_thoughts_in_several_rounds_share_one_bound() -> None:
    table = Table(limits=Limits(thinking_sec=20))
    table.engine(engine_events.ToolsReady((CLOCK,)))
    table.client("session.update", session={"output_modalities": ["text"]})
    table.client("response.create")
    think(table, 15)
    table.engine(engine_events.ToolCallDelta(table.last(commands.Generate).response_id, 0, "call_1", "clock", "{}"))
    table.end_text()
    tool = table.last(commands.RunTool)
    table.engine(engine_events.ToolCallDone(tool.response_id, tool.item_id, "Noon.", ""))
    assert "response.done" not in kinds(think(table, 16))  # 12 s of the budget, and the 5 s that were left
    assert get_ending(think(table, 2)) == ("failed", "response_timeout")


def test_thoughts_after_the_first_sound_are_bounded_too() -> None:
    table = ask_question(thinking_sec=40)
    table.write(f"{LONG}Let ")
    sound(table, 0, 1000, is_whole=True)
    assert "response.done" not in kinds(think(table, 60))
    assert get_ending(think(table, 15)) == ("failed", "response_timeout")


def test_a_response_out_of_band_may_think_as_long() -> None:
    table = Table(limits=Limits(thinking_sec=60))
    table.client("response.create", response={"conversation": "none"})
    assert "response.done" not in kinds(think(table, 50))
    sent = table.write(LONG) + table.end_text()
    clause = table.last(commands.SpeakClause)
    sent += table.engine(engine_events.SpeechAudio(clause.response_id, 0, bytes(100 * BYTES_PER_MS)))
    assert get_ending(sent + table.engine(engine_events.SpeechDone(clause.response_id, 0))) == ("completed", "")


def test_one_word_bridges_long_thoughts() -> None:
    table = ask_question()
    think(table, 4)
    assert len(fills(table)) == 1
    fill(table)
    think(table, 30)
    assert len(fills(table)) == 1


def test_the_first_clause_behind_tools_is_told_the_budget_that_stood_still() -> None:
    table = Table()
    table.engine(engine_events.ToolsReady((CLOCK,)))
    table.client("response.create")
    table.pass_time(3.1)
    fill(table)
    table.engine(engine_events.ToolCallDelta(table.last(commands.Generate).response_id, 0, "call_1", "clock", "{}"))
    table.end_text()
    table.pass_time(20)
    tool = table.last(commands.RunTool)
    table.engine(engine_events.ToolCallDone(tool.response_id, tool.item_id, "Noon.", ""))
    table.write(LONG)
    table.end_text()
    assert table.last(commands.SpeakClause).due_at == pytest.approx(table.now + 8.9)


# A word that bridges the silence.


def test_it_works() -> None:
    table = ask_question()
    table.pass_time(2.9)
    assert fills(table) == []
    table.pass_time(0.2)
    assert [one.text for one in fills(table)] == ["One moment."]
    sent = fill(table)
    assert kinds(sent)[:3] == ["response.output_item.added", "conversation.item.added", "response.content_part.added"]
    assert "response.output_audio.delta" in kinds(sent)
    table.pass_time(2)
    table.write(LONG)
    table.end_text()
    done = table.speak()[-1]["response"]
    assert (done["status"], done["output"][0]["content"][0]["transcript"]) == ("completed", LONG)
    stored = table.saved(done["output"][0]["id"])
    assert (stored.text, stored.heard_text, stored.audio_samples) == (LONG, None, 24 * 1800)


def test_it_is_no_answer() -> None:
    """Neither for the budget, nor for the model, nor for the history."""
    table = ask_question()
    table.pass_time(3.1)
    fill(table)
    assert get_ending(table.pass_time(9)) == ("failed", "response_timeout")
    item = next(iter(table.machine.state.log))
    assert (item.text, item.context_text) == ("", "")
    assert table.saved(item.id).text == ""


def test_it_is_of_the_assistants_language() -> None:
    table = Table()
    transcription = {"transcription": {"model": "m", "language": "de-AT"}}
    table.client("session.update", session={"audio": {"input": transcription}})
    table.client("response.create")
    table.pass_time(3.1)
    assert table.last(commands.SpeakFiller).text == "Einen Moment."


def test_it_bridges_words_that_come_late_too() -> None:
    """A response is begun before it is known whether there are any."""
    table = Table()
    table.say()
    sent = table.pass_time(3.1)
    assert kinds(sent) == ["response.created"]
    assert len(fills(table)) == 1
    fill(table)
    table.transcript("What time is it?")
    assert table.last(commands.Generate).messages[-1].words == "What time is it?"
    table.write(LONG)
    table.end_text()
    assert get_ending(table.speak()) == ("completed", "")


def test_noise_whose_words_come_late_is_not_answered() -> None:
    table = Table()
    table.say()
    table.pass_time(3.1)
    fill(table)
    assert get_ending(table.transcript("")) == ("cancelled", "")
    assert not [action for action in table.actions if isinstance(action, commands.Generate)]


def test_words_that_fail_after_it_are_the_reason() -> None:
    table = Table()
    table.say()
    table.pass_time(3.1)
    sent = table.fail_transcript(table.last(commands.Transcribe))
    assert kinds(sent)[0].endswith("transcription.failed")
    assert get_ending(sent) == ("failed", "engine_timeout")


def test_one_that_comes_behind_the_reply_is_dropped() -> None:
    table = ask_question()
    table.pass_time(3.1)
    table.write(LONG)
    table.end_text()
    sound(table, 0, 400)
    assert fill(table) == []


def test_none_where_nobody_listens() -> None:
    texts, out_of_band, off = ask_question("text"), Table(), ask_question(filler_sec=None)
    out_of_band.client("response.create", response={"conversation": "none"})
    for table in (texts, out_of_band, off):
        table.pass_time(6)
        assert fills(table) == []


def test_none_while_the_user_speaks() -> None:
    table = Table()
    table.client("session.update", session={"extensions": ["playback"]})
    table.client("response.create")
    table.audio(4000, 0.9)
    table.pass_time(0.1)
    assert fills(table) == []


def test_none_while_the_last_reply_is_still_played() -> None:
    table = ask_question()
    table.write(LONG)
    table.end_text()
    table.speak(8000)
    table.client("response.create")
    table.pass_time(4)
    assert fills(table) == []


def test_only_one() -> None:
    table = ask_question()
    table.pass_time(11)
    assert len(fills(table)) == 1


def test_who_speaks_over_it_ends_the_response() -> None:
    table = ask_question()
    table.pass_time(3.1)
    fill(table, 2000)
    sent = table.audio(BARGE_IN_MS, 0.9)
    assert get_ending(sent) == ("cancelled", "")


def test_what_was_heard_is_told_apart_from_it() -> None:
    """The client counts its milliseconds as sound of the item."""
    table = ask_question()
    table.pass_time(3.1)
    item_id = fill(table, 800)[0]["item"]["id"]
    table.write("One two three four. ")
    table.end_text()
    table.speak(2000)
    table.client("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=800)
    assert table.saved(item_id).heard_text == ""
    table.client("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=1700)
    assert table.saved(item_id).heard_text == "One two"


# Speech that comes too slowly.


def drip(table: Table, sound_ms: int, every_sec: float, most_sec: float = 60.0) -> float:
    """How long a clause's speech lasts that comes so slowly: until it is given up, or `most_sec`."""
    began_at = table.now
    while table.now - began_at < most_sec and table.machine.agent_turn.response is not None:
        sound(table, 0, sound_ms)
        table.pass_time(every_sec)
    return table.now - began_at


def test_a_drip_of_sound_is_no_progress() -> None:
    table = ask_question()
    table.write(LONG)
    table.end_text()
    assert drip(table, 1, 1.0) < 8


def test_half_the_pace_is_given_up_too() -> None:
    table = ask_question()
    table.write(LONG)
    table.end_text()
    assert drip(table, 500, 1.0) < 25


@pytest.mark.parametrize(("sound_ms", "every_sec"), [(1000, 1.0), (900, 1.0), (3000, 3.0), (200, 0.1)])
def test_speech_at_its_own_pace_goes_on(sound_ms: int, every_sec: float) -> None:
    table = ask_question()
    table.write(LONG)
    table.end_text()
    assert drip(table, sound_ms, every_sec) >= 60


def test_a_clause_that_never_comes_is_given_up_once_the_ones_before_it_were_played() -> None:
    table = ask_question()
    table.write(f"{LONG}The sun is high. ")
    table.end_text()
    sound(table, 0, 4000, is_whole=True)
    assert "response.done" not in kinds(table.pass_time(8.5))
    assert get_ending(table.pass_time(1)) == ("failed", "response_timeout")


def test_a_model_that_pauses_between_two_clauses_owes_no_sound() -> None:
    table = ask_question()
    table.write(LONG)
    table.write("And then ")
    sound(table, 0, 1000, is_whole=True)
    assert table.pass_time(15) == []
    table.write("there is more to say. ")
    table.end_text()
    assert get_ending(table.speak()) == ("completed", "")


def test_time_in_which_playback_stands_is_none() -> None:
    table = ask_question()
    table.client("session.update", session={"extensions": ["playback"]})
    table.write(LONG)
    table.end_text()
    sound(table, 0, 500)
    table.audio(12_000, 0.9)
    assert table.machine.agent_turn.response is None or table.machine.agent_turn.response.playback.paused_at is not None


# Speech to speech.


def test_speech_to_speech_has_the_same_budget() -> None:
    table = RelayTable()
    table.utterance("item_said", 0, 1000)
    table.upstream("input_audio_buffer.speech_started", audio_start_ms=1500, item_id="item_more")
    table.upstream("input_audio_buffer.speech_stopped", audio_end_ms=2000, item_id="item_more")
    table.committed("item_more")
    began_at = table.now
    table.words("item_more", "What time is it?")
    table.wait(12.1)
    assert table.sent[-1]["error"]["code"] == "engine_timeout"
    assert isinstance(table.actions[-1], Reconnect)
    assert table.now - began_at < 13


def test_speech_to_speech_that_has_all_been_said_may_take_its_time() -> None:
    """To call a tool, as a rule."""
    table = RelayTable()
    table.begin("one", "It is noon.", 1000)
    table.upstream("response.output_audio.done", **table.place("one"))
    table.wait(20)
    assert not [event for event in table.sent if event["type"] in ("response.done", "error")]


def test_speech_to_speech_that_falls_silent_amid_its_words_is_left() -> None:
    table = RelayTable()
    table.begin("one", "It is noon.", 1000)
    table.wait(5.9)
    assert not table.wants_reconnection
    table.wait(0.2)
    assert table.wants_reconnection
    assert [event["response"]["status"] for event in table.sent if event["type"] == "response.done"] == ["failed"]


@pytest.mark.parametrize(("ms", "every_sec", "is_left"), [(1, 0.3, True), (100, 0.3, True), (200, 0.1, False)])
def test_a_drip_of_speech_to_speech_is_no_progress(ms: int, every_sec: float, *, is_left: bool) -> None:
    table = RelayTable()
    table.begin("one", "It is noon.", 1000)
    delta = base64.b64encode(bytes(ms * BYTES_PER_MS)).decode()
    for _ in range(60):
        table.wait(every_sec)
        if not table.wants_reconnection:
            table.upstream("response.output_audio.delta", **table.place("one"), delta=delta)
    assert table.wants_reconnection == is_left
