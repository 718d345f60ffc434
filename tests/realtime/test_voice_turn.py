from conversations.realtime import commands, engine_events
from conversations.realtime.agent_turn.context import ContextMessage
from conversations.realtime.protocol.errors import Failure
from conversations.realtime.state import Limits
from tests.support.realtime.harness import Table, get_kinds
from tests.support.realtime.wire import SPOKEN_REPLY


def test_it_works() -> None:
    table = Table()
    sent = table.run_turn("Hello there.", "Good morning to you.")
    assert get_kinds(sent) == [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.completed",
        *SPOKEN_REPLY,
    ]
    spoken = {event["item_id"] for event in sent[:3]} | {sent[3]["item"]["id"], sent[5]["item_id"]}
    assert len(spoken) == 1
    assert sent[-1]["response"]["status"] == "completed"
    assert sent[-1]["response"]["usage"]["total_tokens"] == 25


def test_the_model_sees_the_conversation() -> None:
    table = Table()
    table.run_turn("Hello there.", "Good morning to you.")
    table.now += 2.0  # the reply is played out
    table.say()
    table.report_transcript("How are you?")
    assert table.find_last(commands.Generate).messages == [
        ContextMessage("system", "Be brief."),
        ContextMessage("user", "Hello there."),
        ContextMessage("assistant", "Good morning to you."),
        ContextMessage("user", "How are you?"),
    ]


def test_times_count_all_audio_of_the_session() -> None:
    table = Table(prefix_padding_ms=300, silence_duration_ms=500)
    table.send_audio(1600)
    started, stopped = [event for event in table.say(960) if "speech" in event["type"]]
    assert 1250 <= started["audio_start_ms"] <= 1300  # the onset less the padding
    assert stopped["audio_end_ms"] == 1600 + 960 + 512  # whole windows, the silence included
    table.send("input_audio_buffer.clear")
    later = table.say()[0]
    assert later["audio_start_ms"] > stopped["audio_end_ms"]


def test_the_utterance_is_stored_with_its_pre_roll() -> None:
    table = Table(prefix_padding_ms=300)
    table.send_audio(3200)
    started, stopped = [event for event in table.say(960) if "speech" in event["type"]]
    save = next(action for action in table.actions if isinstance(action, commands.Save))
    assert len(save.pcm) // 48 == stopped["audio_end_ms"] - started["audio_start_ms"]
    assert save.pcm.startswith(table.find_last(commands.Transcribe).pcm)


def test_an_item_is_stored_before_the_client_is_told() -> None:
    table = Table()
    table.run_turn()
    order = [action for action in table.actions if isinstance(action, commands.Save | commands.Send)]
    announced = 0
    for place, action in enumerate(order):
        if isinstance(action, commands.Send) and action.event["type"] == "conversation.item.added":
            stored = [
                save.item.id for save in order[:place] if isinstance(save, commands.Save) and not save.in_background
            ]
            assert action.event["item"]["id"] in stored
            announced += 1
    assert announced == 2


def test_speech_starts_while_the_model_still_writes() -> None:
    table = Table()
    table.say()
    table.report_transcript("Tell me a story.")
    table.write("Once upon a time, there was a")
    assert table.find_last(commands.SpeakClause).text == "Once upon a time,"


def test_a_noise_without_words_is_not_answered() -> None:
    table = Table()
    sent = table.say() + table.report_transcript("  ")
    assert "response.created" not in get_kinds(sent)
    assert sent[-1]["transcript"] == ""


def test_a_noise_does_not_swallow_the_question_before_it() -> None:
    table = Table()
    table.say()
    question = table.find_last(commands.Transcribe).item_id
    table.say()
    noise = table.find_last(commands.Transcribe).item_id
    table.report(engine_events.TranscriptReady(question, 1, "What time is it?", 1.0))
    sent = table.report(engine_events.TranscriptReady(noise, 1, "", 1.0))
    assert "response.created" in get_kinds(sent)


def test_no_response_where_the_session_wants_none() -> None:
    table = Table(create_response=False)
    assert "response.created" not in get_kinds(table.say() + table.report_transcript("Hello there."))


def test_a_transcript_that_is_switched_off_is_not_sent() -> None:
    table = Table()
    table.send("session.update", session={"audio": {"input": {"transcription": None}}})
    sent = table.say() + table.report_transcript("Hello there.")
    assert not [kind for kind in get_kinds(sent) if "transcription" in kind]
    assert "response.created" in get_kinds(sent)


