"""`manage.py run` on a machine that has nothing: it brings Postgres and keys, and leaves nothing running."""

import os
import signal
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import psycopg
import pytest

from tests.support.live import copy_project, manage, read_readiness, run_site
from voiceproject.local import embedded_postgres

NOTHING = {"DATABASE_URL": "", "SECRET_KEY": "", "FIELD_ENCRYPTION_KEY": ""}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copy_project(tmp_path)


@pytest.fixture(scope="module")
def earlier_folder() -> Iterator[Path]:
    """A folder that has keys and a database with its tables already."""
    with tempfile.TemporaryDirectory(prefix="voiceproject-test-", ignore_cleanup_errors=True) as name:
        folder = copy_project(Path(name))
        assert manage("migrate", env=NOTHING, root=folder).returncode == 0
        yield folder


@pytest.fixture
def used_folder(folder: Path, earlier_folder: Path) -> Path:
    """A copy of the earlier folder, its files with their owners: Postgres's may be another user's."""
    subprocess.run(["cp", "-a", earlier_folder / "var", folder], check=True)
    return folder


def is_up(folder: Path) -> bool:
    try:
        psycopg.connect(embedded_postgres.build_url(folder / "var" / "postgres")).close()
    except psycopg.OperationalError:
        return False
    return True


def test_from_nothing_and_again(folder: Path) -> None:
    as_people_do = {**NOTHING, "PYTHONUNBUFFERED": "1"}  # a process of its own, not a fork
    with run_site("", as_people_do, folder) as site:
        assert read_readiness(site)["status"] == "ready"
        site.wait_for_log("no admin yet")
    assert not is_up(folder)
    key = (folder / "var" / "secret_key").read_text()
    env = {**NOTHING, "DJANGO_SUPERUSER_PASSWORD": "kept across starts", "DJANGO_SUPERUSER_EMAIL": "a@example.com"}
    assert manage("createsuperuser", "--noinput", env=env, root=folder).returncode == 0
    with run_site("", NOTHING, folder) as site:
        urlopen(f"{site.url}/readyz").close()
    assert "no admin yet" not in site.log
    assert (folder / "var" / "secret_key").read_text() == key


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_stop_everything(used_folder: Path, ending: signal.Signals) -> None:
    with run_site("", NOTHING, used_folder) as site:
        assert is_up(used_folder)
        site.process.send_signal(ending)
        assert site.process.wait(20) == 0
    assert "Traceback" not in site.log
    assert not is_up(used_folder)


def test_a_killed_postgres_is_started_again(used_folder: Path) -> None:
    with run_site("", NOTHING, used_folder) as site:
        postmaster = (used_folder / "var" / "postgres" / "postmaster.pid").read_text().split()[0]
        os.kill(int(postmaster), signal.SIGKILL)
        site.wait_for_log("it runs again")
        assert read_readiness(site)["status"] == "ready"
    assert "Traceback" not in site.log
    assert not is_up(used_folder)


def test_killed_and_started_again(used_folder: Path) -> None:
    with run_site("", NOTHING, used_folder) as site:
        site.process.kill()
        site.process.wait()
    assert is_up(used_folder)  # nobody was left to stop it
    with run_site("", NOTHING, used_folder) as site:
        assert read_readiness(site)["status"] == "ready"
    assert not is_up(used_folder)


def test_a_command_beside_a_running_site(used_folder: Path) -> None:
    with run_site("", NOTHING, used_folder) as site:
        assert manage("showmigrations", "accounts", env=NOTHING, root=used_folder).returncode == 0
        assert read_readiness(site)["status"] == "ready"  # it did not take Postgres away


def test_keys_are_private(folder: Path) -> None:
    assert manage("check", env=NOTHING, root=folder).returncode == 0
    for name in ("secret_key", "field_encryption_key"):
        assert stat.S_IMODE((folder / "var" / name).stat().st_mode) == 0o600


def test_two_starts_at_once(folder: Path) -> None:
    """Only one of them makes the keys, the tables and Postgres."""
    with run_site("", NOTHING, folder) as first, run_site("", NOTHING, folder) as second:
        assert read_readiness(first)["status"] == read_readiness(second)["status"] == "ready"


def test_env_file_gives_way_to_the_environment(folder: Path) -> None:
    (folder / ".env").write_text("PORT=not-read\nSIGN_UP=nonsense\n")
    result = manage("check", env={**NOTHING, "ENV_FILE": ".env", "PORT": "8000"}, root=folder)
    assert result.stderr == "Cannot start: SIGN_UP is 'nonsense'; use one of: open, invitation, closed.\n"
