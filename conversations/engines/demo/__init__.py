"""Engines that need no key and no network: pocketsphinx hears, an ELIZA answers, espeak-ng speaks."""

from conversations.engines.base import KIND_NAMES, EngineUnavailable, Kind


def not_installed(kind: Kind, package: str) -> EngineUnavailable:
    """What a site without requirements-embedded.txt (the Docker image) tells its user."""
    return EngineUnavailable(
        kind,
        "demo",
        f"{KIND_NAMES[kind]} (demo) is not installed here. Save an OpenAI key under Settings, "
        f"or let the administrator set OPENAI_API_KEY or install the package {package}.",
    )
