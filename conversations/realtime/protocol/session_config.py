"""The effective session: its defaults, its updates, and what the turn machine reads of it.

Kept in the wire's own shape, so that `session.updated` shows just what is in force.
"""

from collections.abc import Collection, Sequence
from copy import deepcopy
from dataclasses import dataclass

from openai.types import realtime as sdk
from pydantic import BaseModel

from conversations.pcm import SAMPLE_RATE
from conversations.realtime.protocol.client_events import validate_event
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.session_checks import (
    Config,
    check_depth,
    check_extensions,
    check_tool_choice,
    check_tools,
    check_values,
)
from conversations.realtime.protocol.tools import Tool, collect_labels
from conversations.realtime.user_turn.endpoint_silence import Eagerness

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
AUDIO_FORMATS: tuple[Config, ...] = (
    {"type": "audio/pcm", "rate": SAMPLE_RATE},
    {"type": "audio/pcmu"},
    {"type": "audio/pcma"},
)
REALTIME, TRANSCRIPTION = "realtime", "transcription"
SHAPES: dict[str, type[BaseModel]] = {
    REALTIME: sdk.RealtimeSessionCreateRequest,
    TRANSCRIPTION: sdk.RealtimeTranscriptionSessionCreateRequest,
}
# Keys where null clears; in all others null means absent.
CLEARED_BY_NULL = {"turn_detection", "transcription", "noise_reduction", "tracing", "idle_timeout_ms", "prompt"}
# Stored and shown where a client set them; a cascade has no use for them.
SHOWN_WHEN_SET = {"extensions", "prompt", "include", "reasoning", "parallel_tool_calls"}
SETTABLE = SHOWN_WHEN_SET | {
    "output_modalities",
    "instructions",
    "tools",
    "tool_choice",
    "max_output_tokens",
    "tracing",
    "truncation",
}
TRANSCRIPTION_KEYS = ("model", "language", "prompt")


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


def build_config(*, session_id: str, model: str, instructions: str, voice: str, stt_model: str, language: str,
                   speed: float, expires_at: int, kind: str = REALTIME) -> Config:  # fmt: skip
    transcription = {"model": stt_model} | ({"language": language} if language else {})
    return {
        "type": kind,
        "object": _name_object(kind),
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
                "format": dict(AUDIO_FORMATS[0]),
                "transcription": transcription,
                "noise_reduction": None,
                "turn_detection": dict(TURN_DETECTION["server_vad"]),
            },
            "output": {"format": dict(AUDIO_FORMATS[0]), "voice": voice, "speed": speed},
        },
        "tracing": None,
        "truncation": "auto",
    }


def _name_object(kind: str) -> str:
    return "realtime.session" if kind == REALTIME else "realtime.transcription_session"


def is_transcription(config: Config) -> bool:
    """Captions without an assistant."""
    return bool(config["type"] == TRANSCRIPTION)


def show_config(config: Config) -> Config:
    """As `session.created` and `session.updated` have it: a transcription session has no assistant's half."""
    if not is_transcription(config):
        return config
    heard = dict(config["audio"]["input"])
    if heard["turn_detection"] is not None:
        assistants = ("create_response", "interrupt_response", "idle_timeout_ms")
        heard["turn_detection"] = {key: it for key, it in heard["turn_detection"].items() if key not in assistants}
    kept = ("type", "object", "id", "expires_at", "include", "extensions")
    return {key: config[key] for key in kept if key in config} | {"audio": {"input": heard}}


def update_config(config: Config, patch: Config, *, has_sent_audio: bool, has_begun: bool = False,
            own_tools: Sequence[Tool] = (), servers: Collection[str] = ()) -> Config:  # fmt: skip
    """The config after a `session.update`. Raises ProtocolError and leaves `config` as it was.

    `has_sent_audio` says that the assistant has spoken, `has_begun` that something was said or sent. `own_tools` are
    the tools that the server runs, `servers` the labels of its MCP servers.
    """
    check_depth(patch, "session")
    kind = _choose_kind(config, patch, has_begun=has_begun)
    patch = _keep_user_half(patch) if kind == TRANSCRIPTION else patch
    typed = {key: value for key, value in patch.items() if key not in ("tools", "tool_choice")}
    asked = validate_event(SHAPES[kind], typed | {"type": kind}, root="session").model_dump(exclude_unset=True)
    check_values(asked)
    check_extensions(asked)
    new = deepcopy(config)
    new["type"], new["object"] = kind, _name_object(kind)
    audio = asked.get("audio") or {}
    _merge(new, asked, SETTABLE)
    _merge_tools(new, patch, own_tools, {*servers, *collect_labels(own_tools)})
    _merge_input(new["audio"]["input"], audio.get("input") or {})
    _merge_output(new["audio"]["output"], audio.get("output") or {})
    if has_sent_audio and new["audio"]["output"]["voice"] != config["audio"]["output"]["voice"]:
        message = "The voice is fixed once the assistant has spoken. Start a new session to change it."
        raise ProtocolError("cannot_update_voice", message, "session.audio.output.voice")
    if "audio" in new["output_modalities"]:
        new["output_modalities"] = ["audio"]
    return new


