"""Which engines serve a user with an assistant, and with whose credentials.

The user's own provider key comes before the site's; the assistant's choice before the site's
(`STT_ENGINE` …); with neither, the best provider that has a credential; the demo when none has.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.conf import settings

from accounts.models import User
from accounts.provider_keys.credentials import OPENAI_URL, Credential
from accounts.provider_keys.keyring import credential_for
from conversations.engines import demo
from conversations.engines.base import EngineSpec, Kind
from conversations.engines.voices import OPENAI_REALTIME
from conversations.models import Assistant
from conversations.site_engines import SiteChoice, site_choice

PREFERENCE: dict[Kind, tuple[str, ...]] = {
    "stt": ("openai", "demo"),
    "llm": ("openai", "demo"),
    "tts": ("google", "openai-realtime", "openai", "demo"),
}
OWN_SERVER_ONLY = ("openai-realtime",)  # unless it is asked for: compatible servers have no such models
CREDENTIALS = {"openai-realtime": "openai"}  # whose key an engine takes, where it has another name


@dataclass(frozen=True, slots=True)
class EngineSet:
    stt: EngineSpec
    llm: EngineSpec
    tts: EngineSpec
    s2s: EngineSpec | None = None  # in place of the three

    @property
    def demos(self) -> list[Kind]:
        """Of which kinds the demo serves."""
        kinds: tuple[Kind, ...] = () if self.s2s else ("stt", "llm", "tts")
        return [kind for kind in kinds if getattr(self, kind).provider == "demo"]

    @property
    def missing(self) -> list[Kind]:
        """Which kinds nothing serves: the demo would, and is not installed for them."""
        return [kind for kind in self.demos if not demo.is_installed(kind)]


def choose(user: User, assistant: Assistant | None) -> EngineSet:
    """Reads the database (provider keys); call it from sync code."""
    return choose_each(user, [assistant])[0]


def choose_each(user: User, assistants: Sequence[Assistant | None]) -> list[EngineSet]:
    """As `choose`, for all of them with one look at the user's keys."""
    credentials = {provider: credential_for(user, provider) for provider in ("openai", "google")}
    return [
        EngineSet(
            stt=_spec("stt", assistant, credentials),
            llm=_spec("llm", assistant, credentials),
            tts=_spec("tts", assistant, credentials),
            s2s=_s2s(assistant, credentials) if assistant and assistant.s2s_engine else None,
        )
        for assistant in assistants
    ]


def _spec(kind: Kind, assistant: Assistant | None, credentials: dict[str, Credential | None]) -> EngineSpec:
    site = site_choice(kind)
    chosen: str = getattr(assistant, f"{kind}_engine", "") or site.provider
    provider = chosen or next(name for name in PREFERENCE[kind] if _is_ready(name, site, credentials))
    credential = _credential(provider, credentials)
    model = getattr(assistant, f"{kind}_model", "") if getattr(assistant, f"{kind}_engine", "") == provider else ""
    stream_model = _stream_model(site, credential, model) if (kind, provider) == ("stt", "openai") else ""
    if stream_model == model:
        model = ""  # it takes no files: those, where the stream fails, go to the site's
    voice = getattr(assistant, "tts_voice", "") if kind == "tts" else ""
    return EngineSpec(
        provider=provider,
        model=model or site.models.get(provider, ""),
        voice=voice or site.voices.get(provider, ""),
        api_key=credential.secret if credential else "",
        base_url=credential.base_url if credential else "",
        reasoning_effort=site.reasoning_effort,
        public_only=credential.public_only if credential else False,
        timeout_sec=settings.ENGINE_TIMEOUT_SEC,
        stream_model=stream_model,
    )


def _s2s(assistant: Assistant, credentials: dict[str, Credential | None]) -> EngineSpec:
    """With the assistant's voice where such a model has it, and the model that writes down what the user says."""
    spec = _spec("s2s", assistant, credentials)
    voice = assistant.tts_voice if assistant.tts_voice in OPENAI_REALTIME else spec.voice
    return replace(spec, voice=voice, stream_model=site_choice("stt").models[spec.provider])


def _credential(provider: str, credentials: dict[str, Credential | None]) -> Credential | None:
    return credentials.get(CREDENTIALS.get(provider, provider))


def _is_ready(provider: str, site: SiteChoice, credentials: dict[str, Credential | None]) -> bool:
    """Whether it can be chosen without being asked for."""
    credential = _credential(provider, credentials)
    if provider in OWN_SERVER_ONLY:
        return credential is not None and _is_openai(credential.base_url) and provider in site.models
    return provider == "demo" or credential is not None


def _is_openai(base_url: str) -> bool:
    return base_url.rstrip("/") in ("", OPENAI_URL)


def _stream_model(site: SiteChoice, credential: Credential | None, chosen_model: str) -> str:
    """The model that hears while one speaks, of the server that has it; "" where the assistant chose another model."""
    base_url = credential.base_url.rstrip("/") if credential else ""
    found = site.stream_models.get(base_url or OPENAI_URL, "")
    return found if chosen_model in ("", found) else ""
