"""The voices that a picker offers, by provider. They are data here, so that no page waits for a provider to list them.

Any other voice id that the provider knows works as well. Sources: cloud.google.com/text-to-speech/docs/chirp3-hd,
`SpeechCreateParams` and `RealtimeAudioConfigOutput` in the package openai 3.54, the voices in the wheel
espeakng-loader 0.2.4.
"""

from pathlib import Path

from conversations.engines.base import EngineSpec
from conversations.engines.local.voices import catalogue

Voice = tuple[str, str]  # id, label

OPENAI_EARLY = (
    "alloy",
    "ash",
    "coral",
    "echo",
    "fable",
    "nova",
    "onyx",
    "sage",
    "shimmer",
)  # of tts-1
OPENAI = ("marin", "cedar", *OPENAI_EARLY, "ballad", "verse")
OPENAI_REALTIME = ("marin", "cedar", "alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse")


def drop_openai_voice(voice: str) -> str:
    """Return the voice, or "" for one of OpenAI's: clients of its protocol name one, whoever speaks here."""
    return "" if voice in OPENAI else voice


# Each Chirp 3 HD speaker exists in each of these languages: `en-US-Chirp3-HD-Kore`.
CHIRP_LANGUAGES: dict[str, str] = {
    "en-US": "English (US)",
    "en-GB": "English (UK)",
    "en-AU": "English (Australia)",
    "en-IN": "English (India)",
    "de-DE": "German",
    "es-ES": "Spanish (Spain)",
    "es-US": "Spanish (US)",
    "fr-FR": "French",
    "fr-CA": "French (Canada)",
    "it-IT": "Italian",
    "pt-BR": "Portuguese (Brazil)",
    "nl-NL": "Dutch",
    "pl-PL": "Polish",
    "sv-SE": "Swedish",
    "tr-TR": "Turkish",
    "ru-RU": "Russian",
    "uk-UA": "Ukrainian",
    "ar-XA": "Arabic",
    "hi-IN": "Hindi",
    "id-ID": "Indonesian",
    "vi-VN": "Vietnamese",
    "th-TH": "Thai",
    "ja-JP": "Japanese",
    "ko-KR": "Korean",
    "cmn-CN": "Chinese (Mandarin)",
}
CHIRP_SPEAKERS: dict[str, str] = {
    "Kore": "female",
    "Aoede": "female",
    "Leda": "female",
    "Zephyr": "female",
    "Charon": "male",
    "Fenrir": "male",
    "Orus": "male",
    "Puck": "male",
}

ESPEAK: dict[str, str] = {
    "en-us": "English (US)",
    "en-us+f3": "English (US), female",
    "en-gb": "English (UK)",
    "en-gb+f3": "English (UK), female",
    "en-gb-scotland": "English (Scotland)",
    "de": "German",
    "fr-fr": "French",
    "es": "Spanish",
    "it": "Italian",
    "pt-br": "Portuguese (Brazil)",
    "nl": "Dutch",
    "pl": "Polish",
    "sv": "Swedish",
    "tr": "Turkish",
    "ru": "Russian",
    "uk": "Ukrainian",
    "hi": "Hindi",
    "vi": "Vietnamese",
    "cmn": "Chinese (Mandarin)",
}


def choose_voice(spec: EngineSpec, wanted: str) -> str:
    """Return `wanted`, or the voice of the spec where an OpenAI voice was asked of an engine that does not have it.

    Official clients always name one of OpenAI's voices, whatever speaks behind the protocol.
    """
    own = {"openai": OPENAI, "openai-realtime": OPENAI_REALTIME}.get(spec.provider, ())
    return spec.voice if wanted in OPENAI and wanted not in own else wanted


def choose_fallback_voice(spec: EngineSpec, chosen: EngineSpec, wanted: str) -> str:
    """Return the voice of the chosen engine where the one in its place has it too, else that one's own.

    `wanted` is what the chosen engine was asked for, "" for its own. Where only the voice differs, it is what differs.
    """
    early = spec.model.startswith("tts-1")
    own = {"openai": OPENAI_EARLY if early else OPENAI, "openai-realtime": OPENAI_REALTIME}.get(spec.provider, ())
    voice = wanted or chosen.voice
    is_same_engine = (spec.provider, spec.model) == (chosen.provider, chosen.model)
    return voice if voice in own and not is_same_engine else spec.voice


def is_public(voice: str) -> bool:
    """Return whether the name means the same voice for every account; "" is the provider's own choice."""
    is_listed = voice in OPENAI or voice in ESPEAK or voice.partition("-Chirp3-HD-")[2] in CHIRP_SPEAKERS
    return not voice or is_listed or catalogue.is_local_voice(voice)


def list_voices(spec: EngineSpec, language: str = "") -> list[Voice]:
    """Return (id, label) of the voices of `spec`, the default first; [] where nobody can know (a compatible server).

    Of this machine's voices they are those that speak the language, since no other is used for it.
    """
    if spec.provider == "google":
        return [
            (f"{language}-Chirp3-HD-{speaker}", f"{name}, {speaker} ({kind})")
            for language, name in CHIRP_LANGUAGES.items()
            for speaker, kind in CHIRP_SPEAKERS.items()
        ]
    if spec.provider == "demo":
        return list(ESPEAK.items())
    if spec.provider == "local":
        return list_local_voices(spec, language)
    if spec.base_url:
        return []
    if spec.provider == "openai-realtime":
        return list_realtime_voices(spec)
    known = OPENAI_EARLY if spec.model.startswith("tts-1") else OPENAI
    return [(voice, voice.capitalize()) for voice in known]


def list_realtime_voices(spec: EngineSpec) -> list[Voice]:
    """Return (id, label) of the voices of a Realtime model; [] where nobody can know (a compatible server)."""
    return [] if spec.base_url else [(voice, voice.capitalize()) for voice in OPENAI_REALTIME]


def list_local_voices(spec: EngineSpec, language: str) -> list[Voice]:
    """Return (id, label) of this machine's voices of the model and language; "" leaves it to the machine's speed."""
    voices = [one for one in catalogue.list_local_voices(Path(spec.folder)) if catalogue.speaks(one, language)]
    if spec.model not in catalogue.AUTO:
        return [(voice.id, voice.label) for voice in voices if voice.model == spec.model]
    return [("", "The best for this machine"), *((voice.id, voice.label) for voice in voices)]
