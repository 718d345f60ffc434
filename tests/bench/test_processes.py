"""How the benchmark of two processes reads what it measured, and what it runs them behind."""

import pytest

from bench.processes import Step, find_capacity
from bench.proxy import build_caddyfile
from tests.support.live import ROOT


def build_steps(*points: tuple[int, float]) -> list[Step]:
    return [Step(sessions, p95_ms, is_late=False, row=()) for sessions, p95_ms in points]


def test_the_capacity_is_where_the_line_between_two_steps_passes_the_limit() -> None:
    assert find_capacity(build_steps((10, 20), (20, 80), (30, 120), (40, 400)), 100) == pytest.approx(25)


def test_a_step_that_was_faster_than_the_one_before_it_counts_with_it() -> None:
    assert find_capacity(build_steps((10, 20), (20, 110), (30, 70), (40, 110), (50, 500)), 100) == pytest.approx(32.5)


@pytest.mark.parametrize("points", [((10, 120), (20, 300)), ((10, 20), (20, 30)), ((10, 20),)])
def test_a_limit_that_is_not_passed_on_the_way_has_no_capacity(points: tuple[tuple[int, float], ...]) -> None:
    assert find_capacity(build_steps(*points), 100) != find_capacity(build_steps(*points), 100)  # NaN


def test_caddy_has_the_file_that_is_shipped_but_for_its_replicas() -> None:
    text = build_caddyfile((ROOT / "Caddyfile").read_text(), ["http://127.0.0.1:81", "http://127.0.0.1:82"])
    assert "\tto 127.0.0.1:81 127.0.0.1:82\n" in text
    assert "name web" not in text
    assert "lb_policy least_conn" in text
