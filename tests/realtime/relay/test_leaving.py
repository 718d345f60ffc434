"""The client leaves: its last words are committed, and a reply under way is kept as far as it was heard."""

import pytest

from conversations.pcm import BYTES_PER_MS
from tests.support.realtime.relay_steps import MANUAL
from tests.support.realtime.relay_table import RelayTable


def test_the_last_words_are_committed() -> None:
    table = RelayTable()
    table.send_audio(2000)
    table.report("input_audio_buffer.speech_started", audio_start_ms=500, item_id="item_a")
    table.leave()
    assert table.told_kinds[-1] == "input_audio_buffer.commit"
    assert table.machine.is_awaiting_words
    table.report_committed("item_a")
    assert table.machine.is_awaiting_words
    table.report_transcript("item_a", "My last words.")
    assert not table.machine.is_awaiting_words
    assert (table.get_saved("item_a").text, table.get_saved("item_a").audio_ms) == ("My last words.", 1500)


@pytest.mark.parametrize("is_manual", [True, False])
def test_what_was_said_and_not_confirmed_is_waited_for(is_manual: bool) -> None:
    table = RelayTable()
    if is_manual:
        table.send("session.update", session=MANUAL)
        table.agree()
    table.send_audio(1500)
    if is_manual:
        table.send("input_audio_buffer.commit")
    else:
        table.report("input_audio_buffer.speech_started", audio_start_ms=0, item_id="item_a")
        table.report("input_audio_buffer.speech_stopped", audio_end_ms=1500, item_id="item_a")
    told = len(table.told)
    table.leave()
    assert len(table.told) == told  # it is asked for already
    assert table.machine.is_awaiting_words
    table.report_committed("item_a")
    table.report_transcript("item_a", "My last words.")
    assert not table.machine.is_awaiting_words
    assert (table.get_saved("item_a").text, table.get_saved("item_a").audio_ms) == ("My last words.", 1500)


@pytest.mark.parametrize("is_lost", [True, False])
def test_last_words_that_upstream_never_confirms_are_kept(is_lost: bool) -> None:
    table = RelayTable()
    table.send_audio(2000)
    table.report("input_audio_buffer.speech_started", audio_start_ms=500, item_id="item_a")
    table.leave()
    if is_lost:
        table.lose()
        assert not table.machine.is_awaiting_words
    table.end_session()
    table.report_committed("item_a")  # too late
    assert len(table.get_sound("item_a")) == 1500 * BYTES_PER_MS


def test_a_commit_of_last_words_that_is_refused_is_not_waited_for() -> None:
    table = RelayTable()
    table.send_audio(2000)
    table.report("input_audio_buffer.speech_started", audio_start_ms=1950, item_id="item_a")
    table.leave()
    error = {"type": "invalid_request_error", "code": "input_audio_buffer_commit_empty", "message": "Too short."}
    table.report("error", error=error | {"event_id": table.told[-1]["event_id"]})
    assert not table.machine.is_awaiting_words


def test_without_an_upstream_the_sound_of_the_last_words_is_kept() -> None:
    table = RelayTable()
    table.send_audio(2000)
    table.report("input_audio_buffer.speech_started", audio_start_ms=500, item_id="item_a")
    table.lose()
    table.leave()
    table.end_session()
    assert len(table.get_sound("item_a")) == 1500 * BYTES_PER_MS
    assert not table.machine.is_awaiting_words


@pytest.mark.parametrize(("vanished", "heard_ms"), [(True, 1000), (False, None)])
def test_a_client_that_vanished_has_heard_what_its_clock_says(vanished: bool, heard_ms: int | None) -> None:
    table = RelayTable()
    table.begin_response("one", "One two three four five six.", 3000)
    table.end_response("one", "One two three four five six.")
    table.now += 1
    table.leave(vanished=vanished)
    assert table.get_saved("item_one").heard_ms == heard_ms


def test_a_reply_under_way_is_cancelled_and_kept() -> None:
    table = RelayTable()
    table.begin_response("one", "One two", 400)
    table.leave()
    assert (table.told[-1]["type"], table.told[-1]["response_id"]) == ("response.cancel", "resp_one")
    assert (table.get_saved("item_one").status, table.get_saved("item_one").text) == ("incomplete", "One two")
