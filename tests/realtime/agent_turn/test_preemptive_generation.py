"""Replies begun ahead of the endpoint."""

from typing import Any

import pytest

from conversations.realtime import commands, engine_events
from conversations.realtime.agent_turn.context import ContextMessage
from conversations.realtime.agent_turn.preemptive_generation import has_same_words
from conversations.realtime.deadlines import Deadline
from conversations.realtime.measurements import DecisionOutcome, DiscardedUsage
from conversations.realtime.protocol.errors import Failure
from conversations.realtime.state import SessionSetup
from tests.support.realtime.harness import Table, get_kinds
from tests.support.realtime.wire import SPOKEN_REPLY

REPLY = "Sure, the library closes at six today. It"


def find_generations(table: Table) -> list[commands.Generate]:
    return [action for action in table.actions if isinstance(action, commands.Generate)]


def begin_preemptively(words: str = "When does the library close?", **turn_detection: Any) -> Table:
    """Return a table in the pause after a question: a reply was begun, and its first clause has its sound."""
    table = Table(**turn_detection)
    table.send_audio(960, 0.9)
    table.send_audio(160, 0.0)
    assert table.report_transcript(words) == []
    table.write(REPLY)
    clause = table.find_last(commands.SpeakClause)
    table.report(engine_events.SpeechAudio(clause.response_id, 0, bytes(400 * 48)))
    return table


def end_utterance(table: Table) -> list[dict[str, Any]]:
    """Send the silence that ends the utterance."""
    return table.send_audio(640, 0.0)


def test_it_works() -> None:
    table = begin_preemptively()
    [asked] = find_generations(table)
    assert asked.is_preemptive
    assert asked.messages[-1] == ContextMessage("user", "When does the library close?")
    assert get_kinds(table.events)[-1] == "input_audio_buffer.speech_started"  # nothing of it was sent
    assert not [action for action in table.actions if isinstance(action, commands.Save)]  # nor stored
    sent = end_utterance(table)
    assert get_kinds(sent) == [
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.completed",
        *SPOKEN_REPLY[:6],
    ]
    assert len(find_generations(table)) == 1
    assert table.find_last(commands.ReleaseSpeech).response_id == asked.response_id
    sent = table.end_text() + table.speak()
    assert sent[-1]["response"]["status"] == "completed"
    assert sent[-1]["response"]["id"] == asked.response_id
    assert table.find_last(DecisionOutcome) == DecisionOutcome("preemptive_generation", "hit")


def test_the_waterfall_tells_what_was_ahead() -> None:
    table = begin_preemptively()
    end_utterance(table)
    done = (table.end_text() + table.speak())[-1]
    waterfall = table.get_saved(done["response"]["output"][0]["id"]).waterfall
    assert waterfall["transcript"] == waterfall["first_token"] < 0
    assert waterfall["endpoint"] == waterfall["first_audio"] == 0


def test_no_clause_is_synthesised_twice() -> None:
    table = begin_preemptively()
    end_utterance(table)
    table.end_text()
    clauses = [action.index for action in table.actions if isinstance(action, commands.SpeakClause)]
    assert clauses == sorted(set(clauses))


def test_little_of_it_is_synthesised_before_the_endpoint() -> None:
    table = begin_preemptively()
    table.write(
        " opens again tomorrow morning at nine. And on Sunday it is closed all day long. On Mondays, too. "
        + 4 * "And there is more to tell of it. "
    )
    before = [action for action in table.actions if isinstance(action, commands.SpeakClause)]
    assert sum(len(clause.text) for clause in before) < 120
    end_utterance(table)
    after = [action for action in table.actions if isinstance(action, commands.SpeakClause)]
    assert [clause.index for clause in after] == list(range(len(after)))
    assert len(after) > len(before)


