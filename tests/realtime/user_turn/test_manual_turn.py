from conversations.realtime import commands, engine_events
from conversations.realtime.agent_turn.context import ContextMessage
from conversations.realtime.state import Limits
from tests.support.realtime.harness import Table, encode_silence, get_kinds


def make_manual_table(limits: Limits | None = None) -> Table:
    table = Table(limits=limits)
    table.disable_turn_detection()
    return table


def test_it_works() -> None:
    table = make_manual_table()
    assert table.send_audio(320) == []
    sent = table.send("input_audio_buffer.commit")
    assert get_kinds(sent) == ["input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"]
    assert len(table.find_last(commands.Transcribe).pcm) == 320 * 48
    assert "response.created" not in get_kinds(table.report_transcript("Hello there."))


def test_a_response_asked_for_with_the_commit_waits_for_the_words() -> None:
    table = make_manual_table()
    table.send_audio(320)
    table.send("input_audio_buffer.commit")
    assert get_kinds(table.send("response.create")) == ["response.created"]
    assert not [action for action in table.actions if isinstance(action, commands.Generate)]
    table.report_transcript("What is two and two?")
    assert table.find_last(commands.Generate).messages[-1] == ContextMessage("user", "What is two and two?")


def test_the_buffer_is_empty_after_a_commit() -> None:
    table = make_manual_table()
    table.send_audio(320)
    table.send("input_audio_buffer.commit")
    error = table.send("input_audio_buffer.commit", event_id="mine")[0]["error"]
    assert (error["code"], error["event_id"]) == ("input_audio_buffer_commit_empty", "mine")


def test_a_clear_forgets_the_audio() -> None:
    table = make_manual_table()
    table.send_audio(320)
    assert get_kinds(table.send("input_audio_buffer.clear")) == ["input_audio_buffer.cleared"]
    assert get_kinds(table.send("input_audio_buffer.commit")) == ["error"]


def test_what_is_cleared_is_not_kept_on_disk_either() -> None:
    dictated, spoken, switched = make_manual_table(), Table(), make_manual_table()
    dictated.send_audio(320)
    dictated.send("input_audio_buffer.clear")
    spoken.send_audio(640, 0.9)
    spoken.send("input_audio_buffer.clear")
    switched.send_audio(320)
    switched.send("session.update", session={"audio": {"input": {"turn_detection": {"type": "server_vad"}}}})
    for table in (dictated, spoken, switched):
        assert table.find_last(commands.DropUserAudio).item_id == table.find_last(commands.FeedTranscriber).item_id


def test_a_commit_in_vad_mode_ends_the_speech_without_a_response() -> None:
    table = Table()
    table.send_audio(640, 0.9)
    sent = table.send("input_audio_buffer.commit")
    assert get_kinds(sent)[:2] == ["input_audio_buffer.speech_stopped", "input_audio_buffer.committed"]
    assert "response.created" not in get_kinds(table.report_transcript("Hello there."))


def test_a_full_buffer_refuses_and_keeps_what_it_has() -> None:
    table = make_manual_table(Limits(max_buffer_ms=1000))
    table.send_audio(960)
    error = table.send("input_audio_buffer.append", audio=encode_silence(200), event_id="big")[0]["error"]
    assert (error["code"], error["event_id"]) == ("input_audio_buffer_full", "big")
    table.send("input_audio_buffer.commit")
    assert len(table.find_last(commands.Transcribe).pcm) == 960 * 48


def test_words_that_are_awaited_are_bounded() -> None:
    table = make_manual_table(Limits(max_pending=2))
    for _ in range(2):
        table.send_audio(320)
        table.send("input_audio_buffer.commit")
    table.send_audio(320)
    item = {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": encode_silence(320)}]}
    for refused in (
        table.send("input_audio_buffer.commit"),
        table.send("conversation.item.create", item=item),
    ):
        assert refused[0]["error"]["code"] == "too_many_pending_transcripts"
    table.report_transcript("Hello.")
    assert get_kinds(table.send("input_audio_buffer.commit"))[0] == "input_audio_buffer.committed"


def test_an_append_may_split_a_sample() -> None:
    table = make_manual_table()
    for data in ("AAAA", "AAAA"):  # three bytes each
        assert table.send("input_audio_buffer.append", audio=data) == []
    assert table.pass_time(5) == []
    table.send_audio(320)
    table.send("input_audio_buffer.commit")
    assert len(table.find_last(commands.Transcribe).pcm) == 320 * 48 + 6


def test_half_a_sample_that_stays_alone_is_an_error() -> None:
    table = make_manual_table()
    table.send_audio(320)
    table.send("input_audio_buffer.append", audio="AAAA", event_id="odd")
    sent = table.send("input_audio_buffer.commit")
    assert get_kinds(sent)[:2] == ["error", "input_audio_buffer.committed"]
    assert sent[0]["error"]["event_id"] == "odd"
    table.send("input_audio_buffer.append", audio="AAAA", event_id="odder")
    assert [event["error"]["event_id"] for event in table.pass_time(2)] == ["odder"]


def test_switching_to_manual_amid_speech_keeps_the_audio() -> None:
    table = Table()
    table.send_audio(640, 0.9)
    table.disable_turn_detection()
    table.send_audio(320)
    table.send("input_audio_buffer.commit")
    assert len(table.find_last(commands.Transcribe).pcm) >= (640 + 320) * 48


def test_what_is_said_after_detection_was_switched_off_is_heard_too() -> None:
    """The words of the pause before are not all, and a reply to them is not wanted."""
    table = Table()
    table.send_audio(960, 0.9)
    table.send_audio(160, 0.0)
    table.report_transcript("When does the library close")
    draft = table.find_last(commands.Generate)
    table.disable_turn_detection()
    assert table.find_last(commands.Abort).id == draft.response_id
    table.send_audio(960)
    table.send("input_audio_buffer.commit")
    assert len(table.find_last(commands.Transcribe).pcm) > 2000 * 48
    sent = table.report_transcript("When does the library close on Sunday?")
    assert sent[0]["transcript"] == "When does the library close on Sunday?"


def test_a_reply_that_paused_goes_on_when_detection_is_switched_off() -> None:
    table = Table()
    table.send("session.update", session={"extensions": ["playback"]})
    table.say()
    table.report_transcript("When does the library close?")
    table.write("At six today. On Sunday it is closed.")
    clause = table.find_last(commands.SpeakClause)
    table.report(engine_events.SpeechAudio(clause.response_id, 0, bytes(2000 * 48)))
    table.send_audio(320, 0.9)
    table.disable_turn_detection()
    assert table.find_last(commands.ReleaseSpeech).response_id == clause.response_id
    table.end_text()
    assert get_kinds(table.speak())[-1] == "response.done"


def test_switching_to_manual_hears_what_was_kept_before() -> None:
    """Its words and its clip begin where the item's audio does."""
    table = Table()
    table.send_audio(640, 0.0)
    table.disable_turn_detection()
    table.send_audio(320)
    table.send("input_audio_buffer.commit")
    heard = b"".join(action.pcm for action in table.actions if isinstance(action, commands.FeedTranscriber))
    assert len(heard) == len(table.find_last(commands.Transcribe).pcm) > 320 * 48
