"""Barge-in in two steps, with a client that is the output audio buffer."""

from typing import Any

import pytest

from conversations.realtime import commands, engine_events
from conversations.realtime.agent_turn.context import ContextMessage
from conversations.realtime.measurements import DecisionOutcome
from conversations.realtime.state import SessionSetup
from tests.support.realtime.harness import BARGE_IN_MS, Table, get_kinds

REPLY = "The library closes at six today. It opens again tomorrow morning at nine o'clock. "
PLAYED_SEC = 1.0
PATIENT = {"type": "server_vad", "silence_duration_ms": 2000}


def begin_reply(setup: SessionSetup | None = None, **turn_detection: Any) -> Table:
    """Return a table on which 4 s of a reply were sent and one of them was played; more is to come."""
    table = Table(setup=setup, **turn_detection)
    table.send("session.update", session={"extensions": ["playback", "captions"]})
    table.say()
    table.report_transcript("When does the library close?")
    table.write(REPLY)
    clause = table.find_last(commands.SpeakClause)
    table.report(engine_events.SpeechAudio(clause.response_id, 0, bytes(4000 * 48)))
    table.now += PLAYED_SEC
    return table


def get_reply_id(table: Table) -> str:
    return str(table.find_last(commands.SpeakClause).response_id)


def get_outcome(table: Table) -> str:
    return str(table.find_last(DecisionOutcome).outcome)


