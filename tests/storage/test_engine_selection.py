"""Which engine serves whom, and with which models."""

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import ProviderKey, User
from accounts.security import encryption
from conversations.engines.base import EngineSpec
from conversations.models import Assistant
from conversations.storage.engine_selection import choose_engines

OPENAI = "https://api.openai.com/v1"
LAN = "http://10.0.0.5:8080/v1"
LIVE = "gpt-live-transcribe"


def choose_stt(owner: User, settings: Settings, model: str, base_url: str = "", **assistant: str) -> EngineSpec:
    settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "sk-site", base_url
    settings.STT_STREAM_MODEL = model
    return choose_engines(owner, Assistant(**assistant)).stt


@pytest.mark.parametrize("base_url", ["", OPENAI, f"{OPENAI}/"])
def test_openai_hears_while_one_speaks(owner: User, settings: Settings, base_url: str) -> None:
    spec = choose_stt(owner, settings, "", base_url)
    assert (spec.model, spec.stream_model) == ("gpt-transcribe", LIVE)


def test_a_compatible_server_only_where_it_is_named(owner: User, settings: Settings) -> None:
    assert choose_stt(owner, settings, "", LAN).stream_model == ""
    assert choose_stt(owner, settings, "voxtral", f"{LAN}/").stream_model == "voxtral"


def test_an_assistant_with_a_model_of_its_own(owner: User, settings: Settings) -> None:
    own = choose_stt(owner, settings, "", stt_engine="openai", stt_model="whisper-1")
    assert (own.model, own.stream_model) == ("whisper-1", "")
    live = choose_stt(owner, settings, "", stt_engine="openai", stt_model=LIVE)
    assert (live.model, live.stream_model) == ("gpt-transcribe", LIVE)
    assert choose_stt(owner, settings, "", stt_engine="demo").stream_model == ""


def test_a_users_own_server(owner: User, settings: Settings) -> None:
    fields = {"secret_encrypted": encryption.encrypt("sk-mine"), "tested_at": timezone.now()}
    key = ProviderKey.objects.create(user=owner, provider="openai", base_url="https://my.example/v1", **fields)
    assert choose_stt(owner, settings, "voxtral", LAN).stream_model == ""
    key.base_url = OPENAI
    key.save()
    assert choose_stt(owner, settings, "voxtral", LAN).stream_model == LIVE


def choose_tts(owner: User, settings: Settings, base_url: str = "", model: str = "", **assistant: str) -> EngineSpec:
    settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "sk-site", base_url
    settings.TTS_MODEL = model
    return choose_engines(owner, Assistant(**assistant)).tts


@pytest.mark.parametrize("base_url", ["", OPENAI, f"{OPENAI}/"])
def test_openai_reads_aloud(owner: User, settings: Settings, base_url: str) -> None:
    spec = choose_tts(owner, settings, base_url)
    assert (spec.provider, spec.voice, spec.api_key) == ("openai-realtime", "marin", "sk-site")
    assert "realtime" in spec.model


def test_a_compatible_server_has_a_speech_endpoint(owner: User, settings: Settings) -> None:
    assert choose_tts(owner, settings, LAN).provider == "openai"
    asked = choose_tts(owner, settings, LAN, tts_engine="openai-realtime", tts_model="own", tts_voice="echo")
    assert (asked.provider, asked.model, asked.voice, asked.base_url) == ("openai-realtime", "own", "echo", LAN)


def test_googles_voices_come_first(owner: User, settings: Settings) -> None:
    settings.GOOGLE_API_KEY = "AIza-site"
    assert choose_tts(owner, settings).provider == "google"


def test_a_site_that_named_a_model_of_the_speech_endpoint(owner: User, settings: Settings) -> None:
    spec = choose_tts(owner, settings, model="tts-1")
    assert (spec.provider, spec.model) == ("openai", "tts-1")


def test_speech_to_speech_where_it_is_asked_for(owner: User, settings: Settings) -> None:
    settings.OPENAI_API_KEY = "sk-site"
    assert choose_engines(owner, Assistant()).s2s is None
    spec = choose_engines(owner, Assistant(s2s_engine="openai", tts_voice="cedar")).s2s
    assert spec is not None
    assert (spec.provider, spec.voice, spec.stream_model) == ("openai", "cedar", "gpt-transcribe")
    assert not choose_engines(owner, Assistant(s2s_engine="openai")).has_cascade
    assert choose_engines(owner, Assistant(s2s_engine="openai", llm_engine="openai")).has_cascade
    assert "realtime" in spec.model
    other = choose_engines(owner, Assistant(s2s_engine="openai", s2s_model="own", tts_voice="en-US-Chirp3-HD-Kore")).s2s
    assert other is not None
    assert (other.model, other.voice) == ("own", "marin")


def test_an_assistant_with_a_voice_of_openai_where_the_demo_speaks(owner: User) -> None:
    assert choose_engines(owner, Assistant(tts_voice="marin")).tts.voice == "en-us"
    assert choose_engines(owner, Assistant(tts_voice="en-gb+f3")).tts.voice == "en-gb+f3"
