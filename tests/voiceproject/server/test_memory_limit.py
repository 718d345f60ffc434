from pathlib import Path

import pytest

from voiceproject.server.memory_limit import measure_memory_mb


@pytest.mark.parametrize("content", ["max\n", None])
def test_without_a_limit_it_is_the_machines(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "memory.max"
    if content:
        path.write_text(content)
    assert measure_memory_mb(path) > 256


def test_a_container_has_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "memory.max"
    path.write_text("256000000\n")
    assert measure_memory_mb(path) == 256
