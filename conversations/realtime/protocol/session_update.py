"""Changes of a session's configuration: a client's patch is checked, and becomes part of the typed configuration."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from openai.types import realtime as sdk
from pydantic import BaseModel

from conversations.realtime.protocol.audio_format import AudioFormat
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.session_checks import check_depth, check_extensions, check_values
from conversations.realtime.protocol.session_config import (
    REALTIME,
    TRANSCRIPTION,
    AudioInput,
    AudioOutput,
    SessionConfig,
    Transcription,
    Truncation,
)
from conversations.realtime.protocol.tools import FunctionTool, Tool, collect_labels, parse_tool_choice, parse_tools
from conversations.realtime.protocol.turn_detection import KINDS, AskedTurnDetection
from conversations.realtime.protocol.validation import validate_event

SHAPES: dict[str, type[BaseModel]] = {
    REALTIME: sdk.RealtimeSessionCreateRequest,
    TRANSCRIPTION: sdk.RealtimeTranscriptionSessionCreateRequest,
}
# Shown where a client set them; null clears the prompt, and is no value for the others.
PASS_THROUGH = ("prompt", "include", "reasoning", "parallel_tool_calls")


def update_config(
    config: SessionConfig,
    patch: dict[str, Any],
    *,
    has_sent_audio: bool,
    has_begun: bool = False,
    own_tools: Sequence[Tool] = (),
    servers: Collection[str] = (),
) -> SessionConfig:
    """Return the configuration after a `session.update` with this patch, or raise ProtocolError.

    What the patch does not name stays as it is; null resets where the protocol says so; lists are replaced whole.
    `has_sent_audio` says that the assistant has spoken, `has_begun` that something was said or sent. `own_tools` are
    the tools that the server runs, `servers` the labels of its MCP servers.
    """
    check_depth(patch, "session")
    kind = _choose_kind(config, patch, has_begun=has_begun)
    patch = _keep_user_half(patch) if kind == TRANSCRIPTION else patch
    asked = _parse_patch(patch, kind)
    check_values(asked)
    check_extensions(asked)
    new = _merge_tools(_merge(config, kind, asked), patch, own_tools, {*servers, *collect_labels(own_tools)})
    if has_sent_audio and new.output.voice != config.output.voice:
        message = "The voice is fixed once the assistant has spoken. Start a new session to change it."
        raise ProtocolError("cannot_update_voice", message, "session.audio.output.voice")
    return new


def read_config(shown: Any) -> SessionConfig:
    """Return the configuration that `SessionConfig.to_wire` has shown so, as in a recording.

    Raise ProtocolError, AttributeError, KeyError, TypeError or ValueError for anything else.
    """
    start = SessionConfig(shown["id"], shown["model"], shown["expires_at"], AudioOutput(""), shown["type"])
    config = _merge(start, start.kind, _parse_patch(shown, start.kind))
    tools = parse_tools(shown["tools"], {str(tool.get("server_label")) for tool in shown["tools"]})
    # The choice may name a tool of the server, which the configuration does not hold.
    named = shown["tool_choice"] if isinstance(shown["tool_choice"], dict) else {}
    choice = parse_tool_choice(shown["tool_choice"], {str(named.get("name"))}, {str(named.get("server_label"))})
    return replace(config, tools=tools, tool_choice=choice)


def _choose_kind(config: SessionConfig, patch: dict[str, Any], *, has_begun: bool) -> str:
    """Return the session's kind. It may become transcription before anything was said, and then stays so."""
    kind = patch.get("type") or config.kind
    if kind not in (REALTIME, TRANSCRIPTION):
        raise ProtocolError("invalid_value", "'session.type' must be 'realtime' or 'transcription'.", "session.type")
    if kind != config.kind and (has_begun or kind == REALTIME):
        message = f"The session's type is {config.kind!r} and can no longer change. Connect again for another."
        raise ProtocolError("invalid_value", message, "session.type")
    return str(kind)


def _keep_user_half(patch: dict[str, Any]) -> dict[str, Any]:
    """Return what a transcription session takes of a patch; all else is an unknown key to it."""
    half: dict[str, Any] = {key: patch[key] for key in ("audio", "include", "extensions") if key in patch}
    if isinstance(audio := half.get("audio"), dict):
        half["audio"] = {key: audio[key] for key in ("input",) if key in audio}
    return half


