"""The voices that this machine has, and which of them suit a text. Nothing is loaded to know it."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from conversations.engines.local.errors import build_rejected_error
from conversations.local_models.manifest import load_manifest
from conversations.local_models.store import Store

AUTO = ("", "auto")
HIBARI, KOKORO, PIPER = "hibari", "kokoro", "piper-"
HIBARI_VOICE = "heart"
KOKORO_NAME = re.compile(r"[abe][fm]_[a-z]{1,20}")
KOKORO_LANGUAGES = {"a": "en-US", "b": "en-GB", "e": "es-ES"}
KOKORO_GENDERS = {"f": "female", "m": "male"}
LANGUAGES = {"en-US": "English (US)", "en-GB": "English (UK)", "es-ES": "Spanish (Spain)", "de-DE": "German"}
# The best of Kokoro's voices, which speak where none is named.
FIRST = ("af_heart", "bf_emma", "ef_dora")


@dataclass(frozen=True, slots=True)
class LocalVoice:
    """A voice of this machine."""

    id: str
    label: str
    model: str  # hibari, kokoro, or the name of a folder with a voice of Piper
    language: str  # such as en-US


_spoke: dict[str, str] = {}  # by folder, the model that spoke when it was left to the machine


def note_choice(folder: str, model: str) -> None:
    """Note which of the models in a folder has spoken when it was left to the machine."""
    _spoke[folder] = model


def find_choice(folder: str, model: str) -> str:
    """Return the model; in place of one that is left to the machine the one that has spoken, once one has."""
    return _spoke.get(folder, model) if model in AUTO else model


def is_local_voice(name: str) -> bool:
    """Return whether the name is one of a voice of this machine, here or elsewhere."""
    return name == HIBARI_VOICE or name.startswith(PIPER) or bool(KOKORO_NAME.fullmatch(name))


@dataclass(frozen=True, slots=True)
class Asked:
    """A text to speak, with the first of these voices, or the second where Kokoro is too slow here."""

    text: str
    voices: tuple[LocalVoice, ...]
    language: str
    speed: float


def list_local_voices(folder: Path) -> list[LocalVoice]:
    """Return the voices that are here: hibari's, and those in the folder of the models. The default comes first."""
    return [*_list_hibari_voices(), *_list_kokoro_voices(folder), *_list_piper_voices(folder)]


def _list_hibari_voices() -> Iterator[LocalVoice]:
    if find_spec("hibari"):
        yield LocalVoice(HIBARI_VOICE, "Heart, English (US), female", HIBARI, "en-US")


def _list_kokoro_voices(folder: Path) -> Iterator[LocalVoice]:
    model = load_manifest()[KOKORO]
    if not Store(folder).is_complete(model) or not find_spec("hibari"):
        return
    names = {Path(file.name).stem for file in model.files if file.name.endswith(".bin")}
    for name in sorted(names, key=lambda name: (name not in FIRST, name)):
        language, gender = KOKORO_LANGUAGES[name[0]], KOKORO_GENDERS[name[1]]
        label = f"{name[3:].capitalize()} (Kokoro), {LANGUAGES[language]}, {gender}"
        yield LocalVoice(name, label, KOKORO, language)


def _list_piper_voices(folder: Path) -> Iterator[LocalVoice]:
    if not find_spec("espeakng_loader"):
        return
    for path in sorted(folder.glob(f"{PIPER}*/*.onnx.json")):
        if not path.with_suffix("").is_file():
            continue
        language = _read_piper_language(path)
        name = path.parent.name
        speaker = name.removeprefix(PIPER).partition("-")[2].partition("-")[0] or name
        label = f"{speaker.replace('_', ' ').capitalize()} (Piper), {LANGUAGES.get(language, language)}"
        yield LocalVoice(name, label, name, language)


def _read_piper_language(description: Path) -> str:
    """Return the language of a voice of Piper, "" where its description does not tell."""
    try:
        settings = json.loads(description.read_text())
        code = settings.get("language", {}).get("code") or settings["espeak"]["voice"]
    except (OSError, ValueError, LookupError, AttributeError, TypeError):
        return ""
    return str(code).replace("_", "-")


def choose_voices(voices: Sequence[LocalVoice], model: str, voice: str, language: str) -> list[LocalVoice]:
    """Return the voices that suit, the best first: one is taken that is fast enough here. Raise EngineRejected.

    A model or a voice that is named is the only choice. But a voice that does not speak the language gives way to one
    that does.
    """
    of_model = [one for one in voices if model in AUTO or one.model == model]
    if not of_model:
        raise build_rejected_error("tts", _explain_missing(model))
    named = [one for one in of_model if one.id == voice]
    if voice and not named:
        raise build_rejected_error("tts", f"has no voice “{voice}”. Choose another.")
    suiting = [one for one in named if speaks(one, language)] or [one for one in of_model if speaks(one, language)]
    if not suiting:
        raise build_rejected_error("tts", _explain_language(model, language))
    if suiting[0] in named:
        return suiting[:1]
    ranked = sorted(suiting, key=lambda one: (_rank(one), not _is_of_region(one, language)))
    return list({one.model: one for one in reversed(ranked)}.values())[::-1]


def speaks(voice: LocalVoice, language: str) -> bool:
    """Return whether a voice speaks a language such as de or de-AT; "" is English."""
    spoken = _normalise(language).partition("-")[0] or "en"
    return _normalise(voice.language).partition("-")[0] == spoken


def _is_of_region(voice: LocalVoice, language: str) -> bool:
    return _normalise(voice.language) == (_normalise(language) if "-" in _normalise(language) else "en-us")


def _normalise(language: str) -> str:
    return language.lower().replace("_", "-")


def _rank(voice: LocalVoice) -> int:
    if voice.model == KOKORO:
        return 0
    return 1 if voice.model == HIBARI else 2


def _explain_missing(model: str) -> str:
    if model in AUTO or model == HIBARI:
        return "has no voice. Ask the administrator to install the Python package hibari-tts."
    if model in load_manifest():
        return f"does not have the model “{model}” yet. Ask the administrator to run: manage.py models fetch {model}"
    return f"has no model “{model}”. Choose another, or ask the administrator to add it to the folder of the models."


def _explain_language(model: str, language: str) -> str:
    whose = "" if model in AUTO else f" of {model}"
    return (
        f"has no voice{whose} for the language “{language}”. Choose another engine for this assistant's voice, or ask "
        "the administrator to add a voice of Piper in that language to the folder of the models."
    )