def test_speech_to_text_fails_visibly() -> None:
    table = Table()
    table.say()
    item_id = table.find_last(commands.Transcribe).item_id
    sent = table.report(
        engine_events.TranscriptFailed(item_id, 1, Failure("engine_timeout", "Speech to text was too slow."))
    )
    assert get_kinds(sent) == ["conversation.item.input_audio_transcription.failed"]
    assert table.get_saved(item_id).error_code == "engine_timeout"
    assert "response.created" in get_kinds(table.say() + table.report_transcript("Hello?"))


def test_words_that_never_come_end_the_turn() -> None:
    table = Table(limits=Limits(transcript_timeout_sec=5, filler_sec=None))
    table.say()
    sent = table.pass_time(6)
    assert get_kinds(sent) == ["conversation.item.input_audio_transcription.failed"]
    assert isinstance(table.find_last(commands.Abort), commands.Abort)


def test_a_microphone_that_dies_amid_speech_ends_the_utterance() -> None:
    table = Table(limits=Limits(stall_sec=3))
    table.send_audio(960, 0.9)
    assert get_kinds(table.pass_time(4))[:2] == ["input_audio_buffer.speech_stopped", "input_audio_buffer.committed"]


def test_who_may_come_back_after_an_outage_is_waited_for() -> None:
    table = Table(limits=Limits(stall_sec=3, outage_sec=30))
    table.send("session.update", session={"type": "realtime", "extensions": ["resume"]})
    table.send_audio(960, 0.9)
    assert table.pass_time(29) == []
    assert "input_audio_buffer.speech_stopped" in get_kinds(table.pass_time(2))


def test_endless_speech_is_cut_into_utterances() -> None:
    table = Table(limits=Limits(max_utterance_ms=2000))
    assert "input_audio_buffer.committed" in get_kinds(table.send_audio(3200, 0.9))


def test_late_words_of_a_deleted_item_are_dropped() -> None:
    table = Table()
    table.say()
    table.send("conversation.item.delete", item_id=table.find_last(commands.Transcribe).item_id)
    assert table.report_transcript("Hello there.") == []


def test_a_silent_user_is_asked_once() -> None:
    table = Table(idle_timeout_ms=5000)
    table.run_turn()
    sent = table.pass_time(7)
    assert get_kinds(sent)[:3] == [
        "input_audio_buffer.timeout_triggered",
        "input_audio_buffer.committed",
        "conversation.item.added",
    ]
    assert "still there" in table.find_last(commands.Generate).messages[0].words
    table.write("Are you still there?")
    table.end_text()
    table.speak()
    assert table.pass_time(60) == []


def test_a_cough_is_no_sign_that_somebody_is_there() -> None:
    table = Table(idle_timeout_ms=5000)
    table.run_turn()
    table.now += 2
    table.say(256)
    assert "response.created" not in get_kinds(table.report_transcript(""))
    assert get_kinds(table.pass_time(7))[0] == "input_audio_buffer.timeout_triggered"
    table.write("Are you still there?")
    table.end_text()
    table.speak()
    table.say(256)
    table.report_transcript("")
    assert table.pass_time(60) == []


def test_the_waterfall_counts_from_the_endpoint() -> None:
    table = Table(silence_duration_ms=500)
    table.send_audio(960, 0.9)
    table.send_audio(512, 0.0)
    table.now += 0.3
    table.report_transcript("Hello there.")
    table.now += 0.4
    table.write("Good morning to you. ")
    table.end_text()
    table.now += 0.2
    done = table.speak()[-1]
    waterfall = table.get_saved(done["response"]["output"][0]["id"]).waterfall
    assert waterfall == {
        "endpoint": 0,
        "transcript": 300,
        "first_token": 700,
        "first_clause": 700,
        "first_audio": 900,
        "done": 900,
    }


def test_a_response_that_the_client_asked_for_ahead_of_the_words_is_their_only_answer() -> None:
    table = Table()
    table.say()
    assert get_kinds(table.send("response.create")) == ["response.created"]
    table.report_transcript("Hello.")
    sent = table.write("Hi, what can I do?") + table.end_text() + table.speak()
    assert get_kinds(sent)[-1] == "response.done"
    assert "response.created" not in get_kinds(sent)