def _parse_patch(patch: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return the patch with the types that the `openai` package gives it, and only with the keys that it has.

    Tools are left out, since their errors would name members of unions.
    """
    typed = {key: value for key, value in patch.items() if key not in ("tools", "tool_choice")}
    return validate_event(SHAPES[kind], typed | {"type": kind}, root="session").model_dump(exclude_unset=True)


def _merge(config: SessionConfig, kind: str, asked: Mapping[str, Any]) -> SessionConfig:
    """Return the configuration with a patch of the right types; null is no value where nothing else is said."""
    audio = asked.get("audio") or {}
    new: dict[str, Any] = {
        "kind": kind,
        "input": _merge_input(config.input, audio.get("input") or {}),
        "output": _merge_output(config.output, audio.get("output") or {}),
        "pass_through": {**config.pass_through, **{key: asked[key] for key in PASS_THROUGH if _is_set(asked, key)}},
    }
    if _is_set(asked, "instructions"):
        new["instructions"] = asked["instructions"]
    if _is_set(asked, "output_modalities"):
        new["has_audio_replies"] = "audio" in asked["output_modalities"]
    if _is_set(asked, "max_output_tokens"):
        new["max_output_tokens"] = None if asked["max_output_tokens"] == "inf" else asked["max_output_tokens"]
    if _is_set(asked, "truncation"):
        new["truncation"] = parse_truncation(asked["truncation"])
    if _is_set(asked, "extensions"):
        new["extensions"] = tuple(asked["extensions"] or ())
    if "prompt" in asked:
        new["pass_through"]["prompt"] = asked["prompt"]
    if "tracing" in asked:
        new["tracing"] = asked["tracing"]
    return replace(config, **new)


def _is_set(asked: Mapping[str, Any], key: str) -> bool:
    return asked.get(key) is not None


def _merge_input(current: AudioInput, asked: Mapping[str, Any]) -> AudioInput:
    return AudioInput(
        format=_choose_format(current.format, asked),
        transcription=_merge_transcription(current.transcription, asked),
        noise_reduction=asked.get("noise_reduction", current.noise_reduction),
        turn_detection=_merge_turn_detection(current.turn_detection, asked),
    )


def _merge_output(current: AudioOutput, asked: Mapping[str, Any]) -> AudioOutput:
    voice, speed = asked.get("voice"), asked.get("speed")
    if isinstance(voice, dict):
        voice = voice["id"]
    return AudioOutput(
        voice=current.voice if voice is None else voice,
        speed=current.speed if speed is None else speed,
        format=_choose_format(current.format, asked),
    )


def _choose_format(current: AudioFormat, asked: Mapping[str, Any]) -> AudioFormat:
    """Return the format. Its rate, which a client may leave out, says nothing: each format has one."""
    return AudioFormat(asked["format"].get("type") or AudioFormat.PCM) if _is_set(asked, "format") else current


def _merge_transcription(current: Transcription | None, asked: Mapping[str, Any]) -> Transcription | None:
    if "transcription" not in asked:
        return current
    if asked["transcription"] is None:
        return None
    before = {} if current is None else current.to_wire()
    whole = before | asked["transcription"]
    return Transcription(**{key.name: whole.get(key.name) or None for key in fields(Transcription)})


def _merge_turn_detection(current: AskedTurnDetection | None, asked: Mapping[str, Any]) -> AskedTurnDetection | None:
    """Return the turn detection; another kind than the current one begins with its defaults."""
    if "turn_detection" not in asked:
        return current
    given = asked["turn_detection"]
    if given is None:
        return None
    kind = KINDS[given["type"]]
    base = current if isinstance(current, kind) else kind()
    known = {
        one.name: given[one.name]
        for one in fields(kind)
        if one.name in given and (given[one.name] is not None or one.name == "idle_timeout_ms")
    }
    return replace(base, **known)


def _merge_tools(
    config: SessionConfig, patch: dict[str, Any], own_tools: Sequence[Tool], servers: Collection[str]
) -> SessionConfig:
    """Take over tools and their choice, which must name one of the tools, whichever of the two was sent."""
    tools = config.tools if patch.get("tools") is None else parse_tools(patch["tools"], servers)
    names = {tool.name for tool in tools if isinstance(tool, FunctionTool)} | {tool.name for tool in own_tools}
    choice = config.tool_choice.to_wire() if patch.get("tool_choice") is None else patch["tool_choice"]
    return replace(config, tools=tools, tool_choice=parse_tool_choice(choice, names, servers))


def parse_truncation(asked: str | Mapping[str, Any]) -> Truncation:
    """Return the truncation that a client asked for in the right types."""
    if isinstance(asked, str):
        return Truncation(asked, is_allowed=asked != "disabled")
    limits = asked.get("token_limits") or {}
    max_tokens = limits.get("post_instructions") or None
    return Truncation(asked, retention_ratio=asked["retention_ratio"], max_tokens=max_tokens)
