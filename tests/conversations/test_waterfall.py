from conversations.waterfall import bars
from tests.factories import WATERFALL


def test_it_works() -> None:
    drawn = bars(WATERFALL)
    assert [bar.step for bar in drawn] == ["transcript", "first_token", "first_clause", "first_audio", "done"]
    assert [bar.took_ms for bar in drawn] == [310, 310, 80, 205, 1235]
    assert drawn[0].left_percent == 0
    assert round(drawn[-1].left_percent + drawn[-1].width_percent) == 100


def test_a_turn_that_broke_off() -> None:
    (only,) = bars({"endpoint": 0, "transcript": 280})
    assert (only.start_ms, only.end_ms, only.width_percent) == (0, 280, 100)


def test_a_turn_without_speech_skips_its_step() -> None:
    assert [(bar.step, bar.start_ms) for bar in bars({"endpoint": 0, "first_token": 50})] == [("first_token", 0)]


def test_steps_at_the_same_moment_are_still_seen() -> None:
    drawn = bars({"endpoint": 0, "first_token": 500, "first_clause": 500, "done": 1000})
    assert all(bar.width_percent > 0 for bar in drawn)


def test_nothing_to_draw() -> None:
    assert bars({}) == []
    assert bars({"endpoint": 0}) == []
    assert bars({"endpoint": 0, "transcript": 0})[0].width_percent > 0
