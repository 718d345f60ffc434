"""Words that come while the user speaks."""

from conversations.realtime import commands, engine_events
from conversations.realtime.state import SessionSetup
from conversations.realtime.user_turn.transcription import MAX_CHARS
from tests.support.realtime.harness import Table, get_kinds

STREAMS = SessionSetup(has_streaming_stt=True)
DELTA = "conversation.item.input_audio_transcription.delta"


def test_it_works() -> None:
    table = Table(setup=STREAMS)
    table.send("session.update", session={"extensions": ["captions"]})
    [started] = table.send_audio(640, 0.9)
    sent = table.hear("When does") + table.hear("When does the library")
    assert [(event["type"], event["item_id"], event["delta"]) for event in sent] == [
        (DELTA, started["item_id"], "When does"),
        (DELTA, started["item_id"], " the library"),
    ]


def test_all_audio_of_the_utterance_goes_to_the_engine_and_no_silence() -> None:
    table = Table(setup=STREAMS, prefix_padding_ms=320)
    table.send_audio(3200)
    table.send_audio(960, 0.9)
    heard = [action for action in table.actions if isinstance(action, commands.FeedTranscriber)]
    assert [action.begins for action in heard] == [True] + [False] * (len(heard) - 1)
    assert sum(len(action.pcm) for action in heard) == (320 + 960) * 48


def test_nothing_is_asked_of_an_engine_before_the_pause() -> None:
    table = Table()
    table.send_audio(960, 0.9)
    assert not [action for action in table.actions if isinstance(action, commands.Transcribe)]
    table.send_audio(160, 0.0)
    assert table.find_last(commands.Transcribe).revision == 1


def test_a_client_that_did_not_ask_gets_its_deltas_after_the_item() -> None:
    table = Table(setup=STREAMS)
    table.send_audio(640, 0.9)
    assert table.hear("When does") == []
    table.send_audio(160, 0.0)
    table.report_transcript("When does the library close?")
    sent = table.send_audio(640, 0.0)
    assert get_kinds(sent)[2:6] == [
        "conversation.item.added",
        "conversation.item.done",
        DELTA,
        "conversation.item.input_audio_transcription.completed",
    ]
    assert sent[4]["delta"] == sent[5]["transcript"] == "When does the library close?"


def test_words_that_were_heard_anew_are_right_in_the_end() -> None:
    table = Table(setup=STREAMS)
    table.send("session.update", session={"extensions": ["captions"]})
    table.send_audio(640, 0.9)
    table.hear("Then does")
    assert table.hear("When does the") == []
    table.send_audio(160, 0.0)
    table.report_transcript("When does the library close?")
    assert table.send_audio(640, 0.0)[-1 - 6 :][0]["type"] != DELTA


def test_what_the_client_commits_is_heard_as_it_comes() -> None:
    table = Table(setup=STREAMS)
    table.disable_turn_detection()
    table.send_audio(320)
    table.send("input_audio_buffer.commit")
    table.send_audio(320)
    heard = [action for action in table.actions if isinstance(action, commands.FeedTranscriber)]
    assert [action.begins for action in heard].count(True) == 2
    assert table.find_last(commands.Transcribe).item_id == heard[0].item_id != heard[-1].item_id


def test_silence_is_no_turn_whatever_would_be_heard_in_it() -> None:
    table = Table()
    table.disable_turn_detection()
    table.send_audio(960, 0.1)
    sent = table.send("input_audio_buffer.commit")
    assert not [action for action in table.actions if isinstance(action, commands.Transcribe)]
    assert sent[-1]["transcript"] == ""


def test_what_speech_to_text_makes_of_a_noise_is_dropped() -> None:
    table = Table()
    table.send_audio(128, 0.9)
    table.send_audio(160, 0.0)
    table.report_transcript("Thank you for watching.")
    sent = table.send_audio(640, 0.0)
    assert sent[-1]["transcript"] == ""


