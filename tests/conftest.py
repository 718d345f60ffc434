"""What every test may ask for: Postgres, Redis, and the site itself as a live process."""

import atexit
import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import django
import pytest
from cryptography.fernet import Fernet
from pytest_django import DjangoDbBlocker

from voiceproject.local import embedded_postgres

# The tests see nothing of the machine's own settings, least of all a key that costs money. It stands here since the
# settings are read when Django is, which is before any fixture.
SCRATCH = Path(tempfile.mkdtemp(prefix="voiceproject-tests-"))
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)
# Where the real speech models are, which are fetched once for a checkout. Workers inherit it.
os.environ.setdefault(
    "TEST_MODELS_DIR", os.environ.get("LOCAL_MODELS_DIR") or str(Path(__file__).parents[1] / "var/models")
)
PROVIDER_NAMES = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_API_KEY")
ENGINE_NAMES = ("STT_ENGINE", "STT_MODEL", "STT_STREAM_MODEL", "LLM_ENGINE", "LLM_MODEL",
                "TTS_ENGINE", "TTS_MODEL", "TTS_VOICE", "S2S_MODEL")  # fmt: skip
MODEL_NAMES = (
    "LOCAL_FALLBACK",
    "STT_FALLBACK",
    "LLM_FALLBACK",
    "TTS_FALLBACK",
    "LOCAL_STT_MODEL",
    "LOCAL_TTS_MODEL",
    "LOCAL_MODELS_FROM",
    "HF_ENDPOINT",
    "NPM_CONFIG_REGISTRY",
)
os.environ.update(
    dict.fromkeys((*PROVIDER_NAMES, *MODEL_NAMES, "GOOGLE_TTS_ENDPOINT", *ENGINE_NAMES, "REDIS_URL", "EMAIL_HOST"), "")
)
# Otherwise each worker, each live site and each run would compile the whole project again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
gc.disable()  # until the tests are collected: what is imported stays, however often one looks whether it is garbage
os.environ.update(
    DJANGO_SETTINGS_MODULE="voiceproject.settings",
    ENV_FILE=os.devnull,
    LOCAL_LLM_SERVERS="none",
    VOICE_RECORD_DIR="",
    DATABASE_URL=embedded_postgres.build_url(SCRATCH / "postgres"),
    SPOOL_DIR=str(SCRATCH / "spool"),
    LOCAL_MODELS="none",  # no site of the tests fetches any
    LOCAL_MODELS_DIR=str(SCRATCH / "models"),
    SECRET_KEY="tests-only-" + "x" * 50,
    FIELD_ENCRYPTION_KEY=Fernet.generate_key().decode(),
)

django.setup()

from django.contrib.auth.hashers import PBKDF2PasswordHasher  # noqa: E402
from django.db import connections  # noqa: E402
from servestatic.middleware import ServeStaticMiddleware  # noqa: E402

from tests.support.databases import TestDatabases, build_live_url  # noqa: E402
from tests.support.live import Site, run_redis, run_site, running  # noqa: E402

pytest_plugins = ["tests.upstream.fixtures", "tests.support.mcp_host", "tests.support.people"]

# The hash tells how often it was iterated, so that live sites know the passwords of these users too.
PBKDF2PasswordHasher.iterations = 1_000
# Every test client makes its own middleware. This one would list all 450 files each time, and look them up anyway.
ServeStaticMiddleware.add_files_from_finders = lambda self: None

FAST_POSTGRES = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "300"}
databases = TestDatabases()


