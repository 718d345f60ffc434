"""Shares of a core: which files of the kernel's are written, and that a machine without them is told apart."""

from pathlib import Path

import pytest

from bench.cpu_share import give_share


def test_version_2(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory")
    with give_share("0", 0.3, tmp_path) as share:
        assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpu"
        assert (share.folder / "cpu.max").read_text() == "3000 10000"
        share.hold(42)
        assert (share.folder / "cgroup.procs").read_text() == "42"
        (share.folder / "cpu.stat").write_text("usage_usec 5\nnr_periods 40\nnr_throttled 3\n")
        assert share.count_throttled() == (3, 40)
        for file in share.folder.iterdir():  # the kernel's own are no hindrance to removing it
            file.unlink()
    assert not share.folder.exists()


def test_version_1(tmp_path: Path) -> None:
    (tmp_path / "cpu").mkdir()
    with give_share("0", 0.25, tmp_path) as share:
        assert share.folder.parent == tmp_path / "cpu"
        assert (share.folder / "cpu.cfs_quota_us").read_text() == "2500"
        assert (share.folder / "cpu.cfs_period_us").read_text() == "10000"
        for file in share.folder.iterdir():
            file.unlink()


def test_where_none_can_be_given_a_sentence_says_so(tmp_path: Path) -> None:
    with (
        pytest.raises(SystemExit, match="No process can be held to a share of a core here"),
        give_share("0", 1, tmp_path),
    ):
        pass
