"""Speech that comes more slowly than it is played is given up."""

import pytest

from tests.support.realtime.budget import LONG, ask_question, get_ending, report_sound
from tests.support.realtime.harness import Table, get_kinds


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


def test_time_in_which_playback_stands_is_none() -> None:
    table = ask_question()
    table.send("session.update", session={"extensions": ["playback"]})
    table.write(LONG)
    table.end_text()
    report_sound(table, 0, 500)
    table.send_audio(12_000, 0.9)
    assert table.machine.agent_turn.response is None or table.machine.agent_turn.response.playback.paused_at is not None