def test_semantic_vad_waits_for_the_end_of_the_sentence() -> None:
    def measure_wait_ms(words: str) -> int:
        table = Table(type="semantic_vad", setup=SessionSetup(preemptive_generation=False))
        table.send_audio(960, 0.9)
        table.send_audio(160, 0.0)
        table.report_transcript(words)
        waited_ms = 160
        while "input_audio_buffer.committed" not in get_kinds(table.send_audio(32, 0.0)):
            waited_ms += 32
        return waited_ms

    assert measure_wait_ms("When does the library close?") < 600
    assert 1400 < measure_wait_ms("I would like to know when the") < 4000


def test_patience_is_what_auto_means() -> None:
    def measure_wait_ms(eagerness: str) -> int:
        table = Table(type="semantic_vad", setup=SessionSetup(eagerness, preemptive_generation=False))  # type: ignore[arg-type]
        table.send_audio(960, 0.9)
        table.send_audio(160, 0.0)
        table.report_transcript("When does the library close?")
        waited_ms = 160
        while "input_audio_buffer.committed" not in get_kinds(table.send_audio(32, 0.0)):
            waited_ms += 32
        return waited_ms

    assert measure_wait_ms("high") < measure_wait_ms("medium") < measure_wait_ms("low")


def test_the_endpoint_waits_for_a_reply_that_is_not_ready() -> None:
    """Nobody is kept waiting by it, and who goes on is not cut off."""
    table = Table(type="semantic_vad")
    table.send_audio(960, 0.9)
    table.send_audio(160, 0.0)
    table.report_transcript("When does the library close?")
    assert table.send_audio(480, 0.0) == []
    assert table.send_audio(320, 0.9) == []  # goes on
    table.send_audio(256, 0.0)
    table.report_transcript("When does the library close on Sunday?")
    assert table.send_audio(480, 0.0) == []
    table.write("Sure, it closes at six. It")
    clause = table.find_last(commands.SpeakClause)
    sent = table.report(engine_events.SpeechAudio(clause.response_id, 0, bytes(400 * 48)))
    assert get_kinds(sent)[0] == "input_audio_buffer.speech_stopped"
    assert get_kinds(sent)[-1] == "response.output_audio.delta"


def test_the_endpoint_does_not_wait_for_ever() -> None:
    table = Table(type="semantic_vad")
    table.send_audio(960, 0.9)
    table.send_audio(160, 0.0)
    table.report_transcript("When does the library close?")
    assert "input_audio_buffer.speech_stopped" in get_kinds(table.send_audio(1600, 0.0))


def test_an_engine_that_fails_is_asked_once_a_pause_and_again_at_the_endpoint() -> None:
    """It may fail at once, as with a wrong key: every window of a long silence would ask it anew."""
    table = Table(setup=STREAMS, silence_duration_ms=1000)
    table.send_audio(960, 0.9)
    table.send_audio(160, 0.0)
    table.fail_transcript(table.find_last(commands.Transcribe))
    table.send_audio(640, 0.0)
    assert table.find_last(commands.Transcribe).revision == 1
    table.send_audio(320, 0.9)
    table.send_audio(320, 0.0)
    assert table.find_last(commands.Transcribe).revision == 2
    table.fail_transcript(table.find_last(commands.Transcribe))
    table.send_audio(960, 0.0)
    assert table.find_last(commands.Transcribe).revision == 3
    assert "conversation.item.input_audio_transcription.failed" in get_kinds(
        table.fail_transcript(table.find_last(commands.Transcribe))
    )


def test_words_without_an_end_are_cut() -> None:
    table = Table(setup=STREAMS)
    table.send("session.update", session={"extensions": ["captions"]})
    table.send_audio(640, 0.9)
    [told] = table.hear("word " * 200_000)
    assert MAX_CHARS - 5 <= len(told["delta"]) <= MAX_CHARS
    table.send_audio(640, 0.0)
    [done] = [event for event in table.report_transcript("word " * 200_000) if event["type"].endswith("completed")]
    assert MAX_CHARS - 5 <= len(done["transcript"]) <= MAX_CHARS
