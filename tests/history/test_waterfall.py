from conversations.history.waterfall import build_bars
from tests.support.factories import WATERFALL

AHEAD = {"transcript": -180, "first_token": -60, "first_clause": -20, "first_audio": 12, "playback": 95, "done": 420}


def test_it_works() -> None:
    drawn = build_bars(WATERFALL)
    assert [bar.step for bar in drawn] == [
        "transcript",
        "first_token",
        "first_clause",
        "first_audio",
        "playback",
        "done",
    ]
    assert [bar.took_ms for bar in drawn] == [310, 310, 80, 205, 85, 1235]
    assert drawn[0].left_percent == 0
    assert round(drawn[-1].left_percent + drawn[-1].width_percent) == 100
    assert not any(bar.is_ahead for bar in drawn)


def test_work_done_ahead_lies_left_of_the_endpoint() -> None:
    drawn = build_bars({"endpoint": 0} | AHEAD)
    assert [(bar.start_ms, bar.end_ms) for bar in drawn] == [
        (-180, -180),
        (-180, -60),
        (-60, -20),
        (-20, 12),
        (12, 95),
        (12, 420),
    ]
    assert [bar.is_ahead for bar in drawn] == [True, True, True, False, False, False]
    assert {bar.endpoint_percent for bar in drawn} == {30}
    assert [round(bar.left_percent) for bar in drawn] == [0, 0, 20, 27, 32, 32]
    assert round(drawn[-1].left_percent + drawn[-1].width_percent) == 100


def test_a_reply_may_be_done_before_the_page_plays_it() -> None:
    drawn = build_bars({"endpoint": 0, "first_audio": 100, "playback": 400, "done": 200})
    assert [(bar.step, bar.start_ms, bar.end_ms) for bar in drawn[1:]] == [("playback", 100, 400), ("done", 100, 200)]
    assert all(bar.left_percent + bar.width_percent <= 100 for bar in drawn)


def test_a_turn_that_broke_off() -> None:
    (only,) = build_bars({"endpoint": 0, "transcript": 280})
    assert (only.start_ms, only.end_ms, only.width_percent) == (0, 280, 100)
    (only,) = build_bars({"endpoint": 0, "transcript": -280})
    assert (only.left_percent, only.endpoint_percent) == (0, 100)


def test_a_turn_without_speech_skips_its_step() -> None:
    assert [(bar.step, bar.start_ms) for bar in build_bars({"endpoint": 0, "first_token": 50})] == [("first_token", 0)]


def test_steps_at_the_same_moment_are_still_seen() -> None:
    drawn = build_bars({"endpoint": 0, "first_token": 500, "first_clause": 500, "first_audio": 1000, "done": 1000})
    assert all(bar.width_percent > 0 and bar.left_percent + bar.width_percent <= 100 for bar in drawn)


def test_nothing_to_draw() -> None:
    assert build_bars({}) == []
    assert build_bars({"endpoint": 0}) == []
    assert build_bars({"endpoint": 0, "transcript": 0})[0].width_percent > 0
