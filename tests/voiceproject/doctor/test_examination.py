import pytest
from pytest_django.fixtures import Settings

from tests.support.diagnosis import list_problems
from voiceproject.doctor import database, examination
from voiceproject.doctor.findings import Options


def test_an_area_that_fails_hides_no_other_and_tells_no_secret(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library's error may repeat what it was given."""
    settings.OPENAI_API_KEY = "sk-the-key-itself"
    settings.REDIS_URL = "redis://user:the-password@redis/0"

    def fail(_: Options) -> None:
        raise ValueError(f"wrong: {settings.OPENAI_API_KEY} at {settings.REDIS_URL}")

    monkeypatch.setattr(examination, "FIRST", {"One": fail, "Two": fail})
    monkeypatch.setattr(database, "is_usable", lambda: False)
    one, two, _ = examination.examine(Options())
    assert list_problems(one.findings) == list_problems(two.findings)
    assert "ValueError: wrong: … at redis://user:…@redis/0" in list_problems(one.findings)[0]
