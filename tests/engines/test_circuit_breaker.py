"""When an engine is skipped, and when it is tried again. Times are seconds of a clock that the tests hold."""

import pytest

from conversations.engines.circuit_breaker import Circuit, CircuitLimits, Circuits, State, shows_trouble
from conversations.engines.errors import (
    EngineBusy,
    EngineError,
    EngineErrors,
)

LIMITS = CircuitLimits(failures=3, window_sec=60, cool_down_sec=30, most_cool_down_sec=100)
ERRORS = EngineErrors("llm", "openai", "OpenAI", "sk-secret")


def open_circuit(at: float = 0.0) -> Circuit:
    circuit = Circuit(LIMITS)
    assert [circuit.note_failure(at) for _ in range(3)] == [False, False, True]
    return circuit


def fail_trial(circuit: Circuit) -> float:
    """Fail the trial as soon as there may be one, and return for how long the engine is skipped now."""
    now = circuit.retry_at
    assert circuit.begin_trial(now)
    assert not circuit.note_failure(now)
    circuit.end_trial()
    return circuit.retry_at - now


def test_it_works() -> None:
    circuit = open_circuit()
    assert (circuit.get_state(29), circuit.admits(29)) == (State.OPEN, False)
    assert (circuit.get_state(30), circuit.admits(30)) == (State.HALF_OPEN, True)
    assert circuit.begin_trial(30)
    assert circuit.note_success(31)
    circuit.end_trial()
    assert (circuit.get_state(31), circuit.admits(31)) == (State.CLOSED, True)
    assert not circuit.note_success(32)


def test_one_tries_while_others_still_skip() -> None:
    circuit = open_circuit()
    assert circuit.begin_trial(30)
    assert not circuit.admits(31)
    assert not circuit.begin_trial(31)
    circuit.end_trial()


def test_a_trial_that_was_cancelled_leaves_room_for_another() -> None:
    circuit = open_circuit()
    assert circuit.begin_trial(30)
    circuit.end_trial()
    assert circuit.get_state(31) is State.HALF_OPEN
    assert circuit.begin_trial(31)


def test_each_trial_that_fails_waits_twice_as_long_up_to_a_limit() -> None:
    circuit = open_circuit()
    assert [fail_trial(circuit) for _ in range(4)] == [60, 100, 100, 100]
    assert circuit.note_success(circuit.retry_at)
    again = circuit.retry_at + 1
    assert [circuit.note_failure(again) for _ in range(3)] == [False, False, True]
    assert circuit.retry_at == again + 30


def test_failures_far_apart_do_not_add_up() -> None:
    circuit = Circuit(LIMITS)
    assert not any(circuit.note_failure(at) for at in (0, 40, 80, 120, 160))


def test_few_failures_among_many_answers_do_not_open_it() -> None:
    circuit = Circuit(LIMITS)
    for at in range(10):
        circuit.note_success(at)
    assert not any(circuit.note_failure(11) for _ in range(9))
    assert circuit.note_failure(11)


def test_late_failures_of_calls_from_before_do_not_prolong_it() -> None:
    circuit = open_circuit()
    assert not circuit.note_failure(20)
    assert circuit.get_state(30) is State.HALF_OPEN


def test_whoever_calls_it_all_the_same_may_close_it() -> None:
    circuit = open_circuit()
    assert circuit.note_success(5)
    assert circuit.admits(5)


def test_what_it_remembers_is_bounded() -> None:
    circuits: Circuits[int] = Circuits(LIMITS, most=10)
    first = circuits.find(0)
    for _ in range(3):
        first.note_failure(0)
    for key in range(1, 100):
        circuits.find(key)
    assert len(list(circuits)) == 10
    assert circuits.find(0) is first  # it is open, so others were forgotten in its place
    assert circuits.find(50) is not circuits.find(51)


def answer(error: EngineError, status: int | None) -> EngineError:
    error.status = status
    return error


@pytest.mark.parametrize(
    ("error", "speaks_against_it"),
    [
        (ERRORS.build_server_error(503), True),
        (ERRORS.build_unreachable_error(), True),
        (ERRORS.build_connection_lost_error(), True),
        (ERRORS.build_busy_error(), True),
        (ERRORS.build_quota_error(), True),
        (answer(ERRORS.build_auth_error(), 401), True),
        (ERRORS.build_unexpected_answer_error("a reply"), True),
        (ERRORS.build_timeout_error(15), True),
        (ERRORS.build_timeout_error(2), True),
        (ERRORS.build_timeout_error(0.5), False),
        (ERRORS.build_out_of_time_error(), False),
        (answer(ERRORS.build_auth_error("Your input was flagged."), 403), False),
        (answer(ERRORS.build_rejected_error("No such model."), 400), False),
        (ERRORS.build_misread_error(), False),
        (ERRORS.build_not_found_error(), False),
        (EngineBusy("stt", "local", "is busy with others at the moment"), False),
    ],
)
def test_what_speaks_against_an_engine(error: EngineError, speaks_against_it: bool) -> None:
    assert shows_trouble(error, timeout_sec=15) == speaks_against_it


def test_an_engine_with_a_short_limit_of_its_own_has_had_its_time() -> None:
    assert shows_trouble(ERRORS.build_timeout_error(1), timeout_sec=1)
