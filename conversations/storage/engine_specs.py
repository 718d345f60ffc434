"""Build the spec of an engine: the model, the voice and the credential that a provider is called with."""

from collections.abc import Mapping
from dataclasses import replace

from django.conf import settings

from accounts.provider_keys.credentials import OPENAI_URL, Credential
from accounts.provider_keys.keyring import get_site_credential
from conversations import local_choice
from conversations.engines import demo
from conversations.engines.base import EngineSpec
from conversations.engines.choices import EngineChoice
from conversations.engines.engine_kinds import EngineKind
from conversations.engines.voices import ESPEAK, drop_openai_voice
from conversations.local_choice import SpeechKind
from conversations.site_engines import SiteChoice, get_site_choice

Credentials = Mapping[str, Credential | None]  # by the provider that gave the key

OWN_SERVER_ONLY = ("openai-realtime",)  # chosen by itself only with OpenAI: compatible servers have no such models
CREDENTIALS = {"openai-realtime": "openai"}  # the provider whose key an engine takes, if it has another name
KEYLESS = ("local", "demo")


def build_spec(kind: EngineKind, choice: EngineChoice, language: str, credentials: Credentials) -> EngineSpec:
    """Return the spec of a chosen engine, with the site's model and voice where the choice has none."""
    site, provider = get_site_choice(kind), choice.provider
    credential = pick_credential(provider, credentials)
    model, voice = choice.model, choice.voice
    stream_model = _choose_stream_model(site, credential, model) if (kind, provider) == ("stt", "openai") else ""
    if stream_model == model:
        model = ""  # the stream model takes no files; if the stream fails, they go to the site's file model
    if provider in KEYLESS:
        voice = drop_openai_voice(voice)
    spec = EngineSpec(
        provider=provider,
        model=model or site.models.get(provider, ""),
        voice=voice or _choose_site_voice(provider, site, language),
        api_key=credential.secret if credential else "",
        base_url=credential.base_url if credential else "",
        reasoning_effort=site.reasoning_effort,
        public_only=credential.public_only if credential else False,
        of_user=credential.of_user if credential else False,
        timeout_sec=settings.ENGINE_TIMEOUT_SEC,
        stream_model=stream_model,
    )
    if provider == "local" and (kind == "stt" or kind == "tts"):
        return _add_local_model(spec, kind, language)
    return spec


def pick_credential(provider: str, credentials: Credentials) -> Credential | None:
    """Return the credential with which a provider is called, or None."""
    return credentials.get(CREDENTIALS.get(provider, provider))


def has_site_credential(provider: str) -> bool:
    """Return whether the site can call a provider by itself: it has a credential for it, or none is needed."""
    return provider in KEYLESS or get_site_credential(CREDENTIALS.get(provider, provider)) is not None


def is_ready(provider: str, site: SiteChoice, credentials: Credentials) -> bool:
    """Return whether a provider can be chosen without being asked for."""
    credential = pick_credential(provider, credentials)
    if provider in OWN_SERVER_ONLY:
        return credential is not None and _is_openai(credential.base_url) and provider in site.models
    return provider in KEYLESS or credential is not None


def _choose_site_voice(provider: str, site: SiteChoice, language: str) -> str:
    """Return the site's voice of a provider; of the demo's, unless one is set, the first that speaks the language."""
    voice = site.voices.get(provider, "")
    if not voice or provider != "demo" or settings.TTS_VOICE or demo.is_english(language):
        return voice
    spoken = language.lower().partition("-")[0]
    return next((one for one in ESPEAK if one.partition("-")[0] == spoken), language)


def _add_local_model(spec: EngineSpec, kind: SpeechKind, language: str) -> EngineSpec:
    """Return the spec with the model of this machine that hears or speaks the language, and with its folder.

    Where there is none, it is the one that the engine will say how to get.
    """
    name = spec.model or local_choice.find_model(kind, language) or local_choice.list_choices(kind)[0]
    path = settings.LOCAL_MODELS_DIR / name  # LOCAL_STT_MODEL may be a folder somewhere else
    return replace(spec, model=path.name, folder=str(path.parent), stream_model=path.name if kind == "stt" else "")


def _is_openai(base_url: str) -> bool:
    return base_url.rstrip("/") in ("", OPENAI_URL)


def _choose_stream_model(site: SiteChoice, credential: Credential | None, chosen_model: str) -> str:
    """Return the model that transcribes while the user speaks; "" if the server has none, or the assistant another."""
    base_url = credential.base_url.rstrip("/") if credential else ""
    found = site.stream_models.get(base_url or OPENAI_URL, "")
    return found if chosen_model in ("", found) else ""
