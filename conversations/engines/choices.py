"""An engine as a person names it: `provider[:model[:voice]]`, in a setting or in an assistant's list of fallbacks."""

from dataclasses import dataclass

from conversations.engines.engine_kinds import EngineKind
from conversations.engines.registry import ENGINES

MOST_FALLBACKS = 5  # of a kind: no turn has the time for more


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """An engine by its provider; with a model or a voice of "" it is the site's."""

    provider: str
    model: str = ""
    voice: str = ""  # text to speech only


def list_providers(kind: EngineKind) -> list[str]:
    """Return the providers that have engines of this kind."""
    return [provider for engine_kind, provider in ENGINES if engine_kind == kind]


def parse_choices(kind: EngineKind, text: str) -> tuple[EngineChoice, ...]:
    """Return the engines of a list with commas, or raise ValueError with what is wrong, to follow the list's name.

    Names of language models may have colons of their own, as those of Ollama do.
    """
    choices = [_parse_choice(kind, part.strip()) for part in text.split(",") if part.strip()]
    if len(choices) > MOST_FALLBACKS:
        raise ValueError(f"names {len(choices)} engines; the limit is {MOST_FALLBACKS}.")
    return tuple(choices)


def _parse_choice(kind: EngineKind, text: str) -> EngineChoice:
    provider, _, rest = text.partition(":")
    model, _, voice = rest.partition(":") if kind == "tts" else (rest, "", "")
    if provider not in list_providers(kind):
        known = ", ".join(sorted(list_providers(kind)))
        raise ValueError(f"contains {text!r}; write provider:model, with one of these providers: {known}.")
    return EngineChoice(provider, model.strip(), voice.strip())
