"""How much of a reply a client has played, and what comes of speech that is slower than that."""

import pytest

from tests.support.realtime.both_machines import AnyClient, CascadeClient, RelayClient, find_reply
from tests.support.realtime.budget import LONG, ask_question, get_ending, report_sound
from tests.support.realtime.harness import Table, get_kinds


@pytest.fixture(params=[CascadeClient, RelayClient])
def client(request: pytest.FixtureRequest) -> AnyClient:
    """Return a client that plays sound itself, in a session of either kind."""
    made: AnyClient = request.param()
    made.ask("session.update", session={"extensions": ["playback"]})
    return made


def test_who_vanishes_has_heard_what_the_clock_says(client: AnyClient) -> None:
    client.hear_reply()
    client.vanish(1.0)
    assert (find_reply(client).heard_ms, find_reply(client).heard_text) == (1000, "One two three")


def test_who_vanishes_after_the_end_has_heard_it_all(client: AnyClient) -> None:
    client.hear_reply()
    client.vanish(2.5)
    assert find_reply(client).heard_ms is None


def test_a_clients_report_counts_for_more_than_the_clock(client: AnyClient) -> None:
    response_id = client.hear_reply()
    client.wait(1.0)
    client.ask("output_audio_buffer.started", response_id=response_id, played_ms=200)
    assert find_reply(client).waterfall["playback"] == find_reply(client).waterfall["endpoint"] + 800
    client.vanish(0.5)
    assert find_reply(client).heard_ms == 700


def test_a_report_of_a_response_that_is_not_known_changes_nothing(client: AnyClient) -> None:
    client.hear_reply()
    before = len(client.commands)
    assert client.ask("output_audio_buffer.started", response_id="resp_gone", played_ms=200) == []
    assert len(client.commands) == before


def test_a_truncation_is_not_overruled_by_the_clock(client: AnyClient) -> None:
    client.hear_reply()
    item_id = find_reply(client).id
    client.ask("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=300)
    client.vanish(1.0)
    assert find_reply(client).heard_ms == 300


def test_a_deleted_reply_is_not_stored_again(client: AnyClient) -> None:
    client.hear_reply()
    item_id = find_reply(client).id
    client.ask("conversation.item.delete", item_id=item_id)
    saved = find_reply(client)
    client.vanish(1.0)
    assert find_reply(client) is saved


def test_a_pause_of_the_sound_is_not_played(client: AnyClient) -> None:
    client.hear_beginning(1000)
    client.wait(3.0)
    client.hear_more(1000)
    client.vanish(0.5)
    assert find_reply(client).heard_ms == 1500


def test_sound_that_comes_in_time_is_played_without_a_pause(client: AnyClient) -> None:
    client.hear_beginning(1000)
    client.wait(0.7)
    client.hear_more(1000)
    client.vanish(0.5)
    assert find_reply(client).heard_ms == 1200


def test_what_sounds_while_more_comes_is_found_by_the_clients_report(client: AnyClient) -> None:
    client.hear_beginning(1000)
    client.wait(0.5)
    client.ask("output_audio_buffer.started", response_id=find_reply(client).response_id, played_ms=250)
    client.hear_more(1000)
    client.vanish(0.5)
    assert find_reply(client).heard_ms == 750


def measure_slow_speech_sec(table: Table, sound_ms: int, every_sec: float, most_sec: float = 60.0) -> float:
    """Return how long such slow speech of a clause goes on: until it is given up, or `most_sec`."""
    began_at = table.now
    while table.now - began_at < most_sec and table.machine.agent_turn.response is not None:
        report_sound(table, 0, sound_ms)
        table.pass_time(every_sec)
    return table.now - began_at


def test_a_drip_of_sound_is_no_progress() -> None:
    table = ask_question()
    table.write(LONG)
    table.end_text()
    assert measure_slow_speech_sec(table, 1, 1.0) < 8


def test_half_the_pace_is_given_up_too() -> None:
    table = ask_question()
    table.write(LONG)
    table.end_text()
    assert measure_slow_speech_sec(table, 500, 1.0) < 25


@pytest.mark.parametrize(("sound_ms", "every_sec"), [(1000, 1.0), (900, 1.0), (3000, 3.0), (200, 0.1)])
def test_speech_at_its_own_pace_goes_on(sound_ms: int, every_sec: float) -> None:
    table = ask_question()
    table.write(LONG)
    table.end_text()
    assert measure_slow_speech_sec(table, sound_ms, every_sec) >= 60


def test_a_clause_that_never_comes_is_given_up_once_the_ones_before_it_were_played() -> None:
    table = ask_question()
    table.write(f"{LONG}The sun is high. ")
    table.end_text()
    report_sound(table, 0, 4000, is_whole=True)
    assert "response.done" not in get_kinds(table.pass_time(8.5))
    assert get_ending(table.pass_time(1)) == ("failed", "response_timeout")


def test_a_model_that_pauses_between_two_clauses_owes_no_sound() -> None:
    table = ask_question()
    table.write(LONG)
    table.write("And then ")
    report_sound(table, 0, 1000, is_whole=True)
    assert table.pass_time(15) == []
    table.write("there is more to say. ")
    table.end_text()
    assert get_ending(table.speak()) == ("completed", "")


def test_a_pause_of_playback_is_no_lag() -> None:
    table = ask_question()
    table.send("session.update", session={"extensions": ["playback"]})
    table.write(LONG)
    table.end_text()
    report_sound(table, 0, 500)
    table.send_audio(12_000, 0.9)
    assert table.machine.agent_turn.response is None or table.machine.agent_turn.response.playback.paused_at is not None