# Those that take longest, so that no worker begins one when the other has run out of work.
LONG_MODULES = (
    "clients/test_openai_node.py", "browser/test_trouble.py", "browser/test_web_speech.py", "sdk/test_outages.py",
    "sdk/test_engine_faults.py", "browser/test_call_looks.py", "browser/test_looks.py", "voiceproject/test_run.py",
    "browser/test_local_model.py", "browser/test_talk.py", "browser/test_dead_connection.py",
    "clients/test_agents.py", "clients/test_beta.py", "browser/test_barge_in.py", "browser/test_live_words.py",
    "audio/test_uploads.py", "sdk/test_budget.py", "voiceproject/test_bad_starts.py", "sdk/test_talk_command.py",
    "sdk/test_turn_losses.py", "voiceproject/test_asgi.py", "sdk/test_take_over.py", "browser/test_options.py",
    "sdk/test_stopping.py", "browser/test_retry.py", "browser/test_voice_samples.py", "sdk/test_bad_days.py",
    "sdk/test_fallbacks.py", "sdk/test_resume.py", "browser/test_resume.py", "project/test_foreign_text.py",
    "browser/test_admin.py", "voiceproject/test_production.py", "voiceproject/test_backup.py",
    "voiceproject/server/test_supervisor.py", "voiceproject/test_redis_faults.py", "voiceproject/test_redis_away.py",
    "voiceproject/test_workers.py", "voiceproject/doctor/test_command.py", "sdk/test_traces.py",
    "sdk/test_starved.py", "clients/test_sequences.py", "admin/test_no_more_rights.py",
    "browser/test_speech_to_speech.py", "browser/test_tools_admin.py", "browser/test_languages.py",
)  # fmt: skip


@pytest.hookimpl(tryfirst=True)
def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what a live site serves, or another process of the project, for `-m "not live"`."""
    if "database_url" in getattr(item, "fixturenames", ()):
        item.add_marker("live")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the longest modules, then those with live sites: workers take them in that order."""
    if hasattr(config, "workerinput"):
        rank = {Path(__file__).parent / name: place for place, name in enumerate(LONG_MODULES)}
        live = {item.path for item in items if item.get_closest_marker("live")}
        items.sort(key=lambda item: (rank.get(item.path, len(rank)), item.path not in live))


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before the item's fixtures, whichever scope they have."""
    databases.choose(live=leaves_rows(item))


def leaves_rows(item: pytest.Item) -> bool:
    """Whether the test may write to the database without taking it back."""
    names = set(getattr(item, "fixturenames", ()))
    is_rolled_back = "db" in names or item.get_closest_marker("django_db") is not None
    return bool(names & {"database_url", "committed_db"}) or ("django_db_blocker" in names and not is_rolled_back)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Keep the settings of this process from its workers, each of which has a folder and a Postgres of its own.

    pytest-django would read them before this file is read there.
    """
    del os.environ["DJANGO_SETTINGS_MODULE"]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI what is skipped is not tested, and counts as failed. A failure shows what the live sites printed."""
    report = yield
    if report.failed:
        report.sections += [(f"log of {site.url}", site.log[-10_000:]) for site in running]
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
    return report


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """In pytest-django's place, which makes no database for tests that only reach it through a live site.

    Tests without a database start no server. Nothing is dropped: the whole server goes, with its folder.
    """
    embedded_postgres.start(SCRATCH / "postgres", FAST_POSTGRES)
    with django_db_blocker.unblock():
        databases.make()
    yield
    with django_db_blocker.unblock():
        databases.close()


@pytest.fixture(scope="session")
def database_url(django_db_setup: None) -> str:
    """The address of the database for live sites, for other processes."""
    return build_live_url()


@pytest.fixture
def committed_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The database without the usual transaction around the test, so that a live site sees what the test writes.

    Nothing is rolled back or flushed: use names and addresses that no other test uses.
    """
    with django_db_blocker.unblock():
        yield
        connections.close_all()


@pytest.fixture(scope="session")
def live_site(database_url: str) -> Iterator[Site]:
    """One site for all, with the demo engines: what hears takes one person at a time, and long on a busy machine."""
    with run_site(database_url, {"ENGINE_TIMEOUT_SEC": "60"}) as site:
        yield site


@pytest.fixture
def start_site(database_url: str) -> Iterator[Callable[..., Site]]:
    """`start_site(NAME="value", …)`: one more site, with those variables, until the test ends."""
    with ExitStack() as stack:
        yield lambda **env: stack.enter_context(run_site(database_url, env))


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with run_redis(SCRATCH) as url:
        yield url
