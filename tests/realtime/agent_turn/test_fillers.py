"""A filler bridges the silence before an answer that comes late."""

from conversations.realtime import commands
from tests.support.realtime.budget import LONG, ask_question, get_ending, report_sound
from tests.support.realtime.fillers import find_fillers, report_filler
from tests.support.realtime.harness import BARGE_IN_MS, Table, get_kinds


def test_it_works() -> None:
    table = ask_question()
    table.pass_time(2.9)
    assert find_fillers(table) == []
    table.pass_time(0.2)
    assert [one.text for one in find_fillers(table)] == ["One moment."]
    sent = report_filler(table)
    assert get_kinds(sent)[:3] == [
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
    ]
    assert "response.output_audio.delta" in get_kinds(sent)
    table.pass_time(2)
    table.write(LONG)
    table.end_text()
    done = table.speak()[-1]["response"]
    assert (done["status"], done["output"][0]["content"][0]["transcript"]) == ("completed", LONG)
    stored = table.get_saved(done["output"][0]["id"])
    assert (stored.text, stored.heard_text, stored.audio_samples) == (LONG, None, 24 * 1800)


def test_it_is_no_answer() -> None:
    """Neither for the budget, nor for the model, nor for the history."""
    table = ask_question()
    table.pass_time(3.1)
    report_filler(table)
    assert get_ending(table.pass_time(9)) == ("failed", "response_timeout")
    item = next(iter(table.machine.state.log))
    assert (item.text, item.context_text) == ("", "")
    assert table.get_saved(item.id).text == ""


def test_it_is_of_the_assistants_language() -> None:
    table = Table()
    transcription = {"transcription": {"model": "m", "language": "de-AT"}}
    table.send("session.update", session={"audio": {"input": transcription}})
    table.send("response.create")
    table.pass_time(3.1)
    assert table.find_last(commands.SpeakFiller).text == "Einen Moment."


def test_it_bridges_words_that_come_late_too() -> None:
    """A response is begun before it is known whether there are any."""
    table = Table()
    table.say()
    sent = table.pass_time(3.1)
    assert get_kinds(sent) == ["response.created"]
    assert len(find_fillers(table)) == 1
    report_filler(table)
    table.report_transcript("What time is it?")
    assert table.find_last(commands.Generate).messages[-1].words == "What time is it?"
    table.write(LONG)
    table.end_text()
    assert get_ending(table.speak()) == ("completed", "")


def test_noise_whose_words_come_late_is_not_answered() -> None:
    table = Table()
    table.say()
    table.pass_time(3.1)
    report_filler(table)
    assert get_ending(table.report_transcript("")) == ("cancelled", "")
    assert not [action for action in table.actions if isinstance(action, commands.Generate)]


def test_words_that_fail_after_it_are_the_reason() -> None:
    table = Table()
    table.say()
    table.pass_time(3.1)
    sent = table.fail_transcript(table.find_last(commands.Transcribe))
    assert get_kinds(sent)[0].endswith("transcription.failed")
    assert get_ending(sent) == ("failed", "engine_timeout")


def test_one_that_comes_behind_the_reply_is_dropped() -> None:
    table = ask_question()
    table.pass_time(3.1)
    table.write(LONG)
    table.end_text()
    report_sound(table, 0, 400)
    assert report_filler(table) == []


def test_there_is_none_in_text_out_of_band_or_when_switched_off() -> None:
    texts, out_of_band, off = ask_question("text"), Table(), ask_question(filler_sec=None)
    out_of_band.send("response.create", response={"conversation": "none"})
    for table in (texts, out_of_band, off):
        table.pass_time(6)
        assert find_fillers(table) == []


def test_there_is_none_while_the_user_speaks() -> None:
    table = Table()
    table.send("session.update", session={"extensions": ["playback"]})
    table.send("response.create")
    table.send_audio(4000, 0.9)
    table.pass_time(0.1)
    assert find_fillers(table) == []


def test_there_is_none_while_the_last_reply_is_still_played() -> None:
    table = ask_question()
    table.write(LONG)
    table.end_text()
    table.speak(8000)
    table.send("response.create")
    table.pass_time(4)
    assert find_fillers(table) == []


def test_there_is_only_one_for_each_response() -> None:
    table = ask_question()
    table.pass_time(11)
    assert len(find_fillers(table)) == 1


def test_who_speaks_over_it_ends_the_response() -> None:
    table = ask_question()
    table.pass_time(3.1)
    report_filler(table, 2000)
    sent = table.send_audio(BARGE_IN_MS, 0.9)
    assert get_ending(sent) == ("cancelled", "")


def test_what_was_heard_is_told_apart_from_it() -> None:
    """The client counts its milliseconds as sound of the item."""
    table = ask_question()
    table.pass_time(3.1)
    item_id = report_filler(table, 800)[0]["item"]["id"]
    table.write("One two three four. ")
    table.end_text()
    table.speak(2000)
    table.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=800)
    assert table.get_saved(item_id).heard_text == ""
    table.send("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=1700)
    assert table.get_saved(item_id).heard_text == "One two"
