"""Choose which engines serve a user with an assistant, and with whose credentials.

The user's own provider key comes before the site's; the assistant's choice before the site's
(`STT_ENGINE` …); with neither, the best provider that has a credential; what this machine has when none has; the demo
when there is nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from django.conf import settings

from accounts.models import User
from accounts.provider_keys.credentials import OPENAI_URL, Credential
from accounts.provider_keys.keyring import find_credential, get_site_credential
from conversations import local_choice
from conversations.engines import demo
from conversations.engines.base import EngineSpec
from conversations.engines.engine_kinds import EngineKind
from conversations.engines.local_servers.found import choose_model
from conversations.engines.voices import ESPEAK, OPENAI_REALTIME, drop_openai_voice
from conversations.local_choice import SpeechKind
from conversations.models import Assistant
from conversations.site_engines import SiteChoice, get_local_servers, get_site_choice

PREFERENCE: dict[EngineKind, tuple[str, ...]] = {
    "stt": ("openai", "local", "demo"),
    "llm": ("openai", "local", "demo"),
    "tts": ("google", "openai-realtime", "openai", "local", "demo"),
}
OWN_SERVER_ONLY = ("openai-realtime",)  # chosen by itself only with OpenAI: compatible servers have no such models
CREDENTIALS = {"openai-realtime": "openai"}  # the provider whose key an engine takes, if it has another name


@dataclass(frozen=True, slots=True)
class EngineSet:
    """The engines of one session."""

    stt: EngineSpec
    llm: EngineSpec
    tts: EngineSpec
    s2s: EngineSpec | None = None  # speech to speech, in place of the other three
    language: str = ""  # of the assistant, such as de-AT; "" follows the one that is spoken
    stand_ins: Mapping[EngineKind, EngineSpec] = field(default_factory=dict)  # for those that fail, of this machine

    @property
    def demo_kinds(self) -> list[EngineKind]:
        """The kinds that the demo serves."""
        kinds: tuple[EngineKind, ...] = () if self.s2s else ("stt", "llm", "tts")
        return [kind for kind in kinds if getattr(self, kind).provider == "demo"]

    @property
    def missing_kinds(self) -> list[EngineKind]:
        """The kinds that nothing serves: the demo would, but it is not installed for them, or knows no such words."""
        return [kind for kind in self.demo_kinds if not demo.can_serve(kind, self.language)]

    @property
    def foreign_kinds(self) -> list[EngineKind]:
        """The kinds that the demo serves, or nothing, as no better engine here knows the language."""
        is_foreign = not demo.is_english(self.language)
        return [kind for kind in self.demo_kinds if is_foreign and kind != "llm"]


def choose_engines(user: User, assistant: Assistant | None) -> EngineSet:
    """Return the engines for a user with an assistant. It reads provider keys from the database: for sync code."""
    return choose_engines_of_each(user, [assistant])[0]


def choose_engines_of_each(user: User, assistants: Sequence[Assistant | None]) -> list[EngineSet]:
    """Return the engines for a user with each of these assistants, reading the user's keys once."""
    credentials = {provider: find_credential(user, provider) for provider in ("openai", "google")}
    chosen = [
        EngineSet(
            stt=_build_spec("stt", assistant, credentials),
            llm=_build_llm_spec(user, assistant, credentials),
            tts=_build_spec("tts", assistant, credentials),
            s2s=_build_s2s_spec(assistant, credentials) if assistant and assistant.s2s_engine else None,
            language=assistant.language if assistant else "",
        )
        for assistant in assistants
    ]
    if not settings.LOCAL_FALLBACK:
        return chosen
    return [replace(engines, stand_ins=_find_stand_ins(user, engines)) for engines in chosen]


def _find_stand_ins(user: User, engines: EngineSet) -> dict[EngineKind, EngineSpec]:
    """Return what this machine has for each kind that a provider serves."""
    blank = EngineSpec("local", timeout_sec=settings.ENGINE_TIMEOUT_SEC)
    found: dict[EngineKind, EngineSpec] = {
        kind: _add_local_model(blank, kind, engines.language)
        for kind in local_choice.KINDS
        if local_choice.find_model(kind, engines.language)
    }
    if choice := choose_model(get_local_servers(), (user.local_model,)):
        found["llm"] = replace(blank, model=choice.model.name, base_url=choice.server.base_url)
    return {kind: spec for kind, spec in found.items() if getattr(engines, kind).provider not in ("local", "demo")}


def is_served_by_this_machine(kind: SpeechKind) -> bool:
    """Return whether this machine hears or speaks: without a key, where the settings say so, or if a provider fails."""
    site = get_site_choice(kind)
    credentials = {provider: get_site_credential(provider) for provider in ("openai", "google")}
    ready = (name for name in PREFERENCE[kind] if _is_ready(name, site, credentials))
    return settings.LOCAL_FALLBACK or (site.provider or next(ready)) == "local"


