"""Choose which engines serve a user with an assistant, and with whose credentials.

The user's own provider key comes before the site's; the assistant's choice before the site's
(`STT_ENGINE` …); with neither, the best provider that has a credential; what this machine has when none has; the demo
when there is nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from accounts.models import User
from accounts.provider_keys.keyring import find_credential, get_site_credential
from conversations import local_choice
from conversations.engines import demo
from conversations.engines.base import EngineSpec
from conversations.engines.choices import EngineChoice
from conversations.engines.engine_kinds import EngineKind
from conversations.engines.local_servers.found import choose_model
from conversations.engines.voices import OPENAI_REALTIME
from conversations.local_choice import SpeechKind
from conversations.models import Assistant
from conversations.site_engines import get_local_servers, get_site_choice, has_local_fallback
from conversations.storage.engine_specs import Credentials, build_spec, is_ready
from conversations.storage.fallback_selection import KINDS, Lists, choose_fallbacks, list_own_fallbacks

PREFERENCE: dict[EngineKind, tuple[str, ...]] = {
    "stt": ("openai", "local", "demo"),
    "llm": ("openai", "local", "demo"),
    "tts": ("google", "openai-realtime", "openai", "local", "demo"),
}


@dataclass(frozen=True, slots=True)
class EngineSet:
    """The engines of one session."""

    stt: EngineSpec
    llm: EngineSpec
    tts: EngineSpec
    s2s: EngineSpec | None = None  # speech to speech, in place of the other three
    has_cascade: bool = False  # whether the assistant names some of the other three: they answer while that one is down
    language: str = ""  # of the assistant, such as de-AT; "" follows the one that is spoken
    # Those that answer, in their order, in place of one that fails; kinds that have none are missing.
    fallbacks: Mapping[EngineKind, tuple[EngineSpec, ...]] = field(default_factory=dict)

    def list_specs(self, kind: EngineKind) -> list[EngineSpec]:
        """Return the chosen engine of a kind, and those that answer in its place."""
        return [getattr(self, kind), *self.fallbacks.get(kind, ())]

    def list_all_specs(self) -> list[EngineSpec]:
        """Return all engines that a session may call."""
        return [
            *(spec for kind in KINDS for spec in self.list_specs(kind)),
            *([self.s2s] if self.s2s else []),
        ]

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
    own = list_own_fallbacks(assistants)
    return [
        _choose(user, assistant, own.get(assistant.pk, {}) if assistant else {}, credentials)
        for assistant in assistants
    ]


def is_served_by_this_machine(kind: SpeechKind) -> bool:
    """Return whether this machine hears or speaks: without a key, where the settings say so, or if a provider fails."""
    site = get_site_choice(kind)
    credentials = {provider: get_site_credential(provider) for provider in ("openai", "google")}
    ready = (name for name in PREFERENCE[kind] if is_ready(name, site, credentials))
    return has_local_fallback(kind) or (site.provider or next(ready)) == "local"


def _choose(user: User, assistant: Assistant | None, own: Lists, credentials: Credentials) -> EngineSet:
    language = assistant.language if assistant else ""
    stt = _build_spec("stt", assistant, credentials)
    llm = _build_llm_spec(user, assistant, credentials)
    tts = _build_spec("tts", assistant, credentials)
    return EngineSet(
        stt,
        llm,
        tts,
        s2s=_build_s2s_spec(assistant, credentials) if assistant and assistant.s2s_engine else None,
        has_cascade=any(getattr(assistant, f"{kind}_engine", "") for kind in KINDS),
        language=language,
        fallbacks=choose_fallbacks(user, {"stt": stt, "llm": llm, "tts": tts}, language, own, credentials),
    )


def _build_spec(kind: EngineKind, assistant: Assistant | None, credentials: Credentials) -> EngineSpec:
    """Return the engine that the assistant has chosen, or the site, or the best that is ready."""
    site, language = get_site_choice(kind), assistant.language if assistant else ""
    asked: str = getattr(assistant, f"{kind}_engine", "")
    provider = (
        asked
        or site.provider
        or next(
            name
            for name in PREFERENCE[kind]
            if is_ready(name, site, credentials) and (name != "local" or _has_model(kind, language))
        )
    )
    model = getattr(assistant, f"{kind}_model", "") if asked == provider else ""
    voice = getattr(assistant, "tts_voice", "") if kind == "tts" else ""
    return build_spec(kind, EngineChoice(provider, model, voice), language, credentials)


def _has_model(kind: EngineKind, language: str) -> bool:
    """Return whether this machine can hear or speak the language. Of what answers, more is known later."""
    return bool(local_choice.find_model(kind, language)) if kind == "stt" or kind == "tts" else True


def _build_llm_spec(user: User, assistant: Assistant | None, credentials: Credentials) -> EngineSpec:
    """Return the language model. One of this machine is one that a server has now; where there is none, the demo."""
    spec = _build_spec("llm", assistant, credentials)
    if spec.provider != "local":
        return spec
    choice = choose_model(get_local_servers(), (spec.model, user.local_model))
    if choice is None:
        return replace(spec, provider="demo", model=get_site_choice("llm").models["demo"])
    return replace(spec, model=choice.model.name, base_url=choice.server.base_url)


def _build_s2s_spec(assistant: Assistant, credentials: Credentials) -> EngineSpec:
    """Return speech to speech with the assistant's voice if such models have it, and a model to transcribe the user."""
    spec = _build_spec("s2s", assistant, credentials)
    voice = assistant.tts_voice if assistant.tts_voice in OPENAI_REALTIME else spec.voice
    return replace(spec, voice=voice, stream_model=get_site_choice("stt").models[spec.provider])
