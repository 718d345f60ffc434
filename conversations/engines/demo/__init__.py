"""Engines that need no key and no network: pocketsphinx hears, an ELIZA answers, espeak-ng speaks."""

from importlib.util import find_spec

from conversations.engines.base import KIND_NAMES, EngineUnavailable, Kind

PACKAGES: dict[Kind, str] = {"stt": "pocketsphinx", "tts": "espeakng_loader"}


def is_installed(kind: Kind) -> bool:
    """Whether the demo can do this here: requirements-embedded.txt brings its packages where they have a wheel."""
    return kind not in PACKAGES or find_spec(PACKAGES[kind]) is not None


def not_installed_error(kind: Kind, package: str) -> EngineUnavailable:
    """What a site without requirements-embedded.txt (the Docker image) tells its user."""
    return EngineUnavailable(
        kind,
        "demo",
        f"{KIND_NAMES[kind]} (demo) is not installed here. Save an OpenAI key under Settings, "
        f"or let the administrator set OPENAI_API_KEY or install the package {package}.",
    )
