"""What the site's settings say about engines."""

import threading

import pytest
from pytest_django.fixtures import Settings

from conversations.engines.local_servers.addresses import Address
from conversations.site_engines import begin_search, get_site_choice, list_site_models
from tests.support.local_servers import list_models, run_local_server

OPENAI = "https://api.openai.com/v1"
LAN = "http://10.0.0.5:8080/v1"
LIVE = "gpt-live-transcribe"


@pytest.mark.parametrize(
    ("base_url", "name", "models"),
    [
        ("", "", {OPENAI: LIVE}),
        ("", "gpt-realtime-whisper", {OPENAI: "gpt-realtime-whisper"}),
        (LAN, "", {OPENAI: LIVE}),
        (f"{LAN}/", "voxtral", {OPENAI: LIVE, LAN: "voxtral"}),
        ("", "none", {}),
    ],
)
def test_which_server_hears_while_one_speaks(
    settings: Settings, base_url: str, name: str, models: dict[str, str]
) -> None:
    settings.OPENAI_BASE_URL, settings.STT_STREAM_MODEL = base_url, name
    assert get_site_choice("stt").stream_models == models


@pytest.mark.parametrize(
    ("engine", "model", "models"),
    [
        ("", "", {"openai": "gpt-4o-mini-tts", "openai-realtime": "gpt-realtime-2.1-mini"}),
        ("", "tts-1", {"openai": "tts-1"}),
        ("", "gpt-realtime-3", {"openai": "gpt-4o-mini-tts", "openai-realtime": "gpt-realtime-3"}),
        ("openai-realtime", "own", {"openai": "gpt-4o-mini-tts", "openai-realtime": "own"}),
        ("openai", "tts-1", {"openai": "tts-1", "openai-realtime": "gpt-realtime-2.1-mini"}),
    ],
)
def test_which_engine_a_model_belongs_to(settings: Settings, engine: str, model: str, models: dict[str, str]) -> None:
    settings.TTS_ENGINE, settings.TTS_MODEL = engine, model
    found = get_site_choice("tts").models
    assert {name: found[name] for name in found if "openai" in name} == models


@pytest.mark.parametrize(
    ("engine", "voice", "own"),
    [
        ("", "", ()),
        ("", "ash", ("openai", "openai-realtime")),
        ("", "de-DE-Chirp3-HD-Kore", ("google",)),
        ("demo", "de", ("demo",)),
    ],
)
def test_which_engine_a_voice_belongs_to(settings: Settings, engine: str, voice: str, own: tuple[str, ...]) -> None:
    settings.TTS_ENGINE = settings.TTS_VOICE = ""
    usual = get_site_choice("tts").voices
    settings.TTS_ENGINE, settings.TTS_VOICE = engine, voice
    assert get_site_choice("tts").voices == {**usual, **dict.fromkeys(own, voice)}


def test_speech_to_speech_has_the_voice_of_openai(settings: Settings) -> None:
    settings.TTS_ENGINE, settings.TTS_VOICE, settings.S2S_MODEL = "", "ash", "own"
    choice = get_site_choice("s2s")
    assert (choice.provider, choice.models, choice.voices) == ("", {"openai": "own"}, {"openai": "ash"})


def test_all_models_of_the_site(settings: Settings) -> None:
    settings.STT_MODEL, settings.LLM_MODEL = "own-ears", "own-head"
    assert {"own-ears", "own-head", LIVE, "espeak-ng"} <= list_site_models()


@pytest.mark.parametrize(
    ("changes", "looks"),
    [
        ({}, True),
        ({"OPENAI_API_KEY": "sk-site"}, False),
        ({"OPENAI_BASE_URL": LAN}, False),
        ({"LLM_ENGINE": "demo"}, False),
        ({"OPENAI_API_KEY": "sk-site", "LLM_ENGINE": "local"}, True),
        ({"OPENAI_API_KEY": "sk-site", "LOCAL_FALLBACK": True}, True),
    ],
)
def test_when_it_looks_for_language_models_at_the_start(
    settings: Settings, changes: dict[str, str], looks: bool
) -> None:
    settings.OPENAI_API_KEY = settings.OPENAI_BASE_URL = settings.LLM_ENGINE = ""
    for name, value in changes.items():
        setattr(settings, name, value)
    with run_local_server(v1__models=list_models("tiny:1b")) as server:
        settings.LOCAL_LLM_SERVERS = (Address("127.0.0.1", server.port),)
        begin_search()
        begun = [thread for thread in threading.enumerate() if thread.name == "local servers"]
        for thread in begun:
            thread.join()
        assert bool(server.asked) == looks