def test_it_works() -> None:
    table = begin_reply()
    assert get_kinds(table.send_audio(BARGE_IN_MS, 0.9)) == ["input_audio_buffer.speech_started"]
    assert table.find_last(commands.HoldSpeech).response_id == get_reply_id(table)
    table.send_audio(320, 0.9)
    table.send_audio(160, 0.0)
    sent = table.report_transcript("Wait, what about Sunday?")
    assert get_kinds(sent)[0] == "output_audio_buffer.cleared"
    assert sent[0]["response_id"] == sent[-1]["response"]["id"] == get_reply_id(table)
    assert sent[-1]["response"]["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert get_outcome(table) == "confirmed"
    assert "response.created" in get_kinds(table.send_audio(640, 0.0))


def test_a_cough_lets_the_reply_go_on() -> None:
    table = begin_reply()
    table.send_audio(BARGE_IN_MS, 0.9)
    held = table.report(engine_events.SpeechAudio(get_reply_id(table), 0, bytes(200 * 48)))
    assert held == []
    table.send_audio(160, 0.0)
    sent = table.report_transcript("")
    assert get_kinds(sent) == ["output_audio_buffer.started", "response.output_audio.delta"]
    assert table.find_last(commands.ReleaseSpeech).response_id == get_reply_id(table)
    assert get_outcome(table) == "resumed"
    sent = table.send_audio(640, 0.0)
    assert "response.created" not in get_kinds(sent)
    sent = table.report(engine_events.SpeechDone(get_reply_id(table), 0)) + table.end_text() + table.speak()
    assert sent[-1]["response"]["status"] == "completed"


def test_words_after_a_cough_end_the_reply_without_another_pause() -> None:
    """The client would not hear of one, and play on while the server's clock of what was heard stands still."""
    table = begin_reply()
    table.send_audio(BARGE_IN_MS, 0.9)
    table.send_audio(160, 0.0)
    table.report_transcript("")
    table.send_audio(640, 0.9)
    assert len([action for action in table.actions if isinstance(action, commands.HoldSpeech)]) == 1
    table.send_audio(192, 0.0)
    sent = table.report_transcript("Wait, what about Sunday?")
    assert get_kinds(sent)[0] == "output_audio_buffer.cleared"


@pytest.mark.parametrize("words", ["Mhm.", "yeah"])
def test_a_sign_of_listening_is_kept_and_not_answered(words: str) -> None:
    table = begin_reply()
    table.send_audio(BARGE_IN_MS, 0.9)
    table.send_audio(160, 0.0)
    assert "output_audio_buffer.started" in get_kinds(table.report_transcript(words))
    sent = table.send_audio(640, 0.0)
    assert sent[-1]["transcript"] == words
    assert not [event for event in sent if event["type"] == "response.created"]


def test_the_same_word_answers_a_reply_that_is_nearly_over() -> None:
    table = begin_reply()
    table.end_text()
    table.speak()
    table.now += 4.5
    table.send_audio(BARGE_IN_MS, 0.9)
    table.send_audio(160, 0.0)
    assert "output_audio_buffer.cleared" in get_kinds(table.report_transcript("Yeah."))


def test_its_own_voice_does_not_interrupt_it() -> None:
    table = begin_reply()
    table.send_audio(BARGE_IN_MS, 0.9)
    table.send_audio(160, 0.0)
    assert "output_audio_buffer.started" in get_kinds(table.report_transcript("the library closes at six"))
    item = table.send_audio(640, 0.0)[-1]
    assert item["transcript"] == ""


def test_a_steady_echo_is_known_by_what_has_sounded_since() -> None:
    table = begin_reply()
    table.end_text()
    table.speak(3000)
    table.send_audio(BARGE_IN_MS, 0.95)
    table.send_audio(160, 0.0)
    assert "output_audio_buffer.started" in get_kinds(table.report_transcript("the library closes at six"))
    table.now += 6.0
    table.send_audio(640, 0.95)
    table.send_audio(256, 0.0)
    assert "output_audio_buffer.cleared" not in get_kinds(
        table.report_transcript("the library closes at six today it opens again tomorrow morning at nine")
    )


def test_the_pause_does_not_count_as_played() -> None:
    table = begin_reply()
    table.send_audio(BARGE_IN_MS, 0.9)
    table.send_audio(160, 0.0)
    table.now += 0.5
    table.report_transcript("")
    response = table.machine.agent_turn.response
    assert response is not None
    assert response.estimate_played_ms(table.now) < 1000 * PLAYED_SEC + BARGE_IN_MS


def test_words_of_speech_to_text_that_hears_at_once_interrupt_at_once() -> None:
    table = begin_reply(SessionSetup(has_streaming_stt=True))
    table.send_audio(BARGE_IN_MS, 0.9)
    sent = table.hear("Wait")
    assert get_kinds(sent)[0] == "output_audio_buffer.cleared"


def test_a_long_barge_in_is_looked_into() -> None:
    table = begin_reply()
    table.send_audio(640, 0.9)
    assert table.is_awaiting_transcript
    assert "output_audio_buffer.cleared" in get_kinds(table.report_transcript("No, I meant the one in"))
    table.send_audio(640, 0.9)
    table.send_audio(320, 0.0)
    table.report_transcript("No, I meant the one in the town hall.")
    table.send_audio(640, 0.0)
    assert table.find_last(commands.Generate).messages[-1] == ContextMessage(
        "user", "No, I meant the one in the town hall."
    )


def test_speech_without_known_words_is_meant_after_a_while() -> None:
    table = begin_reply()
    assert "output_audio_buffer.cleared" in get_kinds(table.send_audio(2560, 0.9))


def test_words_that_do_not_come_let_it_go_on() -> None:
    table = begin_reply()
    table.send("session.update", session={"audio": {"input": {"turn_detection": PATIENT}}})
    table.send_audio(BARGE_IN_MS, 0.9)
    assert "output_audio_buffer.started" in get_kinds(table.send_audio(1280, 0.0))


def test_words_that_come_late_still_interrupt() -> None:
    table = begin_reply()
    table.send("session.update", session={"audio": {"input": {"turn_detection": PATIENT}}})
    table.send_audio(BARGE_IN_MS, 0.9)
    table.send_audio(1280, 0.0)
    assert "output_audio_buffer.cleared" in get_kinds(table.report_transcript("Stop, please."))


def test_one_loud_window_holds_the_audio_for_a_moment() -> None:
    table = begin_reply()
    table.send_audio(32, 0.9)
    assert table.report(engine_events.SpeechAudio(get_reply_id(table), 0, bytes(200 * 48))) == []
    assert get_kinds(table.send_audio(32, 0.0)) == ["response.output_audio.delta"]


def test_speech_to_text_that_fails_lets_it_go_on() -> None:
    table = begin_reply()
    table.send_audio(BARGE_IN_MS, 0.9)
    table.send_audio(640, 0.0)
    asked = table.find_last(commands.Transcribe)
    sent = table.fail_transcript(asked)
    assert "output_audio_buffer.started" in get_kinds(sent)


def test_a_reply_that_is_only_still_played_is_paused_too() -> None:
    table = Table()
    table.send("session.update", session={"extensions": ["playback"]})
    table.run_turn(reply="The library closes at six today.")
    table.now += 0.4
    table.send_audio(BARGE_IN_MS, 0.9)
    table.send_audio(160, 0.0)
    sent = table.report_transcript("And tomorrow?")
    assert get_kinds(sent) == ["output_audio_buffer.cleared"]
    last = table.machine.agent_turn.playback_queue.last
    assert last is not None
    assert last.item.heard_ms is not None


def test_a_client_that_cancels_while_paused_is_obeyed() -> None:
    table = begin_reply()
    table.send_audio(BARGE_IN_MS, 0.9)
    assert table.send("response.cancel")[-1]["response"]["status"] == "cancelled"
    table.send_audio(160, 0.0)
    assert "output_audio_buffer.started" not in get_kinds(table.report_transcript(""))


def test_a_question_that_goes_on_before_its_reply_sounds_is_answered_whole() -> None:
    table = Table()
    table.send("session.update", session={"extensions": ["playback"]})
    table.say()
    table.report_transcript("When does the library close?")
    table.send_audio(320, 0.9)
    table.send_audio(160, 0.0)
    assert get_kinds(table.report_transcript("On Sunday, I mean."))[-1] == "response.done"
    table.send_audio(640, 0.0)
    assert [said.words for said in table.find_last(commands.Generate).messages[1:]] == [
        "When does the library close?",
        "On Sunday, I mean.",
    ]


def test_the_client_tells_when_its_playback_began() -> None:
    table = begin_reply()
    table.send("output_audio_buffer.started", response_id=get_reply_id(table), played_ms=900)
    response = table.machine.agent_turn.response
    assert response is not None
    assert 80 <= response.item.waterfall["playback"] - response.item.waterfall["first_audio"] <= 120
    table.report(engine_events.SpeechDone(get_reply_id(table), 0))
    done = (table.end_text() + table.speak())[-1]
    assert done["response"]["timing"]["playback"] > 0


@pytest.mark.parametrize("fields", [{}, {"response_id": "resp", "played_ms": -1}, {"response_id": 5, "played_ms": 0}])
def test_a_wrong_report_is_refused(fields: dict[str, Any]) -> None:
    assert get_kinds(begin_reply().send("output_audio_buffer.started", **fields)) == ["error"]


def test_official_clients_see_the_official_order() -> None:
    table = Table()
    table.say()
    table.report_transcript("When does the library close?")
    table.write(REPLY)
    table.report(engine_events.SpeechAudio(get_reply_id(table), 0, bytes(4000 * 48)))
    table.now += 1
    sent = table.send_audio(BARGE_IN_MS, 0.9)
    assert get_kinds(sent)[0] == "input_audio_buffer.speech_started"
    assert get_kinds(sent)[-1] == "response.done"
    assert "timing" not in sent[-1]["response"]


def test_who_goes_on_before_the_reply_sounds_is_answered_once_with_all_the_words() -> None:
    """The words come after the endpoint, from a slow engine."""
    table = Table()
    table.send("session.update", session={"extensions": ["playback"]})
    table.say()
    table.report_transcript("What is the weather")
    table.write("It is ")
    table.say()
    sent = table.report_transcript("in Paris tomorrow?")
    assert get_kinds(sent).count("response.created") == 1
    messages = table.find_last(commands.Generate).messages
    assert [said.words for said in messages if said.role == "user"] == ["What is the weather", "in Paris tomorrow?"]
    table.write("Sunny all day.")
    sent = table.end_text() + table.speak()
    assert get_kinds(sent)[-1] == "response.done"


def test_a_microphone_shut_with_a_click_does_not_silence_the_reply() -> None:
    """The click is the last that is heard of it: no window tells that it was none."""
    table = begin_reply()
    table.send_audio(32, 0.9)
    table.end_text()
    assert table.speak() == []
    assert "response.output_audio.delta" in get_kinds(table.pass_time(1))
    assert get_kinds(table.speak())[-1] == "response.done"


def test_a_sound_that_never_becomes_speech_does_not_silence_the_reply() -> None:
    """A radio next door, or an echo that stays below the onset."""
    table = begin_reply()
    table.send_audio(320, 0.6)
    table.report(engine_events.SpeechAudio(get_reply_id(table), 0, bytes(200 * 48)))
    table.send_audio(96, 0.6)
    assert get_kinds(table.pass_time(0.1)) == ["response.output_audio.delta"]


def test_a_short_word_right_after_the_reply_began_is_heard() -> None:
    """Its onset alone takes five windows there."""
    table = begin_reply()
    table.now -= PLAYED_SEC
    table.send_audio(BARGE_IN_MS, 0.9)
    table.send_audio(160, 0.0)
    assert "output_audio_buffer.cleared" in get_kinds(table.report_transcript("No!"))
    assert "response.created" in get_kinds(table.send_audio(640, 0.0))