def _choose_kind(config: Config, patch: Config, *, has_begun: bool) -> str:
    """A session may become one of transcription before anything was said, and stays one."""
    current: str = config["type"]
    kind = patch.get("type") or current
    if kind not in (REALTIME, TRANSCRIPTION):
        raise ProtocolError("invalid_value", "'session.type' must be 'realtime' or 'transcription'.", "session.type")
    if kind != current and (has_begun or kind == REALTIME):
        message = f"The session's type is {current!r} and can no longer change. Connect again for another."
        raise ProtocolError("invalid_value", message, "session.type")
    return str(kind)


def _keep_user_half(patch: Config) -> Config:
    """What a transcription session takes of a patch; all else is an unknown key to it."""
    half: Config = {key: patch[key] for key in ("audio", "include", "extensions") if key in patch}
    if isinstance(audio := half.get("audio"), dict):
        half["audio"] = {key: audio[key] for key in ("input",) if key in audio}
    return half


def _merge(target: Config, patch: Config, keys: Collection[str] = ()) -> None:
    """Takes over those of `keys`, or else those that `target` has."""
    for key, value in patch.items():
        if key in (keys or target) and (value is not None or key in CLEARED_BY_NULL):
            target[key] = value


def _merge_input(target: Config, patch: Config) -> None:
    _merge(target, {key: value for key, value in patch.items() if key not in ("turn_detection", "transcription")})
    target["format"] = _complete_format(target["format"])
    if "transcription" in patch:
        asked = patch["transcription"]
        whole = None if asked is None else (target["transcription"] or {}) | asked
        target["transcription"] = whole and {key: whole[key] for key in TRANSCRIPTION_KEYS if whole.get(key)}
    if "turn_detection" in patch:
        asked, current = patch["turn_detection"], target["turn_detection"]
        if asked is None:
            target["turn_detection"] = None
        else:
            same_kind = current is not None and current["type"] == asked["type"]
            base = dict(current if same_kind else TURN_DETECTION[asked["type"]])
            _merge(base, asked)
            target["turn_detection"] = base


def _complete_format(asked: Config) -> Config:
    """With the rate, which a client may leave out: each format has one."""
    return next(dict(one) for one in AUDIO_FORMATS if one["type"] == asked.get("type", "audio/pcm"))


def _merge_output(target: Config, patch: Config) -> None:
    _merge(target, patch)
    target["format"] = _complete_format(target["format"])
    if isinstance(target["voice"], dict):
        target["voice"] = target["voice"]["id"]


def _merge_tools(target: Config, patch: Config, own_tools: Sequence[Tool], servers: Collection[str]) -> None:
    """A choice must name one of the tools, whichever of the two was sent."""
    if patch.get("tools") is not None:
        target["tools"] = check_tools(patch["tools"], servers)
    choice = patch.get("tool_choice")
    names = {tool["name"] for tool in target["tools"] if "name" in tool} | {tool.name for tool in own_tools}
    target["tool_choice"] = check_tool_choice(target["tool_choice"] if choice is None else choice, names, servers)


def read_turn_detection(config: Config, auto: Eagerness = "medium") -> TurnDetection:
    """`auto`: what the eagerness “auto” means."""
    found = config["audio"]["input"]["turn_detection"]
    if found is None:
        return TurnDetection(is_on=False)
    if is_transcription(config):
        found = found | {"create_response": False, "interrupt_response": False}
        found |= {"idle_timeout_ms": None} if found["type"] == "server_vad" else {}
    if found["type"] == "semantic_vad":
        return TurnDetection(
            is_on=True,
            eagerness=auto if found["eagerness"] == "auto" else found["eagerness"],
            create_response=found["create_response"],
            interrupt_response=found["interrupt_response"],
        )
    return TurnDetection(is_on=True, **{key: value for key, value in found.items() if key != "type"})
