"""What is remembered of a reply is what was told and heard of it, however it ended.

The same words are shown to the model, stored as heard, and given to a later session.
"""

import pytest

from conversations.realtime import commands, engine_events
from tests.support.realtime.memory import (
    CLAUSES,
    fail_generation,
    find_reply,
    get_heard_text,
    recall_reply,
    request_reply,
    speak_clause,
    write_all,
)


def test_all_of_a_reply_that_was_completed() -> None:
    table = request_reply()
    write_all(table)
    table.speak()
    assert recall_reply(table) == ["".join(CLAUSES)]


def test_nothing_of_words_that_were_not_told() -> None:
    """The model's stream breaks off without saying that it has ended (case 01a)."""
    table = request_reply()
    table.write("The code is 4711.")
    fail_generation(table)
    assert recall_reply(table) == []


def test_what_sounded_before_a_clause_failed() -> None:
    """Text to speech fails at the second clause of three (case 01b)."""
    table = request_reply()
    write_all(table)
    speak_clause(table, 0)
    fail_generation(table)
    assert recall_reply(table) == [CLAUSES[0].strip()]


def test_the_words_of_a_clause_that_broke_off() -> None:
    table = request_reply()
    write_all(table)
    speak_clause(table, 0)
    speak_clause(table, 1, 600, is_whole=False)
    fail_generation(table)
    assert recall_reply(table) == [f"{CLAUSES[0]}Two is the"]


def test_what_was_told_of_a_reply_in_text() -> None:
    table = request_reply(modality="text")
    table.write("The code is ")
    table.write("4711")
    fail_generation(table)
    assert recall_reply(table) == ["The code is 4711"]


def test_a_reply_that_was_cut_short_by_its_limit() -> None:
    table = request_reply()
    table.write(CLAUSES[0])
    table.end_text("length")
    table.speak()
    assert recall_reply(table) == [CLAUSES[0].strip()]


def test_a_reply_that_took_too_long() -> None:
    table = request_reply()
    write_all(table)
    speak_clause(table, 0)
    table.pass_time(200)
    assert recall_reply(table) == [CLAUSES[0].strip()]


def test_a_reply_that_was_cancelled_before_it_sounded() -> None:
    table = request_reply()
    write_all(table)
    table.send("response.cancel")
    assert recall_reply(table) == []


def test_a_reply_that_was_cancelled_amid_its_sound() -> None:
    table = request_reply()
    write_all(table)
    speak_clause(table, 0)
    speak_clause(table, 1)
    table.now += 1.0
    table.send("response.cancel")
    assert recall_reply(table) == [CLAUSES[0].strip()]


def test_who_speaks_over_what_is_left_of_a_reply_that_failed_has_heard_no_more() -> None:
    table = request_reply()
    write_all(table)
    speak_clause(table, 0, 4000)
    speak_clause(table, 1, 4000)
    fail_generation(table)
    assert find_reply(table).played_text.strip() == "".join(CLAUSES[:2]).strip()
    table.now += 1.5
    table.send_audio(320, 0.9)
    assert find_reply(table).played_text == "One is"


def test_a_client_that_was_cut_off_amid_a_reply() -> None:
    table = request_reply()
    write_all(table)
    speak_clause(table, 0)
    speak_clause(table, 1)
    table.now += 1.0
    table.report(engine_events.ClientGone(vanished=True))
    assert get_heard_text(table.get_saved(find_reply(table).id)) == CLAUSES[0].strip()


@pytest.mark.parametrize("told", [0, 1, 2])
def test_a_server_that_is_killed_leaves_what_was_told(told: int) -> None:
    """What is stored at that moment is all that a later session knows."""
    table = request_reply()
    write_all(table)
    for index in range(told):
        speak_clause(table, index)
    stored = table.get_saved(find_reply(table).id)
    assert (stored.status, get_heard_text(stored)) == ("in_progress", "".join(CLAUSES[:told]).strip())


def test_a_server_that_is_killed_amid_a_reply_in_text() -> None:
    table = request_reply(modality="text")
    for word in ("One ", "two ", "three "):
        table.now += 1.1
        table.write(word)
    assert get_heard_text(table.get_saved(find_reply(table).id)) == "One two three"


def test_the_model_sees_all_that_it_wrote_in_the_same_response() -> None:
    """It goes on with what its tool brought, and what it wrote before that is about to be said."""
    table = request_reply()
    table.write("Let me look. ")
    table.report(
        engine_events.ToolCallDelta(table.find_last(commands.Generate).response_id, 0, "call_1", "nothing", "{}")
    )
    table.end_text()
    said = [message.words for message in table.find_last(commands.Generate).messages if message.role == "assistant"]
    assert said == ["Let me look. ", ""]
