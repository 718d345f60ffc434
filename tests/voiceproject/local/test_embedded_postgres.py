"""The server that the wheel brings: wherever the project lies, private, and gone with its last user."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.support.live import ROOT
from voiceproject.local import embedded_postgres

USE = """
import sys, psycopg
from pathlib import Path
from voiceproject.local import embedded_postgres
with psycopg.connect(embedded_postgres.start(Path(sys.argv[1]))) as connection:
    print(connection.execute("SHOW server_version").fetchone()[0], flush=True)
sys.stdin.readline()
"""


def start_user(data_dir: Path) -> subprocess.Popen[str]:
    """Start a process that uses the server until it reads a line."""
    command = [sys.executable, "-c", USE, str(data_dir)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def read_version(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def is_up(data_dir: Path) -> bool:
    try:
        psycopg.connect(embedded_postgres.build_url(data_dir)).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.mark.parametrize("name", ["plain", "Ünusual, with 'quotes' $x `y` \"z\"", "d" * 120])
def test_it_works(tmp_path: Path, name: str) -> None:
    data_dir = tmp_path / name / "postgres"
    with start_user(data_dir) as process:
        assert read_version(process).startswith("18.")
        assert stat.S_IMODE(data_dir.stat().st_mode) == 0o700
        process.communicate("\n")
    assert not is_up(data_dir)


def test_the_last_user_stops_it(tmp_path: Path) -> None:
    data_dir = tmp_path / "postgres"
    with start_user(data_dir) as first, start_user(data_dir) as second:
        assert read_version(first) == read_version(second)
        first.communicate("\n")
        assert is_up(data_dir)
        second.communicate("\n")
    assert not is_up(data_dir)


def test_a_killed_user_counts_no_more(tmp_path: Path) -> None:
    data_dir = tmp_path / "postgres"
    with start_user(data_dir) as killed, start_user(data_dir) as last:
        assert read_version(killed) == read_version(last)
        killed.kill()
        killed.wait()
        last.communicate("\n")
    assert not is_up(data_dir)


def test_a_killed_server_starts_again(tmp_path: Path) -> None:
    data_dir = tmp_path / "postgres"
    with start_user(data_dir) as process:
        read_version(process)
        os.kill(int((data_dir / "postmaster.pid").read_text().split()[0]), 9)
        process.communicate("\n")
    with start_user(data_dir) as process:
        assert read_version(process).startswith("18.")
        process.communicate("\n")


def test_a_first_start_cut_short_leaves_nothing_half_made(tmp_path: Path) -> None:
    half_made = tmp_path / "postgres.new"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18")
    with start_user(tmp_path / "postgres") as process:
        assert read_version(process).startswith("18.")
        process.communicate("\n")


def test_a_full_disk_is_said_in_one_line(tmp_path: Path) -> None:
    data_dir = tmp_path / "postgres"
    with start_user(data_dir) as process:
        read_version(process)
        process.communicate("\n")
    (data_dir / "postmaster.opts").unlink()
    (data_dir / "postmaster.opts").symlink_to("/dev/full")
    with pytest.raises(ImproperlyConfigured, match=r"The disk is full.* Make room and start again"):
        embedded_postgres.start(data_dir)