def _build_spec(kind: EngineKind, assistant: Assistant | None, credentials: dict[str, Credential | None]) -> EngineSpec:
    site = get_site_choice(kind)
    chosen: str = getattr(assistant, f"{kind}_engine", "") or site.provider
    language = assistant.language if assistant else ""
    provider = chosen or next(
        name
        for name in PREFERENCE[kind]
        if _is_ready(name, site, credentials) and (name != "local" or _has_model(kind, language))
    )
    credential = _find_credential(provider, credentials)
    model = getattr(assistant, f"{kind}_model", "") if getattr(assistant, f"{kind}_engine", "") == provider else ""
    stream_model = _choose_stream_model(site, credential, model) if (kind, provider) == ("stt", "openai") else ""
    if stream_model == model:
        model = ""  # the stream model takes no files; if the stream fails, they go to the site's file model
    voice = getattr(assistant, "tts_voice", "") if kind == "tts" else ""
    if provider in ("local", "demo"):
        voice = drop_openai_voice(voice)
    spec = EngineSpec(
        provider=provider,
        model=model or site.models.get(provider, ""),
        voice=voice or _choose_site_voice(provider, site, language),
        api_key=credential.secret if credential else "",
        base_url=credential.base_url if credential else "",
        reasoning_effort=site.reasoning_effort,
        public_only=credential.public_only if credential else False,
        timeout_sec=settings.ENGINE_TIMEOUT_SEC,
        stream_model=stream_model,
    )
    if provider == "local" and (kind == "stt" or kind == "tts"):
        return _add_local_model(spec, kind, language)
    return spec


def _choose_site_voice(provider: str, site: SiteChoice, language: str) -> str:
    """Return the site's voice of a provider; of the demo's, unless one is set, the first that speaks the language."""
    voice = site.voices.get(provider, "")
    if not voice or provider != "demo" or settings.TTS_VOICE or demo.is_english(language):
        return voice
    spoken = language.lower().partition("-")[0]
    return next((one for one in ESPEAK if one.partition("-")[0] == spoken), language)


def _has_model(kind: EngineKind, language: str) -> bool:
    """Return whether this machine can hear or speak the language. Of what answers, more is known later."""
    return bool(local_choice.find_model(kind, language)) if kind == "stt" or kind == "tts" else True


def _add_local_model(spec: EngineSpec, kind: SpeechKind, language: str) -> EngineSpec:
    """Return the spec with the model of this machine that hears or speaks the language, and with its folder.

    Where there is none, it is the one that the engine will say how to get.
    """
    name = spec.model or local_choice.find_model(kind, language) or local_choice.list_choices(kind)[0]
    path = settings.LOCAL_MODELS_DIR / name  # LOCAL_STT_MODEL may be a folder somewhere else
    return replace(spec, model=path.name, folder=str(path.parent), stream_model=path.name if kind == "stt" else "")


def _build_llm_spec(user: User, assistant: Assistant | None, credentials: dict[str, Credential | None]) -> EngineSpec:
    """Return the language model. One of this machine is one that a server has now; where there is none, the demo."""
    spec = _build_spec("llm", assistant, credentials)
    if spec.provider != "local":
        return spec
    choice = choose_model(get_local_servers(), (spec.model, user.local_model))
    if choice is None:
        return replace(spec, provider="demo", model=get_site_choice("llm").models["demo"])
    return replace(spec, model=choice.model.name, base_url=choice.server.base_url)


def _build_s2s_spec(assistant: Assistant, credentials: dict[str, Credential | None]) -> EngineSpec:
    """Return speech to speech with the assistant's voice if such models have it, and a model to transcribe the user."""
    spec = _build_spec("s2s", assistant, credentials)
    voice = assistant.tts_voice if assistant.tts_voice in OPENAI_REALTIME else spec.voice
    return replace(spec, voice=voice, stream_model=get_site_choice("stt").models[spec.provider])


def _find_credential(provider: str, credentials: dict[str, Credential | None]) -> Credential | None:
    return credentials.get(CREDENTIALS.get(provider, provider))


def _is_ready(provider: str, site: SiteChoice, credentials: dict[str, Credential | None]) -> bool:
    """Return whether a provider can be chosen without being asked for."""
    credential = _find_credential(provider, credentials)
    if provider in OWN_SERVER_ONLY:
        return credential is not None and _is_openai(credential.base_url) and provider in site.models
    return provider in ("local", "demo") or credential is not None


def _is_openai(base_url: str) -> bool:
    return base_url.rstrip("/") in ("", OPENAI_URL)


def _choose_stream_model(site: SiteChoice, credential: Credential | None, chosen_model: str) -> str:
    """Return the model that transcribes while the user speaks; "" if the server has none, or the assistant another."""
    base_url = credential.base_url.rstrip("/") if credential else ""
    found = site.stream_models.get(base_url or OPENAI_URL, "")
    return found if chosen_model in ("", found) else ""
