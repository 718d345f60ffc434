import subprocess
import sys
from pathlib import Path

import pytest

from conversations.engines.base import EngineSpec
from conversations.engines.errors import EngineRejected
from conversations.engines.registry import ENGINES, STREAMS, load, make_llm, make_stt_stream
from conversations.engines.voices import choose_voice, is_public, list_voices


@pytest.mark.parametrize(("kind", "provider"), ENGINES)
def test_every_registered_engine_loads(kind: str, provider: str) -> None:
    assert callable(load(kind, provider))  # type: ignore[arg-type]


@pytest.mark.parametrize("provider", STREAMS)
def test_every_registered_stream_loads(provider: str) -> None:
    assert make_stt_stream(EngineSpec(provider, stream_model="live"))


def test_not_every_engine_hears_while_one_speaks() -> None:
    assert make_stt_stream(EngineSpec("openai")) is None
    assert make_stt_stream(EngineSpec("demo", stream_model="live")) is None


def test_an_unknown_engine_is_named_with_those_there_are() -> None:
    with pytest.raises(EngineRejected, match=r"no engine “google”\. Use openai, local, demo"):
        make_llm(EngineSpec(provider="google"))


def test_no_providers_client_loads_before_it_is_used() -> None:
    script = "import sys, conversations.engines.registry; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"openai", "google", "grpc", "pocketsphinx", "espeakng_loader", "django"} & set(loaded)


def test_what_a_session_uses_is_loaded_before_it_runs() -> None:
    """In a thread; the import would stop every other conversation of the process."""
    script = """if True:
        import sys, django; django.setup()
        from conversations.session import cascade
        from conversations.storage.engine_selection import EngineSet
        from conversations.engines.base import EngineSpec
        spec = EngineSpec("openai", "m", stream_model="live")
        cascade.warm_engines(EngineSet(stt=spec, llm=spec, tts=spec))
        print(*sys.modules)
    """
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert {"conversations.engines.openai.realtime_stt", "openai.resources.realtime.realtime"} <= set(loaded)


def test_the_picker_has_voices_for_each_provider() -> None:
    google = dict(list_voices(EngineSpec(provider="google")))
    assert google["de-DE-Chirp3-HD-Kore"] == "German, Kore (female)"
    assert len(google) == 200
    assert dict(list_voices(EngineSpec(provider="demo")))["en-us"] == "English (US)"
    assert "marin" in dict(list_voices(EngineSpec(provider="openai", model="gpt-4o-mini-tts")))
    assert "marin" not in dict(list_voices(EngineSpec(provider="openai", model="tts-1")))
    assert list_voices(EngineSpec(provider="openai", base_url="http://localhost:8880/v1")) == []
    assert {"marin", "fable"} & dict(list_voices(EngineSpec(provider="openai-realtime"))).keys() == {"marin"}


def test_the_picker_has_the_voices_that_are_on_this_machine(tmp_path: Path) -> None:
    assert list_voices(EngineSpec("local", "hibari", folder=str(tmp_path))) == [
        ("heart", "Heart, English (US), female")
    ]
    assert [voice for voice, _ in list_voices(EngineSpec("local", "auto", folder=str(tmp_path)))] == ["", "heart"]
    assert list_voices(EngineSpec("local", "kokoro", folder=str(tmp_path))) == []
    assert list_voices(EngineSpec("local", "hibari", folder=str(tmp_path)), "de-AT") == []
    assert all(is_public(voice) for voice in ("", "heart", "af_heart", "piper-en_US-joe-medium"))
    assert not is_public("cloned-af_heart")


def test_a_voice_that_the_engine_does_not_have() -> None:
    for provider, fits in (("openai", "fable"), ("openai-realtime", "cedar"), ("google", "cedar")):
        assert choose_voice(EngineSpec(provider=provider, voice="cedar"), "fable") == fits
