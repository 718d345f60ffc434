"""What the site has chosen for its engines: the settings STT_…, LLM_…, TTS_… and S2S_…, with defaults for the rest.

`conversations.storage.engine_selection` combines this with the choice of an assistant and the credentials at hand.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from django.conf import settings

from accounts.provider_keys.credentials import OPENAI_URL
from conversations import local_choice
from conversations.engines.choices import EngineChoice
from conversations.engines.engine_kinds import EngineKind
from conversations.engines.local_servers.addresses import Address, leave_out_own
from conversations.engines.local_servers.discovery import DISCOVERY
from conversations.engines.local_servers.found import Found

GOOGLE_VOICE = re.compile(r"[a-z]{2,3}-[A-Z]{2}-")  # en-US-Chirp3-HD-Kore; OpenAI's are single words
LIVE_MODEL = "gpt-live-transcribe"


@dataclass(frozen=True, slots=True)
class SiteChoice:
    """The site's choice for one kind of engine."""

    provider: str  # "" leaves it to the credentials
    models: Mapping[str, str]  # by provider
    voices: Mapping[str, str] = field(default_factory=dict)  # by provider
    stream_models: Mapping[str, str] = field(default_factory=dict)  # by base URL
    reasoning_effort: str = ""


def get_site_choice(kind: EngineKind) -> SiteChoice:
    """Return what the settings say about engines of `kind`. Reads the settings anew at each call."""
    match kind:
        case "stt":
            models = {"openai": settings.STT_MODEL, "demo": "pocketsphinx"}
            return SiteChoice(settings.STT_ENGINE, models, stream_models=_choose_stream_models())
        case "llm":
            models = {"openai": settings.LLM_MODEL, "demo": "eliza"}
            return SiteChoice(settings.LLM_ENGINE, models, reasoning_effort=settings.LLM_REASONING_EFFORT)
        case "tts":
            return SiteChoice(settings.TTS_ENGINE, _choose_tts_models(), _choose_tts_voices())
        case "s2s":  # only for assistants that ask for it
            voices = {"openai": _choose_tts_voices()["openai-realtime"]}
            return SiteChoice("", {"openai": settings.S2S_MODEL}, voices)


def get_site_fallbacks(kind: EngineKind) -> tuple[EngineChoice, ...]:
    """Return the engines that answer, in this order, in place of one of `kind` that fails."""
    lists: dict[EngineKind, tuple[EngineChoice, ...]] = {
        "stt": settings.STT_FALLBACK,
        "llm": settings.LLM_FALLBACK,
        "tts": settings.TTS_FALLBACK,
    }
    return lists.get(kind, ())


def has_local_fallback(kind: EngineKind) -> bool:
    """Return whether the settings let this machine answer in place of an engine of `kind` that fails."""
    return settings.LOCAL_FALLBACK or any(choice.provider == "local" for choice in get_site_fallbacks(kind))


def get_local_addresses() -> tuple[Address, ...]:
    """Return where to look for servers of language models on this machine: not where this site itself listens."""
    return leave_out_own(settings.LOCAL_LLM_SERVERS, settings.HOST, settings.PORT)


def get_local_servers() -> Found:
    """Return the servers of language models that were found on this machine last. It never waits for the network."""
    return DISCOVERY.get(get_local_addresses())


def begin_search() -> None:
    """Begin to look for them, in the background, if one may answer: where no provider does, or where one may fail."""
    has_provider = settings.LLM_ENGINE not in ("", "local") or settings.OPENAI_API_KEY or settings.OPENAI_BASE_URL
    if settings.LLM_ENGINE == "local" or has_local_fallback("llm") or not has_provider:
        get_local_servers()


def look_for_local_servers() -> Found:
    """Look for them now. Takes a second or two, so no page waits for it unless somebody asked."""
    return DISCOVERY.look(get_local_addresses())


def list_site_models() -> frozenset[str]:
    """Return the names of all models that the site itself may use, of every kind and provider."""
    kinds: tuple[Literal["stt", "llm", "tts", "s2s"], ...] = ("stt", "llm", "tts", "s2s")
    choices = [get_site_choice(kind) for kind in kinds]
    named = [name for choice in choices for name in (*choice.models.values(), *choice.stream_models.values())]
    named += [fallback.model for kind in kinds for fallback in get_site_fallbacks(kind)]
    return frozenset((*named, *local_choice.list_choices("stt"), *local_choice.list_choices("tts")))


def _choose_stream_models() -> dict[str, str]:
    """Return the models that hear while one speaks, by base URL.

    OpenAI's own server has one. A compatible server has one where STT_STREAM_MODEL names it, as few have such
    a WebSocket.
    """
    name = settings.STT_STREAM_MODEL
    if name == "none":
        return {}
    models = {OPENAI_URL: LIVE_MODEL}
    if name:
        models[(settings.OPENAI_BASE_URL or OPENAI_URL).rstrip("/")] = name
    return models


def _choose_tts_models() -> dict[str, str]:
    """Return the models that speak, by provider.

    Where TTS_ENGINE is unset, a Realtime model belongs to openai-realtime and any other one to openai, which then goes
    before openai-realtime.
    """
    models = {
        "openai": "gpt-4o-mini-tts",
        "openai-realtime": "gpt-realtime-2.1-mini",
        "google": "",
        "demo": "espeak-ng",
    }
    engine, model = settings.TTS_ENGINE, settings.TTS_MODEL
    if not model:
        return models
    is_realtime = "realtime" in model
    models[engine or ("openai-realtime" if is_realtime else "openai")] = model
    if not engine and not is_realtime:
        del models["openai-realtime"]
    return models


def _choose_tts_voices() -> dict[str, str]:
    """Return the voices, by provider. Where TTS_ENGINE is unset, the form of TTS_VOICE tells whose it is."""
    voices = {"openai": "marin", "openai-realtime": "marin", "google": "en-US-Chirp3-HD-Kore", "demo": "en-us"}
    engine, voice = settings.TTS_ENGINE, settings.TTS_VOICE
    if not voice:
        return voices
    if engine:
        providers: tuple[str, ...] = (engine,)
    else:
        providers = ("google",) if GOOGLE_VOICE.match(voice) else ("openai", "openai-realtime")
    return {**voices, **dict.fromkeys(providers, voice)}
