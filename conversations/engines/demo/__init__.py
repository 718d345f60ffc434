"""Engines that need neither key nor network: pocketsphinx transcribes, an ELIZA replies, espeak-ng speaks."""

from importlib.util import find_spec

from conversations.engines.engine_kinds import KIND_NAMES, EngineKind
from conversations.engines.errors import EngineUnavailable

PACKAGES: dict[EngineKind, str] = {"stt": "pocketsphinx", "tts": "espeakng_loader"}


def is_installed(kind: EngineKind) -> bool:
    """Return whether the demo's engine of this kind is installed: requirements-embedded.txt has its packages."""
    return kind not in PACKAGES or find_spec(PACKAGES[kind]) is not None


def can_serve(kind: EngineKind, language: str) -> bool:
    """Return whether the demo's engine of this kind is installed and knows the language, "" for any."""
    return is_installed(kind) and (kind != "stt" or is_english(language))


def is_english(language: str) -> bool:
    """Return whether a language, such as de-AT, is English or left open."""
    return language.lower().replace("_", "-").partition("-")[0] in ("", "en")


def build_not_installed_error(kind: EngineKind, package: str) -> EngineUnavailable:
    """Return the error for a site without requirements-embedded.txt, such as the Docker image."""
    return EngineUnavailable(
        kind,
        "demo",
        f"{KIND_NAMES[kind]} (demo) is not installed here. Save an OpenAI key under Settings, "
        f"or ask the administrator to set OPENAI_API_KEY or install the package {package}.",
    )
