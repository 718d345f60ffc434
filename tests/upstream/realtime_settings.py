"""The settings of an emulated Realtime conversation session."""

from copy import deepcopy
from typing import Any

from tests.upstream.realtime_items import Refusal

VOICES = ("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar")
PCM = {"type": "audio/pcm", "rate": 24_000}
DETECTION = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 500,
             "create_response": True, "interrupt_response": True}  # fmt: skip


def update_session(old: dict[str, Any], patch: dict[str, Any], refused: str, has_spoken: bool) -> dict[str, Any]:
    """Return the settings after a `session.update`, in which the parameter `refused` is unknown. Raises Refusal."""
    if patch.get("type") != "realtime":
        raise Refusal("missing_required_parameter", "Missing required parameter: 'session.type'.", "session.type")
    if refused and refused in patch:
        raise Refusal("unknown_parameter", f"Unknown parameter: 'session.{refused}'.", f"session.{refused}")
    new = _merge(old, patch)
    voice = new["audio"]["output"]["voice"]
    if voice not in VOICES:
        raise Refusal("invalid_value", f"Invalid value: '{voice}'.", "session.audio.output.voice")
    if has_spoken and voice != old["audio"]["output"]["voice"]:
        raise Refusal("cannot_update_voice", "Cannot update a conversation's voice if assistant audio is present.")
    return new


def build_session(session_id: str, model: str) -> dict[str, Any]:
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": session_id,
        "model": model,
        "expires_at": 1_900_000_000,
        "output_modalities": ["audio"],
        "instructions": "You are a helpful assistant.",
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "audio": {
            "input": {"format": PCM, "transcription": None, "noise_reduction": None, "turn_detection": DETECTION},
            "output": {"format": PCM, "voice": "alloy", "speed": 1.0},
        },
        "tracing": None,
        "truncation": "auto",
        "prompt": None,
        "include": None,
    }


def _merge(old: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Merge objects, and replace all else; null clears a value."""
    new = deepcopy(old)
    for name, value in patch.items():
        both = isinstance(value, dict) and isinstance(new.get(name), dict)
        new[name] = _merge(new[name], value) if both else value
    return new
