"""`manage.py doctor` as people run it: on a broken site, on one that is well, and without a database."""

import json
from pathlib import Path
from typing import Any

import pytest

from conversations.models import Assistant
from tests.support.live import Result, manage
from tests.support.production import PRODUCTION
from voiceproject.doctor.examination import FIRST, WITH_TABLES

SECRET = "s3cret-of-the-site"


def read(result: Result) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


@pytest.mark.usefixtures("committed_db")
def test_a_site_that_is_well(database_url: str, tmp_path: Path) -> None:
    """All but its Postgres, which the tests run without fsync."""
    Assistant.objects.exclude(is_default=True).delete()  # of other tests, whose engines this site has no keys for
    env = {"DATABASE_URL": database_url, "SPOOL_DIR": str(tmp_path)}
    answer = read(manage("doctor", "--offline", "--json", env=env))
    problems = [one["text"] for one in answer["findings"] if one["level"] == "problem"]
    assert [text for text in problems if not text.startswith("Postgres has fsync")] == []
    assert {one["area"] for one in answer["findings"]} == {*FIRST, *WITH_TABLES}


def test_a_broken_site(database_url: str, tmp_path: Path) -> None:
    spool = tmp_path / "a file"
    spool.write_text("in the way")
    broken = {
        **PRODUCTION,
        "DATABASE_URL": database_url,
        "DATABASE_POOL_SIZE": "1000",
        "TRUSTED_PROXY_COUNT": "0",
        "DEBUG": "true",
        "SPOOL_DIR": str(spool),
        "REDIS_URL": f"redis://:{SECRET}@127.0.0.1:1/0",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": "1",
        "EMAIL_HOST_PASSWORD": SECRET,
        "METRICS_TOKEN": "short-one",
        "STT_ENGINE": "openai",
    }
    result = manage("doctor", "--offline", env=broken)
    assert result.returncode == 1
    for words in (
        "HTTPS is on and TRUSTED_PROXY_COUNT is 0",
        "DEBUG shows tracebacks",
        "METRICS_TOKEN is shorter",
        "Redis cannot be reached",
        "The mail server 127.0.0.1:1 cannot be reached",
        "SPOOL_DIR cannot be written",
        "too few for one",
        "speech to text is to come from openai",
    ):
        assert words in result.stdout, result.stdout
    assert result.stdout.rstrip().splitlines()[-1].endswith("problems.")
    assert "Traceback" not in result.stderr + result.stdout
    assert not [secret for secret in (SECRET, broken["SECRET_KEY"]) if secret in result.stdout + result.stderr]


def test_a_site_without_a_database() -> None:
    url = f"postgres://someone:{SECRET}@127.0.0.1:1/x"
    result = manage("doctor", "--offline", "--json", env={"DATABASE_URL": url})
    assert result.returncode == 1
    texts = [one["text"] for one in read(result)["findings"]]
    assert any(text.startswith("Postgres cannot be reached") and "127.0.0.1" in text for text in texts)
    assert any(text.startswith("Not looked at without the database") for text in texts)
    assert SECRET not in result.stdout + result.stderr
