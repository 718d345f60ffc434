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
from tests.support.realtime.harness import Table, kinds
from tests.support.realtime.wire import SPOKEN_REPLY

REPLY = "Sure, the library closes at six today. It"


def generates(table: Table) -> list[commands.Generate]:
    return [action for action in table.actions if isinstance(action, commands.Generate)]


def ahead(words: str = "When does the library close?", **turn_detection: Any) -> Table:
    """In the pause after the question: a reply was begun and its first clause has its sound."""
    table = Table(**turn_detection)
    table.audio(960, 0.9)
    table.audio(160, 0.0)
    assert table.transcript(words) == []
    table.write(REPLY)
    clause = table.last(commands.SpeakClause)
    table.engine(engine_events.SpeechAudio(clause.response_id, 0, bytes(400 * 48)))
    return table


def end(table: Table) -> list[dict[str, Any]]:
    """The silence that ends the utterance."""
    return table.audio(640, 0.0)


def test_it_works() -> None:
    table = ahead()
    [asked] = generates(table)
    assert asked.is_preemptive
    assert asked.messages[-1] == ContextMessage("user", "When does the library close?")
    assert kinds(table.events)[-1] == "input_audio_buffer.speech_started"  # nothing of it was sent
    assert not [action for action in table.actions if isinstance(action, commands.Save)]  # nor stored
    sent = end(table)
    assert kinds(sent) == [
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.completed",
        *SPOKEN_REPLY[:6],
    ]
    assert len(generates(table)) == 1
    assert table.last(commands.ReleaseSpeech).response_id == asked.response_id
    sent = table.end_text() + table.speak()
    assert sent[-1]["response"]["status"] == "completed"
    assert sent[-1]["response"]["id"] == asked.response_id
    assert table.last(DecisionOutcome) == DecisionOutcome("preemptive_generation", "hit")


def test_the_waterfall_tells_what_was_ahead() -> None:
    table = ahead()
    end(table)
    done = (table.end_text() + table.speak())[-1]
    waterfall = table.saved(done["response"]["output"][0]["id"]).waterfall
    assert waterfall["transcript"] == waterfall["first_token"] < 0
    assert waterfall["endpoint"] == waterfall["first_audio"] == 0


def test_no_clause_is_synthesised_twice() -> None:
    table = ahead()
    end(table)
    table.end_text()
    clauses = [action.index for action in table.actions if isinstance(action, commands.SpeakClause)]
    assert clauses == sorted(set(clauses))


def test_little_of_it_is_synthesised_before_the_endpoint() -> None:
    table = ahead()
    table.write(
        " opens again tomorrow morning at nine. And on Sunday it is closed all day long. On Mondays, too. "
        + 4 * "And there is more to tell of it. "
    )
    before = [action for action in table.actions if isinstance(action, commands.SpeakClause)]
    assert sum(len(clause.text) for clause in before) < 120
    end(table)
    after = [action for action in table.actions if isinstance(action, commands.SpeakClause)]
    assert [clause.index for clause in after] == list(range(len(after)))
    assert len(after) > len(before)


def test_it_is_dropped_when_the_user_goes_on() -> None:
    table = ahead()
    response_id = table.last(commands.Generate).response_id
    assert table.audio(320, 0.9) == []
    assert table.last(commands.Abort).id == response_id
    assert table.engine(engine_events.SpeechAudio(response_id, 0, bytes(480))) == []
    table.audio(256, 0.0)
    table.transcript("When does the library close on Sunday?")
    end(table)
    item = next(action.item for action in reversed(table.actions) if isinstance(action, commands.Save) and action.pcm)
    assert item.usage.discarded_input_tokens > 5
    assert item.usage.discarded_output_tokens == 11
    assert item.usage.discarded_tts_characters > 3
    assert item.usage.stt_seconds == 3.0  # both transcripts


def test_what_it_cost_is_known_once_all_its_words_had_come() -> None:
    table = ahead()
    table.end_text()
    table.audio(320, 0.9)
    discarded = table.last(DiscardedUsage)
    assert (discarded.input_tokens, discarded.output_tokens) == (20, 5)


def test_it_is_dropped_when_the_last_words_differ() -> None:
    table = Table(setup=SessionSetup(has_streaming_stt=True))
    table.audio(960, 0.9)
    table.hear("When does the library close?")
    table.audio(160, 0.0)
    [first] = generates(table)
    table.transcript("When does the library close today?")
    table.audio(64, 0.0)
    assert [action.id for action in table.actions if isinstance(action, commands.Abort)] == [first.response_id]
    assert generates(table)[-1].messages[-1] == ContextMessage("user", "When does the library close today?")


def test_none_is_begun_inside_a_word() -> None:
    """The closure of a “t” is a window of quiet: it would cost a try, on half of the words."""
    table = Table(setup=SessionSetup(has_streaming_stt=True))
    table.audio(960, 0.9)
    table.hear("When does the")
    table.audio(64, 0.0)
    table.audio(320, 0.9)
    assert generates(table) == []


def test_case_and_punctuation_may_differ() -> None:
    table = Table(setup=SessionSetup(has_streaming_stt=True))
    table.audio(960, 0.9)
    table.hear("when does the library close")
    table.audio(160, 0.0)
    table.transcript("When does the library close?")
    end(table)
    assert len(generates(table)) == 1
    assert table.last(DecisionOutcome).outcome == "hit"


@pytest.mark.parametrize(("one", "other"), [("लड़का", "लड़की"), ("กิน", "กัน"), ("What are 20 $?", "What are 20 €?")])
def test_a_sign_may_make_another_word(one: str, other: str) -> None:
    assert has_same_words(one, one + ".")
    assert not has_same_words(one, other)


