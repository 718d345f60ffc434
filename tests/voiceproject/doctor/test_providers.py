"""The engines, with the emulated OpenAI and Google on real sockets."""

from datetime import date

import pytest
from pytest_django.fixtures import Settings

from accounts.provider_keys import verification
from conversations.models import Assistant
from tests.support.diagnosis import list_fine, list_notes, list_problems
from tests.upstream.fixtures import Upstream
from voiceproject.doctor import providers
from voiceproject.doctor.findings import Options

pytestmark = pytest.mark.django_db
ONLINE, OFFLINE = Options(), Options(offline=True)
KEY = "sk-the-key-itself"
TODAY = date(2026, 11, 30)


@pytest.fixture
def openai(settings: Settings, upstream: Upstream) -> Upstream:
    settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = KEY, upstream.openai_url
    return upstream


def test_a_key_that_works(openai: Upstream) -> None:
    openai.behave("models", accepted_key=KEY)
    found = list(providers.check(ONLINE))
    assert not list_problems(found)
    assert list_fine(found) == ["Works: 127.0.0.1 offers 5 models."]


def test_offline_asks_nobody(openai: Upstream) -> None:
    assert list_notes(providers.check(OFFLINE)) == ["Keys and models were not tried (--offline)."]
    assert not openai.list_requests("models")


@pytest.mark.parametrize(
    ("fault", "words"), [("401", "refused this key"), ("500", "error (500)"), ("hang", "no answer")]
)
def test_a_key_that_does_not(openai: Upstream, fault: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "TIMEOUT_SEC", 0.5)
    openai.behave("models", fault=fault)
    [text] = list_problems(providers.check(ONLINE))
    assert words in text
    assert KEY not in text


def test_google(settings: Settings, upstream: Upstream) -> None:
    settings.GOOGLE_API_KEY, settings.GOOGLE_TTS_ENDPOINT = "AIza-key", upstream.google_url
    assert "Works: Google offers 1 voice." in list_fine(providers.check(ONLINE))
    upstream.behave("google_voices", accepted_key="another")
    assert "Google refused this key" in list_problems(providers.check(ONLINE))[0]


def test_an_engine_without_its_key(settings: Settings) -> None:
    settings.LLM_ENGINE = "openai"
    [text] = list_problems(providers.check(OFFLINE))
    assert "language model is to come from openai, and the site has no key" in text


def test_an_assistant_without_its_key() -> None:
    Assistant.objects.update(tts_engine="google")
    [text] = list_problems(providers.check(OFFLINE))
    assert text.startswith("The assistant “")
    assert "google" in text


def test_the_demo_alone() -> None:
    assert "The demo serves" in list_notes(providers.check(OFFLINE))[0]


def test_nothing_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the image, before a key is set."""
    monkeypatch.setattr("conversations.engines.demo.is_installed", lambda kind: kind == "llm")
    assert "Nothing serves speech to text, text to speech" in list_problems(providers.check(OFFLINE))[0]


def test_models() -> None:
    offered = {"good": "", "late": "2027-06-01", "soon": "2027-01-06", "gone": "2026-11-29", "odd": "in May"}
    found = list(providers.judge_models({*offered, "unheard"}, offered, TODAY, is_own=True))
    assert list_problems(found) == [
        "The model gone ended on 2026-11-29.",
        "The model unheard is not among those that are offered.",
    ]
    assert list_notes(found) == ["The model soon ends on 2027-01-06."]


def test_a_compatible_server_may_not_list_all() -> None:
    found = list(providers.judge_models({"unheard"}, {}, TODAY, is_own=False))
    assert list_notes(found)
    assert not list_problems(found)


def test_a_list_says_when_models_end() -> None:
    body = b'{"data": [{"id": "a"}, {"id": "b", "shutdown_date": "2027-01-06"}, {"id": "c", "shutdown_date": null}, 1]}'
    assert verification._read_models(body) == {"a": "", "b": "2027-01-06", "c": "", "3": ""}
