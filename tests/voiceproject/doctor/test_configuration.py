from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from tests.support.diagnosis import list_fine, list_notes, list_problems
from voiceproject.doctor import configuration, program
from voiceproject.doctor.findings import Options

ONLINE = Options()


def test_nothing_is_wrong() -> None:
    assert list_fine(configuration.check(ONLINE))


def test_django_checks_count(settings: Settings) -> None:
    """Those of `check --deploy` too, where others reach the site."""
    settings.SESSION_COOKIE_SECURE = False
    assert not list_problems(configuration.check(ONLINE))
    settings.HTTPS = True
    assert any("SESSION_COOKIE_SECURE" in text for text in list_problems(configuration.check(ONLINE)))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DEBUG", True, "DEBUG shows tracebacks"),
        ("ALLOWED_HOSTS", ["voice.example.com", "*"], "every host name"),
        ("METRICS_TOKEN", "short", "METRICS_TOKEN is shorter"),
    ],
)
def test_problems(settings: Settings, name: str, value: object, words: str) -> None:
    settings.ALLOWED_HOSTS = ["voice.example.com"]
    setattr(settings, name, value)
    [text] = list_problems(configuration.check(ONLINE))
    assert words in text


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("RECORD_DIR", "/calls", "of every call are recorded"), ("LOG_LEVEL", "ERROR", "leaves out warnings")],
)
def test_notes(settings: Settings, name: str, value: object, words: str) -> None:
    setattr(settings, name, value)
    [text] = list_notes(configuration.check(ONLINE))
    assert words in text


def test_this_program_is_as_it_was_tested() -> None:
    assert not list_problems(program.check(ONLINE))


def test_an_old_python() -> None:
    [text] = list_problems([program._check_python((3, 10))])
    assert text.startswith("Python ")


def test_packages_that_are_missing_or_others(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text("django==1.0 \\\n    --hash=sha256:0\nno-such-package==1.0 ; sys_platform == 'win32' \\\n")
    [text] = list_notes([program._check_packages(lock)])
    assert text.startswith("Packages have other versions than those that were tested: django ")
    lock.write_text("no-such-package==1.0 \\\n")
    assert list_problems([program._check_packages(lock)]) == ["Packages are missing: no-such-package."]
