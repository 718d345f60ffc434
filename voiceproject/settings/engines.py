"""Credentials, engines, models and voices of the site. conversations/site_engines.py chooses among them."""

import re

from voiceproject.settings.env import env, env_choice, env_file, env_float, env_url

# The site's own credentials, for users who have none of theirs. A compatible server (vLLM, Ollama, a Whisper server)
# needs OPENAI_BASE_URL, such as http://10.0.0.5:8080/v1, and often no key.
OPENAI_URL = "https://api.openai.com/v1"
OPENAI_API_KEY = env("OPENAI_API_KEY")
OPENAI_BASE_URL = env_url("OPENAI_BASE_URL", "http", "https")
# For Google's text to speech: a service account's JSON file, or an API key.
GOOGLE_APPLICATION_CREDENTIALS = env_file("GOOGLE_APPLICATION_CREDENTIALS")
GOOGLE_API_KEY = env("GOOGLE_API_KEY")
# Another address of it, such as a regional one; http:// is a plaintext gRPC channel, for tests.
GOOGLE_TTS_ENDPOINT = env("GOOGLE_TTS_ENDPOINT")

# How long an engine may take to its first byte, and between two pieces.
ENGINE_TIMEOUT_SEC = env_float("ENGINE_TIMEOUT_SEC", 15.0, lowest=1.0, highest=300.0)
# Engines of assistants that name none: openai, google (TTS only), openai-realtime (TTS only: a Realtime model that
# reads aloud) or demo. Unset: the best that has a credential. The models are those of OpenAI or of the compatible
# server at OPENAI_BASE_URL.
TTS_ENGINE = env_choice("TTS_ENGINE", ("", "openai", "openai-realtime", "google", "demo"), "")
TTS_VOICES = {"openai": "marin", "openai-realtime": "marin", "google": "en-US-Chirp3-HD-Kore", "demo": "en-us"}
# The voice of that engine; of Google where it begins like en-US-, else of OpenAI, where TTS_ENGINE is unset.
if TTS_VOICE := env("TTS_VOICE"):
    is_googles = re.match(r"[a-z]{2,3}-[A-Z]{2}-", TTS_VOICE)
    for name in (TTS_ENGINE,) if TTS_ENGINE else ("google",) if is_googles else ("openai", "openai-realtime"):
        TTS_VOICES[name] = TTS_VOICE
# The model of that engine. Where TTS_ENGINE is unset, a Realtime model is one of openai-realtime, and any other one of
# openai, which then goes before openai-realtime.
TTS_MODELS = {
    "openai": "gpt-4o-mini-tts",
    "openai-realtime": "gpt-realtime-2.1-mini",
    "google": "",
    "demo": "espeak-ng",
}
if TTS_MODEL := env("TTS_MODEL"):
    TTS_MODELS[TTS_ENGINE or ("openai-realtime" if "realtime" in TTS_MODEL else "openai")] = TTS_MODEL
    if not TTS_ENGINE and "realtime" not in TTS_MODEL:
        del TTS_MODELS["openai-realtime"]
# The model that hears while one speaks, over a WebSocket; `none` leaves it to STT_MODEL, which hears what was said.
# Unset: gpt-live-transcribe at OpenAI's own servers, and none at a compatible one, as few have such a WebSocket. A name
# is one of the server at OPENAI_BASE_URL. A server that a user named is asked for none; neither is one for an assistant
# that names a model of its own, unless it is this very one.
STT_STREAM_MODEL = env("STT_STREAM_MODEL")
STT_STREAM_MODELS = {} if STT_STREAM_MODEL == "none" else {OPENAI_URL: "gpt-live-transcribe"}
if STT_STREAM_MODEL and STT_STREAM_MODEL != "none":
    STT_STREAM_MODELS[(OPENAI_BASE_URL or OPENAI_URL).rstrip("/")] = STT_STREAM_MODEL
ENGINES = {
    "stt": {
        "engine": env_choice("STT_ENGINE", ("", "openai", "demo"), ""),
        "model": {"openai": env("STT_MODEL", "gpt-transcribe"), "demo": "pocketsphinx"},
        "stream_model": STT_STREAM_MODELS,  # by base URL
    },
    "llm": {
        "engine": env_choice("LLM_ENGINE", ("", "openai", "demo"), ""),
        "model": {"openai": env("LLM_MODEL", "gpt-6-luna"), "demo": "eliza"},
        # none, minimal, low, medium, high, or what else the model knows. Unset: none for OpenAI's own models, which
        # answers soonest, and nothing for compatible servers, which may not know it.
        "reasoning_effort": env("LLM_REASONING_EFFORT"),
    },
    "tts": {
        "engine": TTS_ENGINE,
        "model": TTS_MODELS,
        "voice": TTS_VOICES,
    },
    # Only for assistants that ask for it.
    "s2s": {
        "engine": "",
        "model": {"openai": env("S2S_MODEL", "gpt-realtime-2.1")},
        "voice": {"openai": TTS_VOICES["openai-realtime"]},
    },
}
