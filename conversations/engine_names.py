"""Say which engine it is, for people: of the labels that are stored with items, and of the engines that serve now."""

from conversations.engines.base import EngineSpec
from conversations.engines.engine_kinds import EngineKind
from conversations.local_models.manifest import load_manifest
from conversations.local_models.packaged import load_packaged

PROVIDERS = {
    "openai": "OpenAI or compatible",
    "openai-realtime": "OpenAI Realtime",
    "google": "Google Cloud",
    "demo": "demo",
}
DEMOS = {"eliza": "ELIZA", "pocketsphinx": "pocketsphinx", "espeak-ng": "espeak-ng"}


def describe_label(label: str, kind: EngineKind) -> str:
    """Return a stored label, `provider:model[:voice]`, in words: "Whisper tiny.en on this machine".

    The name of a language model may have colons of its own.
    """
    provider, _, rest = label.partition(":")
    model, _, voice = (rest, "", "") if kind in ("llm", "s2s") else rest.partition(":")
    return _describe(provider, model, voice)


def describe_spec(spec: EngineSpec) -> str:
    """Return the engine in words: "qwen3:4b-instruct on this machine"."""
    return _describe(spec.provider, spec.model, spec.voice)


def _describe(provider: str, model: str, voice: str) -> str:
    if provider == "local":
        names = ([] if voice and model == "auto" else [_find_title(model)]) + ([f"voice {voice}"] if voice else [])
        return f"{', '.join(names)} on this machine"
    if provider == "demo":
        return f"{DEMOS.get(model, model)} (demo)"
    name = ", voice ".join(part for part in (model, voice) if part)
    told_by = PROVIDERS.get(provider, provider)
    return f"{name} ({told_by})" if name else told_by


def _find_title(name: str) -> str:
    """Return what people call a model of this machine; its name, if no list has it."""
    titles = {model.name: model.title for model in load_manifest().values()}
    titles |= {voice.name: voice.title for voice in load_packaged()} | {"auto": "the best voice"}
    return titles.get(name, name)
