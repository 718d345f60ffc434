"""What one response is made with: the session's settings, and what `response.create` says otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from openai.types.realtime import RealtimeResponseCreateParams

from conversations.realtime.agent_turn.context import ContextMessage, build_messages, fit_messages
from conversations.realtime.cascade_state import CascadeState
from conversations.realtime.protocol.audio_format import AudioFormat
from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.items import LiveItem
from conversations.realtime.protocol.session_checks import check_values
from conversations.realtime.protocol.tools import (
    TOOL_CHOICES,
    DeclaredTool,
    Tool,
    offer_tools,
    parse_tool_choice,
    parse_tools,
)

MAX_METADATA = 16
MAX_METADATA_KEY, MAX_METADATA_VALUE = 64, 512


@dataclass(slots=True)
class ResponseOptions:
    instructions: str
    is_audio: bool
    max_tokens: int | None
    voice: str
    speed: float
    format: AudioFormat
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"
    metadata: dict[str, str] | None = None
    is_out_of_band: bool = False  # out of band: beside the conversation, and not part of it
    input: list[LiveItem] | None = field(default=None)  # the context in place of the conversation


def build_default_options(state: CascadeState) -> ResponseOptions:
    config = state.config
    return ResponseOptions(
        instructions=config.instructions,
        is_audio=config.has_audio_replies,
        max_tokens=config.max_output_tokens,
        voice=config.output.voice,
        speed=config.output.speed,
        format=config.output.format,
        tools=offer_tools(config.tools, state.own_tools),
        tool_choice=config.tool_choice.resolve(),
    )


def parse_options(state: CascadeState, asked: RealtimeResponseCreateParams | None) -> ResponseOptions:
    """Without `input`, which names items. Raises ProtocolError."""
    options = build_default_options(state)
    if asked is None:
        return options
    options.is_out_of_band = asked.conversation == "none"
    own = () if options.is_out_of_band else state.own_tools
    declared = state.config.tools if asked.tools is None else _check_declared_tools(state, asked)
    options.tools = offer_tools(declared, own)
    if asked.conversation not in (None, "auto", "none"):
        message = "'response.conversation' must be 'auto' or 'none'."
        raise ProtocolError("invalid_value", message, "response.conversation")
    check_values(asked.model_dump(exclude_unset=True), "response")
    if asked.instructions is not None:
        options.instructions = asked.instructions
    options.tool_choice = _choose_tool(state, asked, options)
    options.metadata = _check_metadata(asked.metadata)
    if asked.output_modalities:
        options.is_audio = "audio" in asked.output_modalities
    if asked.max_output_tokens is not None:
        options.max_tokens = None if isinstance(asked.max_output_tokens, str) else asked.max_output_tokens
    _take_output(options, asked)
    return options


def find_awaited(state: CascadeState, options: ResponseOptions) -> frozenset[str]:
    """Return the ids of the utterances whose words are still awaited, and which the response is to be made of."""
    named = state.pending if options.input is None else [item.id for item in options.input]
    return frozenset(named) & state.pending.keys()


def choose_context(
    state: CascadeState, options: ResponseOptions, outputs: Sequence[LiveItem] = ()
) -> list[ContextMessage]:
    """What the model is shown now. `outputs`: of the response itself, by now; most are in the conversation anyway.

    Raises ProtocolError where it is too long and may not be truncated.
    """
    if options.input is not None:
        return build_messages([*options.input, *outputs], options.instructions)
    said = fit_messages(state.log, options.instructions, state.config.truncation, state.limits.context_tokens)
    return said + build_messages(outputs, "") if options.is_out_of_band else said


def _check_declared_tools(state: CascadeState, asked: RealtimeResponseCreateParams) -> tuple[DeclaredTool, ...]:
    given = [tool.model_dump(exclude_none=True) for tool in asked.tools or ()]
    return parse_tools(given, state.servers, "response")


def _choose_tool(state: CascadeState, asked: RealtimeResponseCreateParams, options: ResponseOptions) -> str:
    names = {tool.name for tool in options.tools}
    given: Any = asked.tool_choice
    if given is None:  # the session's may be of one of its own tools, which this response has not
        return options.tool_choice if options.tool_choice in (*TOOL_CHOICES, *names) else "auto"
    if not isinstance(given, str):
        given = given.model_dump(exclude_none=True)
    return parse_tool_choice(given, names, state.servers, "response").resolve()


def _check_metadata(pairs: dict[str, str] | None) -> dict[str, str] | None:
    fits = len(pairs or {}) <= MAX_METADATA and all(
        len(key) <= MAX_METADATA_KEY and len(value) <= MAX_METADATA_VALUE for key, value in (pairs or {}).items()
    )
    if not fits:
        message = (
            f"'response.metadata' may have {MAX_METADATA} pairs, keys of {MAX_METADATA_KEY} and values of "
            f"{MAX_METADATA_VALUE} characters."
        )
        raise ProtocolError("invalid_value", message, "response.metadata")
    return pairs


def _take_output(options: ResponseOptions, asked: RealtimeResponseCreateParams) -> None:
    output: Any = asked.audio.output if asked.audio else None
    if output is None:
        return
    if output.voice is not None:
        options.voice = output.voice if isinstance(output.voice, str) else output.voice.id
    if output.format is not None:
        shown = output.format.model_dump(exclude_none=True)
        options.format = AudioFormat(shown["type"]) if "type" in shown else options.format