def test_it_is_dropped_when_the_user_goes_on() -> None:
    table = begin_preemptively()
    response_id = table.find_last(commands.Generate).response_id
    assert table.send_audio(320, 0.9) == []
    assert table.find_last(commands.Abort).id == response_id
    assert table.report(engine_events.SpeechAudio(response_id, 0, bytes(480))) == []
    table.send_audio(256, 0.0)
    table.report_transcript("When does the library close on Sunday?")
    end_utterance(table)
    item = next(action.item for action in reversed(table.actions) if isinstance(action, commands.Save) and action.pcm)
    assert item.usage.discarded_input_tokens > 5
    assert item.usage.discarded_output_tokens == 11
    assert item.usage.discarded_tts_characters > 3
    assert item.usage.stt_seconds == 3.0  # both transcripts


def test_what_it_cost_is_known_once_all_its_words_had_come() -> None:
    table = begin_preemptively()
    table.end_text()
    table.send_audio(320, 0.9)
    discarded = table.find_last(DiscardedUsage)
    assert (discarded.input_tokens, discarded.output_tokens) == (20, 5)


def test_it_is_dropped_when_the_last_words_differ() -> None:
    table = Table(setup=SessionSetup(has_streaming_stt=True))
    table.send_audio(960, 0.9)
    table.hear("When does the library close?")
    table.send_audio(160, 0.0)
    [first] = find_generations(table)
    table.report_transcript("When does the library close today?")
    table.send_audio(64, 0.0)
    assert [action.id for action in table.actions if isinstance(action, commands.Abort)] == [first.response_id]
    assert find_generations(table)[-1].messages[-1] == ContextMessage("user", "When does the library close today?")


def test_none_is_begun_inside_a_word() -> None:
    """The closure of a “t” is a window of quiet: it would cost a try, on half of the words."""
    table = Table(setup=SessionSetup(has_streaming_stt=True))
    table.send_audio(960, 0.9)
    table.hear("When does the")
    table.send_audio(64, 0.0)
    table.send_audio(320, 0.9)
    assert find_generations(table) == []


def test_case_and_punctuation_may_differ() -> None:
    table = Table(setup=SessionSetup(has_streaming_stt=True))
    table.send_audio(960, 0.9)
    table.hear("when does the library close")
    table.send_audio(160, 0.0)
    table.report_transcript("When does the library close?")
    end_utterance(table)
    assert len(find_generations(table)) == 1
    assert table.find_last(DecisionOutcome).outcome == "hit"


@pytest.mark.parametrize(("one", "other"), [("लड़का", "लड़की"), ("กิน", "กัน"), ("What are 20 $?", "What are 20 €?")])
def test_a_sign_may_make_another_word(one: str, other: str) -> None:
    assert has_same_words(one, one + ".")
    assert not has_same_words(one, other)


def test_it_is_dropped_when_the_context_changed() -> None:
    table = begin_preemptively()
    table.send("session.update", session={"instructions": "Speak like a pirate."})
    end_utterance(table)
    assert table.find_last(DecisionOutcome).outcome == "miss"
    assert find_generations(table)[-1].messages[0] == ContextMessage("system", "Speak like a pirate.")
    question = next(action.item for action in table.actions if isinstance(action, commands.Save) and action.pcm)
    assert table.get_saved(question.id).usage.discarded_output_tokens > 0


def test_a_reply_that_failed_ahead_is_begun_again() -> None:
    table = begin_preemptively()
    table.report(
        engine_events.GenerationFailed(
            table.find_last(commands.Generate).response_id, Failure("engine_timeout", "Too slow.")
        )
    )
    assert "response.done" not in get_kinds(end_utterance(table))
    assert len(find_generations(table)) == 2


def test_it_is_tried_three_times_a_turn() -> None:
    table = Table()
    for _ in range(6):
        table.send_audio(320, 0.9)
        table.send_audio(448, 0.0)
        if table.is_awaiting_transcript:
            table.report_transcript("One more thing.")
    assert len(find_generations(table)) == 3


def test_it_can_be_switched_off() -> None:
    table = Table(setup=SessionSetup(preemptive_generation=False))
    table.send_audio(960, 0.9)
    table.send_audio(320, 0.0)
    assert not [action for action in table.actions if isinstance(action, commands.Transcribe)]
    end_utterance(table)
    table.report_transcript("When does the library close?")
    assert not table.find_last(commands.Generate).is_preemptive


