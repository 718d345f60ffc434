"""What a page says of language models on this site's machine, and what its script asks for while it waits for one."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Literal

from django.conf import settings

from accounts.models import User
from conversations.engine_names import describe_spec
from conversations.engines.base import EngineSpec
from conversations.engines.engine_kinds import EngineKind
from conversations.engines.local_servers.found import Found, LocalChoice, choose_model
from conversations.models import Assistant
from conversations.site_engines import get_local_servers, get_site_choice
from conversations.storage.engine_selection import EngineSet

Tone = Literal["ready", "gone", "empty", "missing", "off"]
ROLES: dict[EngineKind, str] = {"stt": "Listens", "llm": "Answers", "tts": "Speaks"}


@dataclass(frozen=True, slots=True)
class LocalModelState:
    """Whether a language model of this machine can answer a user, in words."""

    tone: Tone
    text: str
    command: str = ""  # what to type for it


def describe_state(user: User, found: Found | None = None) -> LocalModelState:
    """Return how it stands now. It does not wait for the network."""
    found = get_local_servers() if found is None else found
    if not found.addresses:
        return LocalModelState("off", "This site does not look for language models on its machine.")
    if choice := choose_model(found, (user.local_model,)):
        return LocalModelState(
            "ready", f"{choice.model.name} is ready: {choice.server.software} runs it on this site’s machine."
        )
    if lost := choose_model(replace(found, servers=found.gone), (user.local_model,)):
        text = f"{lost.server.software}, which ran {lost.model.name} on this site’s machine, has stopped."
        return LocalModelState("gone", f"{text} Start it again. Until then the demo answers.")
    command = f"ollama pull {settings.LOCAL_LLM_SUGGESTION}"
    if found.servers:
        server = found.servers[0].software
        text = f"{server} runs on this site’s machine, but has no model to talk to. Type there:"
        return LocalModelState("empty", text, command)
    text = "For real answers without a key, install Ollama (ollama.com) on this site’s machine and type there:"
    return LocalModelState("missing", text, command)


def can_use_local_model(assistant: Assistant | None, engines: EngineSet) -> bool:
    """Return whether a language model of this machine would answer, in place of the demo, as soon as there is one."""
    wanted = getattr(assistant, "llm_engine", "") or get_site_choice("llm").provider
    return engines.s2s is None and engines.llm.provider == "demo" and wanted != "demo"


def describe_engines(engines: EngineSet) -> list[tuple[str, str]]:
    """Return what listens, answers and speaks, each with its name for people, and what does if that fails."""
    if engines.s2s:
        return [("Listens, answers and speaks", describe_spec(engines.s2s))]
    return [(role, _describe_chain(engines.list_specs(kind))) for kind, role in ROLES.items()]


def _describe_chain(specs: list[EngineSpec]) -> str:
    return ", or if that fails ".join(describe_spec(spec) for spec in specs)


def build_document(user: User, offered: list[Assistant], engines: list[EngineSet]) -> dict[str, object]:
    """Return the JSON object that the script asks for: {tone, text, command, models, picked, assistants}.

    `assistants` has by slug what may have changed since the page was made.
    """
    pairs = zip(offered, engines, strict=True)
    described = {assistant.slug: describe_assistant_engines(assistant, one) for assistant, one in pairs}
    return {**describe_choices(user, offered, engines), "assistants": described}


def describe_choices(user: User, offered: Iterable[Assistant], engines: Iterable[EngineSet]) -> dict[str, object]:
    """Return {tone, text, command, models: [[name, label], …], picked}: the models that a user may pick from.

    Nobody looks for them where none of these assistants would be answered by one.
    """
    pairs = zip(offered, engines, strict=True)
    is_asked_for = any(one.llm.provider == "local" or can_use_local_model(assistant, one) for assistant, one in pairs)
    found = get_local_servers() if is_asked_for else Found(())
    models = [(choice.model.name, describe_choice(choice)) for choice in found.list_choices()]
    return {**asdict(describe_state(user, found)), "models": models, "picked": user.local_model}


def describe_choice(choice: LocalChoice) -> str:
    """Return a model as a list offers it: its name, what runs it, and whether it is ready at once."""
    return f"{choice.model.name} ({choice.server.software}{', loaded' if choice.model.is_loaded else ''})"


def describe_assistant_engines(assistant: Assistant, engines: EngineSet) -> dict[str, object]:
    """Return {demos, missing, foreign, engines, usesLocalModel, wantsLocalModel} of an assistant."""
    return {
        "demos": engines.demo_kinds,
        "missing": engines.missing_kinds,
        "foreign": engines.foreign_kinds,
        "engines": describe_engines(engines),
        "usesLocalModel": engines.s2s is None and engines.llm.provider == "local",
        "wantsLocalModel": can_use_local_model(assistant, engines),
    }
