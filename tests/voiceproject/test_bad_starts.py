"""A site that cannot start says why in one line, and nothing else."""

import os
import socket
from pathlib import Path

import pytest

from tests.support.databases import LIVE
from tests.support.live import Result, copy_project, manage

# Root may write anywhere, until it gives that up.
AS_OTHERS = ("setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override") if os.geteuid() == 0 else ()
EMBEDDED = {"DATABASE_URL": "", "PORT": "0"}
SECRET = "s3cret-pass"


def assert_one_line(result: Result, *words: str) -> None:
    assert result.returncode not in (0, -11), result.stdout
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert all(word in lines[0] for word in words), lines[0]
    assert SECRET not in lines[0]


WRONG_VALUES = {
    "DEBUG": "perhaps",
    "PORT": "http",
    "DATABASE_POOL_SIZE": "0",
    "TRUSTED_PROXY_COUNT": "-1",
    "EMAIL_PORT": "70000",
    "ENGINE_TIMEOUT_SEC": "soon",
    "SIGN_UP": "maybe",
    "USER_BASE_URLS": "some",
    "LOG_LEVEL": "loud",
    "STT_ENGINE": "google",
    "LLM_FALLBACK": "google",
    "LOCAL_LLM_SERVERS": "ollama",
    "LOCAL_MODELS": "huge",
    "HF_ENDPOINT": "hub.example.com",
    "REDIS_URL": f"http://:{SECRET}@localhost",
    "DATABASE_URL": f"mysql://root:{SECRET}@localhost/x",
    "CSRF_TRUSTED_ORIGINS": "voice.example.com",
    "FIELD_ENCRYPTION_KEY": SECRET,
    "HSTS_SECONDS": "a year",
    "CLIPS_STORAGE": "nowhere.Storage",
    "CLIPS_STORAGE_OPTIONS": "[]",
}


@pytest.mark.parametrize(("name", "value"), WRONG_VALUES.items())
def test_a_wrong_value_names_its_variable(name: str, value: str) -> None:
    assert_one_line(manage("check", env={name: value}), name)


def test_a_language_model_elsewhere() -> None:
    elsewhere = manage("check", env={"LOCAL_LLM_SERVERS": "11434,10.0.0.5:8080"})
    assert_one_line(elsewhere, "LOCAL_LLM_SERVERS", "10.0.0.5:8080", "OPENAI_BASE_URL")


def test_an_option_that_the_storage_does_not_know() -> None:
    clips = {"CLIPS_STORAGE": "django.core.files.storage.FileSystemStorage", "CLIPS_STORAGE_OPTIONS": '{"unheard": 1}'}
    assert_one_line(manage("check", env=clips), "CLIPS_STORAGE_OPTIONS", "unheard")


def test_sound_in_two_places() -> None:
    both = {"S3_BUCKET": "clips", "CLIPS_STORAGE": "django.core.files.storage.FileSystemStorage"}
    assert_one_line(manage("check", env=both), "S3_BUCKET", "CLIPS_STORAGE")


def test_mail_over_tls_in_two_ways() -> None:
    both = {"EMAIL_USE_TLS": "true", "EMAIL_USE_SSL": "true"}
    assert_one_line(manage("check", env=both), "EMAIL_USE_TLS", "EMAIL_USE_SSL")


@pytest.mark.parametrize("url", ["postgres://[", "nonsense", "sqlite://:memory:"])
def test_an_unreadable_database_url(url: str) -> None:
    assert_one_line(manage("run", env={"DATABASE_URL": url, "PORT": "0"}), "DATABASE_URL")


def test_a_database_that_is_not_there() -> None:
    url = f"postgres://someone:{SECRET}@127.0.0.1:1/x"
    assert_one_line(manage("run", env={"DATABASE_URL": url, "PORT": "0"}), "DATABASE_URL", "127.0.0.1", "refused")


def test_a_database_without_that_name(database_url: str) -> None:
    url = database_url.replace(f"/{LIVE}?", "/elsewhere?")
    assert_one_line(manage("run", env={"DATABASE_URL": url, "PORT": "0"}), "DATABASE_URL", "elsewhere")


def test_a_taken_port(database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = manage("run", env={"DATABASE_URL": database_url, "PORT": port})
    assert_one_line(result, "PORT", port, "in use")


def test_a_host_that_is_not_ours(database_url: str) -> None:
    result = manage("run", env={"DATABASE_URL": database_url, "PORT": "0", "HOST": "192.0.2.1"})
    assert_one_line(result, "HOST", "192.0.2.1")


@pytest.mark.parametrize("name", ["SECRET_KEY", "FIELD_ENCRYPTION_KEY"])
def test_a_missing_key(name: str, tmp_path: Path) -> None:
    assert_one_line(manage("check", env={name: ""}, root=copy_project(tmp_path)), name, "not set")


def test_var_that_is_a_file(tmp_path: Path) -> None:
    copy_project(tmp_path).joinpath("var").write_text("in the way")
    assert_one_line(manage("run", env=EMBEDDED, root=tmp_path), "var")


def test_var_that_may_not_be_written(tmp_path: Path) -> None:
    copy_project(tmp_path).joinpath("var").mkdir(mode=0o500)
    assert_one_line(manage("run", env=EMBEDDED, root=tmp_path, before=AS_OTHERS), "var", "Permission denied")
