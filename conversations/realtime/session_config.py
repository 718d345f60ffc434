"""The effective session: its defaults, its updates, and what the turn machine reads of it.

Kept in the wire's own shape, so that `session.updated` shows just what is in force.
"""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from openai.types import realtime as sdk

from conversations.realtime.client_events import checked
from conversations.realtime.errors import ProtocolError
from conversations.realtime.semantics import Eagerness

Config = dict[str, Any]

TURN_DETECTION: dict[str, Config] = {
    "server_vad": {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 500,
        "idle_timeout_ms": None,
        "create_response": True,
        "interrupt_response": True,
    },
    "semantic_vad": {
        "type": "semantic_vad",
        "eagerness": "auto",
        "create_response": True,
        "interrupt_response": True,
    },
}
# What a client may ask for beyond the protocol; docs/protocol.md describes them.
EXTENSIONS = ("playback", "captions")
RANGES = {
    "audio.input.turn_detection.threshold": (0.0, 1.0),
    "audio.input.turn_detection.prefix_padding_ms": (0, 5_000),
    "audio.input.turn_detection.silence_duration_ms": (32, 10_000),
    "audio.input.turn_detection.idle_timeout_ms": (1_000, 600_000),
    "audio.output.speed": (0.25, 1.5),
    "max_output_tokens": (1, 4096),
}
# Keys where null clears; in all others null means absent.
CLEARED_BY_NULL = {"turn_detection", "transcription", "noise_reduction", "tracing", "idle_timeout_ms", "prompt"}
# Stored and shown where a client set them; a cascade has no use for them.
SHOWN_WHEN_SET = {"extensions", "prompt", "include", "reasoning", "parallel_tool_calls"}
TRANSCRIPTION_KEYS = ("model", "language", "prompt")
MAX_TEXT_CHARS = 100_000


@dataclass(frozen=True, slots=True)
class TurnDetection:
    """Voice activity detection as the machine uses it. `kind` None: the client commits by hand."""

    is_on: bool
    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 500
    eagerness: Eagerness | None = None  # the wait depends on the words; None: on the silence alone
    idle_timeout_ms: int | None = None
    create_response: bool = True
    interrupt_response: bool = True


def default_config(*, session_id: str, model: str, instructions: str, voice: str, stt_model: str, language: str,
                   speed: float, expires_at: int) -> Config:  # fmt: skip
    pcm = {"type": "audio/pcm", "rate": 24_000}
    transcription = {"model": stt_model} | ({"language": language} if language else {})
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": session_id,
        "model": model,
        "expires_at": expires_at,
        "output_modalities": ["audio"],
        "instructions": instructions,
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "audio": {
            "input": {
                "format": dict(pcm),
                "transcription": transcription,
                "noise_reduction": None,
                "turn_detection": dict(TURN_DETECTION["server_vad"]),
            },
            "output": {"format": dict(pcm), "voice": voice, "speed": speed},
        },
        "tracing": None,
        "truncation": "auto",
    }


def updated(config: Config, patch: dict[str, Any], *, audio_sent: bool) -> Config:
    """The config after a `session.update`. Raises ProtocolError and leaves `config` as it was."""
    if patch.get("type", "realtime") != "realtime":
        raise ProtocolError("invalid_value", "Only sessions of type 'realtime' are served.", "session.type")
    typed = checked(sdk.RealtimeSessionCreateRequest, {**patch, "type": "realtime"}, root="session")
    patch = typed.model_dump(exclude_unset=True)
    _check_values(patch)
    new = deepcopy(config)
    _merge(new, {key: value for key, value in patch.items() if key not in ("type", "model", "audio")})
    audio = patch.get("audio") or {}
    _merge_input(new["audio"]["input"], audio.get("input") or {})
    _merge_output(new["audio"]["output"], audio.get("output") or {})
    if audio_sent and new["audio"]["output"]["voice"] != config["audio"]["output"]["voice"]:
        message = "The voice is fixed once the assistant has spoken. Start a new session to change it."
        raise ProtocolError("cannot_update_voice", message, "session.audio.output.voice")
    if "audio" in new["output_modalities"]:
        new["output_modalities"] = ["audio"]
    return new


def _merge(target: Config, patch: Config) -> None:
    for key, value in patch.items():
        if key in target.keys() | SHOWN_WHEN_SET and (value is not None or key in CLEARED_BY_NULL):
            target[key] = value


def _merge_input(target: Config, patch: Config) -> None:
    _merge(target, {key: value for key, value in patch.items() if key not in ("turn_detection", "transcription")})
    if "transcription" in patch:
        asked = patch["transcription"]
        shown = None if asked is None else (target["transcription"] or {}) | asked
        target["transcription"] = shown and {key: shown[key] for key in TRANSCRIPTION_KEYS if shown.get(key)}
    if "turn_detection" in patch:
        asked, current = patch["turn_detection"], target["turn_detection"]
        if asked is None:
            target["turn_detection"] = None
        else:
            same_kind = current is not None and current["type"] == asked["type"]
            base = dict(current if same_kind else TURN_DETECTION[asked["type"]])
            _merge(base, asked)
            target["turn_detection"] = base


def _merge_output(target: Config, patch: Config) -> None:
    _merge(target, patch)
    if isinstance(target["voice"], dict):
        target["voice"] = target["voice"]["id"]


def _check_values(patch: Config) -> None:
    """What the types do not: ranges, lengths, and the audio formats served."""
    for path, (least, most) in RANGES.items():
        value = at(patch, path)
        if isinstance(value, int | float) and not least <= value <= most:
            message = f"'session.{path}' is {value}; it must be between {least} and {most}."
            raise ProtocolError("invalid_value", message, f"session.{path}")
    for path in ("audio.input.format", "audio.output.format"):
        kind = at(patch, f"{path}.type")
        if kind not in (None, "audio/pcm"):
            message = f"'session.{path}' is {kind!r}; served is audio/pcm at 24000."
            raise ProtocolError("invalid_value", message, f"session.{path}.type")
    extensions = patch.get("extensions") or []
    if not isinstance(extensions, list) or not all(name in EXTENSIONS for name in extensions):
        message = f"'session.extensions' is a list of any of {', '.join(EXTENSIONS)}."
        raise ProtocolError("invalid_value", message, "session.extensions")
    if len(at(patch, "instructions") or "") > MAX_TEXT_CHARS:
        message = f"'session.instructions' is longer than {MAX_TEXT_CHARS} characters."
        raise ProtocolError("invalid_value", message, "session.instructions")


def at(value: Any, path: str) -> Any:
    """What is at a dotted path; None where there is nothing."""
    for key in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def turn_detection(config: Config, auto: Eagerness = "medium") -> TurnDetection:
    """`auto`: what the eagerness “auto” means."""
    shown = config["audio"]["input"]["turn_detection"]
    if shown is None:
        return TurnDetection(is_on=False)
    if shown["type"] == "semantic_vad":
        return TurnDetection(
            is_on=True,
            eagerness=auto if shown["eagerness"] == "auto" else shown["eagerness"],
            create_response=shown["create_response"],
            interrupt_response=shown["interrupt_response"],
        )
    return TurnDetection(is_on=True, **{key: value for key, value in shown.items() if key != "type"})