def test_no_reply_is_begun_where_none_is_wanted() -> None:
    table = Table(create_response=False)
    table.send_audio(960, 0.9)
    table.send_audio(320, 0.0)
    table.report_transcript("When does the library close?")
    end_utterance(table)
    assert find_generations(table) == []


def test_it_ends_with_the_session() -> None:
    table = begin_preemptively()
    table.report(engine_events.ClientGone())
    assert table.find_last(commands.Abort).id == table.find_last(commands.Generate).response_id
    assert "response.created" not in get_kinds(table.events)


def test_it_ends_when_the_client_has_asked_before_the_words_were_known() -> None:
    table = Table(setup=SessionSetup(has_streaming_stt=True), silence_duration_ms=2000)
    table.send_audio(960, 0.9)
    table.hear("When does it close")
    table.send_audio(1216, 0.0)
    [draft] = find_generations(table)
    table.send("input_audio_buffer.commit")
    table.send("response.create")
    table.report_transcript("When does it close?")
    assert len(find_generations(table)) == 2
    assert table.find_last(commands.Abort).id == draft.response_id


def test_a_typed_question_takes_its_place() -> None:
    table = begin_preemptively()
    draft = table.find_last(commands.Generate).response_id
    part = {"type": "input_text", "text": "Never mind, what is the time?"}
    table.send("conversation.item.create", item={"type": "message", "role": "user", "content": [part]})
    table.send("response.create")
    assert draft in [action.id for action in table.actions if isinstance(action, commands.Abort)]
    assert table.find_last(commands.Generate).messages[-1].words == "Never mind, what is the time?"


def ask_ahead(table: Table, words: str) -> commands.SpeakClause:
    """Send a question and wait out its pause; return the first clause of the reply, which has no sound yet."""
    table.send_audio(960, 0.9)
    table.send_audio(160, 0.0)
    table.report_transcript(words)
    table.send_audio(480, 0.0)
    table.write(REPLY)
    return [action for action in table.actions if isinstance(action, commands.SpeakClause) and action.index == 0][-1]


def report_sound(table: Table, clause: commands.SpeakClause) -> list[dict[str, Any]]:
    return table.report(engine_events.SpeechAudio(clause.response_id, clause.index, bytes(400 * 48)))


def test_the_endpoint_comes_a_moment_before_the_first_sound_is_expected() -> None:
    """So that the sound does not wait for the store."""
    table = Table(type="semantic_vad", eagerness="medium")
    clause = ask_ahead(table, "When does the library close?")
    assert table.pass_time(0.3) == []
    assert (
        get_kinds(report_sound(table, clause))[0] == "input_audio_buffer.speech_stopped"
    )  # the first one is unexpected
    table.end_text()
    table.speak()
    table.pass_time(2)
    clause = ask_ahead(table, "And when does it open?")
    assert table.pass_time(0.24) == []
    assert get_kinds(table.pass_time(0.02))[0] == "input_audio_buffer.speech_stopped"
    assert "response.output_audio.delta" in get_kinds(report_sound(table, clause))


def test_a_reply_to_other_words_is_not_waited_for() -> None:
    """The tries are used up, and then the last word comes."""
    table = Table(type="semantic_vad", eagerness="medium", setup=SessionSetup(has_streaming_stt=True))
    table.send_audio(960, 0.9)
    for words in ("It is fine.", "It is fine now.", "It is fine now, thanks."):
        table.hear(words)
        table.send_audio(128, 0.0)
    assert len(find_generations(table)) == 3
    table.hear("It is fine now, thanks a lot.")
    assert "input_audio_buffer.speech_stopped" in get_kinds(table.send_audio(96, 0.0))


def test_who_goes_on_is_not_cut_off_by_what_was_expected() -> None:
    table = Table(type="semantic_vad", eagerness="medium")
    report_sound(table, ask_ahead(table, "When does the library close?"))
    table.end_text()
    table.speak()
    table.pass_time(2)
    ask_ahead(table, "And when does it open?")
    table.send_audio(64, 0.9)
    assert Deadline("preemptive") not in table.deadlines
    assert table.pass_time(1) == []
