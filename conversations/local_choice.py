"""Which model of this machine hears or speaks a language.

A model can be used where its files are all in LOCAL_MODELS_DIR and the packages that run it are installed. Both are
looked up without loading anything, so that a page can ask.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from django.conf import settings

from conversations.engines.local.voices.catalogue import list_local_voices, speaks
from conversations.local_models.manifest import Model, list_names, load_manifest
from conversations.local_models.store import Store

SpeechKind = Literal["stt", "tts"]
KINDS: tuple[SpeechKind, ...] = ("stt", "tts")
PACKAGES: dict[SpeechKind, str] = {"stt": "ctranslate2", "tts": "hibari"}
HIBARI = "hibari"  # an English voice, whose package holds its model
ENGLISH = ("en",)
MULTILINGUAL = "multilingual"  # as the manifest has it


def is_installed(kind: SpeechKind) -> bool:
    """Return whether the packages that hear or speak are installed: those of requirements-local.txt."""
    return find_spec(PACKAGES[kind]) is not None


def find_model(kind: SpeechKind, language: str) -> str:
    """Return the model that hears or speaks a language here, by its name or its folder; "" where there is none.

    The language is one such as de or de-AT, or "" for whatever is spoken. What LOCAL_STT_MODEL or LOCAL_TTS_MODEL names
    is the only choice. Else LOCAL_MODELS are asked in their order, and then what else is here; with none, nothing is.
    Where other voices are here, too, the answer is “auto”: each of them can be chosen, and the engine finds out whether
    this machine is fast enough for Kokoro.
    """
    wanted = get_wanted_model(kind)
    if not is_installed(kind) or not (wanted or settings.LOCAL_MODELS):
        return ""
    names = list_choices(kind)[: 1 if wanted else None]
    found = next((name for name in names if _can_use(name, language)), "")
    return "auto" if found == HIBARI and not wanted and _has_other_voice(language) else found


def can_use(kind: SpeechKind, name: str, language: str) -> bool:
    """Return whether the model of this name hears or speaks the language here; "" stands for any model."""
    return is_installed(kind) and _can_use(name, language) if name else bool(find_model(kind, language))


def get_wanted_model(kind: SpeechKind) -> str:
    """Return the model that the settings name; "" where they leave it to what is here."""
    return settings.LOCAL_STT_MODEL if kind == "stt" else settings.LOCAL_TTS_MODEL.removeprefix("auto")


def list_choices(kind: SpeechKind) -> list[str]:
    """Return the names of the models of a kind in the order of preference, whether they are here or not."""
    known = list_names(kind)
    chosen = [name for name in settings.LOCAL_MODELS if name in known]
    own = [HIBARI] if kind == "tts" else []
    found = [voice.model for voice in list_local_voices(settings.LOCAL_MODELS_DIR)] if kind == "tts" else []
    return [name for name in dict.fromkeys((get_wanted_model(kind), *own, *chosen, *known, *found)) if name]


def list_missing_models(kind: SpeechKind) -> list[Model]:
    """Return those of LOCAL_MODELS that are missing or damaged; none if what runs them is missing, too. Reads files."""
    if not is_installed(kind):
        return []
    store, known = Store(settings.LOCAL_MODELS_DIR), list_names(kind)
    models = [load_manifest()[name] for name in settings.LOCAL_MODELS if name in known]
    return [model for model in models if not store.is_right(model)]


def _has_other_voice(language: str) -> bool:
    voices = list_local_voices(settings.LOCAL_MODELS_DIR)
    return any(voice.model != HIBARI and speaks(voice, language) for voice in voices)


def _can_use(name: str, language: str) -> bool:
    """Return whether a model is here and knows the language; one in a folder of its own may know any."""
    if name == HIBARI:
        return _knows(ENGLISH, language)
    if model := load_manifest().get(name):
        return _knows(model.languages, language) and Store(settings.LOCAL_MODELS_DIR).is_complete(model)
    if Path(name).is_dir():
        return True
    return any(
        voice.model == name and speaks(voice, language) for voice in list_local_voices(settings.LOCAL_MODELS_DIR)
    )


def _knows(languages: tuple[str, ...], language: str) -> bool:
    spoken = language.lower().replace("_", "-").partition("-")[0]
    return spoken in ("", *languages) or MULTILINGUAL in languages
