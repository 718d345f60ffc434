"""Which engines serve a user with an assistant, and with whose credentials.

The user's own provider key comes before the site's; the assistant's choice before the site's
(`STT_ENGINE` …); with neither, the best provider that has a credential; the demo when none has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from accounts.models import User
from accounts.provider_keys import Credential, credential_for
from conversations.engines.base import EngineSpec, Kind
from conversations.models import Assistant

PREFERENCE: dict[Kind, tuple[str, ...]] = {
    "stt": ("openai", "demo"),
    "llm": ("openai", "demo"),
    "tts": ("google", "openai", "demo"),
}


@dataclass(frozen=True, slots=True)
class EngineSet:
    stt: EngineSpec
    llm: EngineSpec
    tts: EngineSpec

    @property
    def demos(self) -> list[Kind]:
        """Of which kinds the demo serves."""
        kinds: tuple[Kind, ...] = ("stt", "llm", "tts")
        return [kind for kind in kinds if getattr(self, kind).provider == "demo"]


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
        )
        for assistant in assistants
    ]


def _spec(kind: Kind, assistant: Assistant | None, credentials: dict[str, Credential | None]) -> EngineSpec:
    site: dict[str, Any] = settings.ENGINES[kind]
    chosen: str = getattr(assistant, f"{kind}_engine", "") or site["engine"]
    provider = chosen or next(name for name in PREFERENCE[kind] if name == "demo" or credentials[name])
    credential = credentials.get(provider)
    model = getattr(assistant, f"{kind}_model", "") if getattr(assistant, f"{kind}_engine", "") == provider else ""
    stream_model = _stream_model(site, credential, model) if (kind, provider) == ("stt", "openai") else ""
    if stream_model == model:
        model = ""  # it takes no files: those, where the stream fails, go to the site's
    voice = getattr(assistant, "tts_voice", "") if kind == "tts" else ""
    return EngineSpec(
        provider=provider,
        model=model or site["model"].get(provider, ""),
        voice=voice or (site["voice"].get(provider, "") if kind == "tts" else ""),
        api_key=credential.secret if credential else "",
        base_url=credential.base_url if credential else "",
        reasoning_effort=site.get("reasoning_effort", ""),
        public_only=credential.public_only if credential else False,
        timeout_sec=settings.ENGINE_TIMEOUT_SEC,
        stream_model=stream_model,
    )


def _stream_model(site: dict[str, Any], credential: Credential | None, chosen_model: str) -> str:
    """The model that hears while one speaks, of the server that has it; "" where the assistant chose another model."""
    base_url = credential.base_url.rstrip("/") if credential else ""
    found: str = site["stream_model"].get(base_url or settings.OPENAI_URL, "")
    return found if chosen_model in ("", found) else ""
