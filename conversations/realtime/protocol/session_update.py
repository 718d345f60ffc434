"""Changes of a session's configuration: a client's patch is checked, and becomes part of the typed configuration."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from openai.types import realtime as sdk
from pydantic import BaseModel

from conversations.realtime.protocol.audio_format import AudioFormat
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.session_checks import check_depth, check_extensions, check_values, get_at
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

AskedSession = sdk.RealtimeSessionCreateRequest | sdk.RealtimeTranscriptionSessionCreateRequest
AskedInput = sdk.RealtimeAudioConfigInput | sdk.RealtimeTranscriptionSessionAudioInput
SHAPES: dict[str, type[AskedSession]] = {
    REALTIME: sdk.RealtimeSessionCreateRequest,
    TRANSCRIPTION: sdk.RealtimeTranscriptionSessionCreateRequest,
}
# Shown where a client set them; null clears the prompt, and is no value for the others.
PASS_THROUGH = {"prompt", "include", "reasoning", "parallel_tool_calls"}


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
    new = _merge_tools(_merge(config, asked), patch, own_tools, {*servers, *collect_labels(own_tools)})
    if has_sent_audio and new.output.voice != config.output.voice:
        message = "The voice is fixed once the assistant has spoken. Start a new session to change it."
        raise ProtocolError("cannot_update_voice", message, "session.audio.output.voice")
    return new


def read_config(shown: Any) -> SessionConfig:
    """Return the configuration that `SessionConfig.to_wire` has shown so, as in a recording.

    Raise ProtocolError, AttributeError, KeyError, TypeError or ValueError for anything else.
    """
    start = SessionConfig(shown["id"], shown["model"], shown["expires_at"], AudioOutput(""))
    if shown["type"] not in SHAPES:
        raise ValueError(f"no session is {shown['type']!r}")
    # It has the assistant's half too, where the session is for transcripts alone.
    config = replace(_merge(start, _parse_patch(shown, REALTIME)), kind=shown["type"])
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


def _parse_patch(patch: Mapping[str, Any], kind: str) -> AskedSession:
    """Return the patch with the types that the `openai` package gives it, or raise ProtocolError.

    Tools are left out, since their errors would name members of unions.
    """
    typed = {key: value for key, value in patch.items() if key not in ("tools", "tool_choice")}
    return validate_event(SHAPES[kind], typed | {"type": kind}, root="session")


def _merge(config: SessionConfig, asked: AskedSession) -> SessionConfig:
    """Return the configuration with a parsed patch; null is no value where nothing else is said."""
    passed = asked.model_dump(include=PASS_THROUGH, exclude_unset=True)
    kept = {key: value for key, value in passed.items() if value is not None or key == "prompt"}
    extensions = get_at(asked, "extensions")
    new = replace(
        config,
        kind=asked.type,
        input=_merge_input(config.input, asked.audio.input) if asked.audio and asked.audio.input else config.input,
        extensions=config.extensions if extensions is None else tuple(extensions or ()),
        pass_through={**config.pass_through, **kept},
    )
    return _merge_assistant(new, asked) if isinstance(asked, sdk.RealtimeSessionCreateRequest) else new


def _merge_assistant(config: SessionConfig, asked: sdk.RealtimeSessionCreateRequest) -> SessionConfig:
    """Return the configuration with what a patch says of the assistant."""
    most, modalities = asked.max_output_tokens, asked.output_modalities
    return replace(
        config,
        instructions=config.instructions if asked.instructions is None else asked.instructions,
        output=_merge_output(config.output, asked.audio.output)
        if asked.audio and asked.audio.output
        else config.output,
        has_audio_replies=config.has_audio_replies if modalities is None else "audio" in modalities,
        max_output_tokens=config.max_output_tokens if most is None else None if most == "inf" else most,
        truncation=config.truncation if asked.truncation is None else parse_truncation(_show(asked.truncation)),
        tracing=_show(asked.tracing) if "tracing" in asked.model_fields_set else config.tracing,
    )


def _show(asked: BaseModel | str | None) -> Any:
    return asked.model_dump(exclude_unset=True) if isinstance(asked, BaseModel) else asked


def _merge_input(current: AudioInput, asked: AskedInput) -> AudioInput:
    new = replace(current, format=_choose_format(current.format, asked.format))
    if "transcription" in asked.model_fields_set:
        new = replace(new, transcription=_merge_transcription(current.transcription, asked.transcription))
    if "noise_reduction" in asked.model_fields_set:
        new = replace(new, noise_reduction=_show(asked.noise_reduction))
    if "turn_detection" in asked.model_fields_set:
        new = replace(new, turn_detection=_merge_turn_detection(current.turn_detection, asked.turn_detection))
    return new


def _merge_output(current: AudioOutput, asked: sdk.RealtimeAudioConfigOutput) -> AudioOutput:
    voice = asked.voice if asked.voice is None or isinstance(asked.voice, str) else asked.voice.id
    return AudioOutput(
        voice=current.voice if voice is None else voice,
        speed=current.speed if asked.speed is None else asked.speed,
        format=_choose_format(current.format, asked.format),
    )


def _choose_format(current: AudioFormat, asked: sdk.RealtimeAudioFormats | None) -> AudioFormat:
    """Return the format. Its rate, which a client may leave out, says nothing: each format has one."""
    return current if asked is None else AudioFormat(asked.type or AudioFormat.PCM)


def _merge_transcription(current: Transcription | None, asked: sdk.AudioTranscription | None) -> Transcription | None:
    if asked is None:
        return None
    whole = ({} if current is None else current.to_wire()) | _show(asked)
    return Transcription(**{key.name: whole.get(key.name) or None for key in fields(Transcription)})


def _merge_turn_detection(current: AskedTurnDetection | None, asked: BaseModel | None) -> AskedTurnDetection | None:
    """Return the turn detection; another kind than the current one begins with its defaults."""
    if asked is None:
        return None
    given = _show(asked)
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