def test_it_is_dropped_when_the_context_changed() -> None:
    table = ahead()
    table.client("session.update", session={"instructions": "Speak like a pirate."})
    end(table)
    assert table.last(DecisionOutcome).outcome == "miss"
    assert generates(table)[-1].messages[0] == ContextMessage("system", "Speak like a pirate.")
    question = next(action.item for action in table.actions if isinstance(action, commands.Save) and action.pcm)
    assert table.saved(question.id).usage.discarded_output_tokens > 0


def test_a_reply_that_failed_ahead_is_begun_again() -> None:
    table = ahead()
    table.engine(
        engine_events.GenerationFailed(
            table.last(commands.Generate).response_id, Failure("engine_timeout", "Too slow.")
        )
    )
    assert "response.done" not in kinds(end(table))
    assert len(generates(table)) == 2


def test_it_is_tried_three_times_a_turn() -> None:
    table = Table()
    for _ in range(6):
        table.audio(320, 0.9)
        table.audio(448, 0.0)
        if table.awaits_words:
            table.transcript("One more thing.")
    assert len(generates(table)) == 3


def test_it_can_be_switched_off() -> None:
    table = Table(setup=SessionSetup(preemptive_generation=False))
    table.audio(960, 0.9)
    table.audio(320, 0.0)
    assert not [action for action in table.actions if isinstance(action, commands.Transcribe)]
    end(table)
    table.transcript("When does the library close?")
    assert not table.last(commands.Generate).is_preemptive


def test_no_reply_is_begun_where_none_is_wanted() -> None:
    table = Table(create_response=False)
    table.audio(960, 0.9)
    table.audio(320, 0.0)
    table.transcript("When does the library close?")
    end(table)
    assert generates(table) == []


def test_it_ends_with_the_session() -> None:
    table = ahead()
    table.engine(engine_events.ClientGone())
    assert table.last(commands.Abort).id == table.last(commands.Generate).response_id
    assert "response.created" not in kinds(table.events)


def test_it_ends_when_the_client_has_asked_before_the_words_were_known() -> None:
    table = Table(setup=SessionSetup(has_streaming_stt=True), silence_duration_ms=2000)
    table.audio(960, 0.9)
    table.hear("When does it close")
    table.audio(1216, 0.0)
    [draft] = generates(table)
    table.client("input_audio_buffer.commit")
    table.client("response.create")
    table.transcript("When does it close?")
    assert len(generates(table)) == 2
    assert table.last(commands.Abort).id == draft.response_id


def test_a_typed_question_takes_its_place() -> None:
    table = ahead()
    draft = table.last(commands.Generate).response_id
    part = {"type": "input_text", "text": "Never mind, what is the time?"}
    table.client("conversation.item.create", item={"type": "message", "role": "user", "content": [part]})
    table.client("response.create")
    assert draft in [action.id for action in table.actions if isinstance(action, commands.Abort)]
    assert table.last(commands.Generate).messages[-1].words == "Never mind, what is the time?"


def ask_ahead(table: Table, words: str) -> commands.SpeakClause:
    """A question and a pause whose wait is over; the first clause of the reply was asked for and makes no sound yet."""
    table.audio(960, 0.9)
    table.audio(160, 0.0)
    table.transcript(words)
    table.audio(480, 0.0)
    table.write(REPLY)
    return [action for action in table.actions if isinstance(action, commands.SpeakClause) and action.index == 0][-1]


def sound(table: Table, clause: commands.SpeakClause) -> list[dict[str, Any]]:
    return table.engine(engine_events.SpeechAudio(clause.response_id, clause.index, bytes(400 * 48)))


def test_the_endpoint_comes_a_moment_before_the_first_sound_is_expected() -> None:
    """So that the sound does not wait for the store."""
    table = Table(type="semantic_vad", eagerness="medium")
    clause = ask_ahead(table, "When does the library close?")
    assert table.pass_time(0.3) == []
    assert kinds(sound(table, clause))[0] == "input_audio_buffer.speech_stopped"  # the first one is unexpected
    table.end_text()
    table.speak()
    table.pass_time(2)
    clause = ask_ahead(table, "And when does it open?")
    assert table.pass_time(0.24) == []
    assert kinds(table.pass_time(0.02))[0] == "input_audio_buffer.speech_stopped"
    assert "response.output_audio.delta" in kinds(sound(table, clause))


def test_a_reply_to_other_words_is_not_waited_for() -> None:
    """The tries are used up, and then the last word comes."""
    table = Table(type="semantic_vad", eagerness="medium", setup=SessionSetup(has_streaming_stt=True))
    table.audio(960, 0.9)
    for words in ("It is fine.", "It is fine now.", "It is fine now, thanks."):
        table.hear(words)
        table.audio(128, 0.0)
    assert len(generates(table)) == 3
    table.hear("It is fine now, thanks a lot.")
    assert "input_audio_buffer.speech_stopped" in kinds(table.audio(96, 0.0))


def test_who_goes_on_is_not_cut_off_by_what_was_expected() -> None:
    table = Table(type="semantic_vad", eagerness="medium")
    sound(table, ask_ahead(table, "When does the library close?"))
    table.end_text()
    table.speak()
    table.pass_time(2)
    ask_ahead(table, "And when does it open?")
    table.audio(64, 0.9)
    assert Deadline("preemptive") not in table.deadlines
    assert table.pass_time(1) == []
