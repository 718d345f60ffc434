"""A filler bridges the silence before an answer that comes late."""

from conversations.realtime import commands
from tests.support.realtime.budget import LONG, ask_question, get_ending, sound
from tests.support.realtime.fillers import fill, fills
from tests.support.realtime.harness import BARGE_IN_MS, Table, kinds


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
