"""A reply that has ended is still played while the next one is made: where it stands is known all the while."""

from typing import Any

from conversations.realtime import engine_events
from tests.support.realtime.harness import BARGE_IN_MS, Table, get_kinds

PREAMBLE = "Let me look that up for you."
TYPED = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Go on."}]}


def begin_second_response(*, extensions: tuple[str, ...] = ()) -> tuple[Table, str]:
    """Begin a response behind a reply of five seconds that is being played; return the table and the reply's item
    id.
    """
    table = Table()
    table.send("session.update", session={"extensions": list(extensions)})
    table.say()
    table.report_transcript("Hello there.")
    table.write(PREAMBLE)
    table.end_text()
    table.speak(5000)
    last = table.machine.agent_turn.playback_queue.last
    assert last is not None
    table.now += 1.0
    table.send("conversation.item.create", item=TYPED)
    table.send("response.create")
    return table, last.item.id


def speak_second_response(table: Table, ms: int = 1000) -> None:
    table.write("It is noon. ")
    table.end_text()
    table.speak(ms)


def test_its_echo_is_no_speech_of_the_user() -> None:
    """Over speech it takes more to be an onset, and the words of what sounds are an echo."""
    table, _ = begin_second_response(extensions=("playback",))
    assert table.send_audio(64, 0.9) == []  # of two windows an onset is made otherwise
    sent = table.send_audio(BARGE_IN_MS, 0.9)
    assert "input_audio_buffer.speech_started" in get_kinds(sent)
    sent = table.send_audio(640, 0.0) + table.report_transcript("look that up for you")
    assert "output_audio_buffer.started" in get_kinds(sent)
    assert "output_audio_buffer.cleared" not in get_kinds(sent)
    assert table.machine.agent_turn.response is not None


def test_an_interruption_ends_both_replies() -> None:
    table, item_id = begin_second_response(extensions=("playback",))
    table.send_audio(BARGE_IN_MS, 0.9)
    table.send_audio(640, 0.0)
    sent = table.report_transcript("No, I meant the other one.")
    assert get_kinds(sent)[:2] == ["output_audio_buffer.cleared", "response.done"]
    assert 0 < (table.get_saved(item_id).heard_ms or 0) < 5000


def test_a_client_that_cannot_pause_is_cut_where_it_was() -> None:
    table, item_id = begin_second_response()
    sent = table.send_audio(BARGE_IN_MS, 0.9)
    assert [one["response"]["status"] for one in sent if one["type"] == "response.done"] == ["cancelled"]
    assert 1000 <= (table.get_saved(item_id).heard_ms or 0) <= 1400


def test_the_clients_own_clock_counts_for_it() -> None:
    table, item_id = begin_second_response(extensions=("playback",))
    first = table.machine.agent_turn.playback_queue.last
    assert first is not None
    table.send("output_audio_buffer.started", response_id=first.id, played_ms=0)
    table.now += 0.5
    table.send_audio(BARGE_IN_MS, 0.9)
    table.send_audio(640, 0.0)
    table.report_transcript("No, I meant the other one.")
    assert 500 <= (table.get_saved(item_id).heard_ms or 0) <= 800


def test_the_next_reply_is_played_behind_it() -> None:
    """Its sound is sent at once, and waits at the client."""
    table, item_id = begin_second_response()
    speak_second_response(table)
    second = table.machine.agent_turn.playback_queue.last
    assert second is not None
    table.send_audio(BARGE_IN_MS, 0.9)
    assert table.get_saved(second.item.id).heard_ms == 0
    assert 0 < (table.get_saved(item_id).heard_ms or 0) < 5000
    assert second.item.context_text == ""


def test_a_reply_that_begins_to_play_shows_that_the_others_are_over() -> None:
    table, item_id = begin_second_response()
    speak_second_response(table, 4000)
    second = table.machine.agent_turn.playback_queue.last
    assert second is not None
    table.send("output_audio_buffer.started", response_id=second.id, played_ms=0)
    table.now += 2.0
    table.send_audio(BARGE_IN_MS, 0.9)
    assert table.get_saved(item_id).heard_ms is None
    assert 2000 <= (table.get_saved(second.item.id).heard_ms or 0) <= 2400


def test_who_vanishes_has_heard_what_the_clock_says_of_both() -> None:
    table, item_id = begin_second_response()
    speak_second_response(table)
    table.report(engine_events.ClientGone(vanished=True))
    assert table.get_saved(item_id).heard_ms == 1000


def test_a_response_asked_for_while_the_last_one_is_paused_takes_its_place() -> None:
    table = Table()
    table.send("session.update", session={"extensions": ["playback"]})
    table.run_turn(reply=PREAMBLE)
    table.now += 0.4
    table.send_audio(BARGE_IN_MS, 0.9)
    last: Any = table.machine.agent_turn.playback_queue.last
    assert last.playback.paused_at is not None
    table.send("response.create")
    assert last.item.heard_ms is not None
    assert table.machine.agent_turn.playback_queue.sounding is table.machine.agent_turn.response


def test_replies_that_nobody_plays_do_not_pile_up() -> None:
    table = Table()
    for _ in range(20):
        table.send("conversation.item.create", item=TYPED)
        table.send("response.create")
        speak_second_response(table, 60_000)
    ended = [event["response"]["id"] for event in table.events if event["type"] == "response.done"]
    assert len(ended) == 20
    assert len([one for one in ended if table.machine.agent_turn.playback_queue.find(one)]) == 8
