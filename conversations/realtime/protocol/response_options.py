"""Decide what one response is made with: the session's settings, and what `response.create` says otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from openai.types.realtime import RealtimeResponseCreateParams
from openai.types.realtime.realtime_response_create_audio_output import Output
from pydantic import BaseModel

from conversations.realtime.agent_turn.context import ContextMessage, build_messages, fit_messages
from conversations.realtime.cascade_state import CascadeState
from conversations.realtime.protocol.audio_format import AudioFormat
from conversations.realtime.protocol.client_events import ResponseRequest
from conversations.realtime.protocol.client_items import build_context
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


@dataclass(frozen=True, slots=True)
class ResponseOptions:
    """What one response is made with."""

    instructions: str
    is_audio: bool  # False: the response is text
    max_tokens: int | None  # None: the client sets no limit
    voice: str
    speed: float
    format: AudioFormat
    tools: tuple[Tool, ...] = ()
    tool_choice: str = "auto"  # auto, none, required, or the name of the tool that must be called
    metadata: dict[str, str] | None = None
    is_out_of_band: bool = False  # out of band: beside the conversation, and not part of it
    input: tuple[LiveItem, ...] | None = None  # the context in place of the conversation


def build_default_options(state: CascadeState) -> ResponseOptions:
    """Return the options of a response for which the client asks nothing else than the session's settings."""
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


def parse_options(state: CascadeState, event: ResponseRequest) -> ResponseOptions:
    """Return the options of the response that a client asks for, or raise ProtocolError."""
    options = build_default_options(state)
    if event.options is not None:
        options = _apply_options(state, options, event.options)
    if event.input is None:
        return options
    return replace(options, input=tuple(build_context(state, event.input)))


def _apply_options(
    state: CascadeState, defaults: ResponseOptions, asked: RealtimeResponseCreateParams
) -> ResponseOptions:
    is_out_of_band = asked.conversation == "none"
    tools = offer_tools(_choose_declared_tools(state, asked), () if is_out_of_band else state.own_tools)
    if asked.conversation not in (None, "auto", "none"):
        message = "'response.conversation' must be 'auto' or 'none'."
        raise ProtocolError("invalid_value", message, "response.conversation")
    check_values(asked, "response")
    options = replace(
        defaults,
        tools=tools,
        tool_choice=_choose_tool(state, asked, tools, defaults.tool_choice),
        metadata=_check_metadata(asked.metadata),
        is_out_of_band=is_out_of_band,
    )
    if asked.instructions is not None:
        options = replace(options, instructions=asked.instructions)
    if asked.output_modalities:
        options = replace(options, is_audio="audio" in asked.output_modalities)
    if asked.max_output_tokens is not None:
        most = asked.max_output_tokens
        options = replace(options, max_tokens=None if isinstance(most, str) else most)
    return _apply_output(options, asked.audio.output if asked.audio else None)


def find_awaited(state: CascadeState, options: ResponseOptions) -> frozenset[str]:
    """Return the ids of the utterances whose words are still awaited, and which the response is to be made of."""
    named = state.pending if options.input is None else [item.id for item in options.input]
    return frozenset(named) & state.pending.keys()


def choose_context(
    state: CascadeState, options: ResponseOptions, outputs: Sequence[LiveItem] = ()
) -> list[ContextMessage]:
    """Return the messages that the model is shown now.

    `outputs` are the response's own, by now; most are in the conversation anyway. Raise ProtocolError if the context
    is too long and may not be truncated.
    """
    if options.input is not None:
        return build_messages([*options.input, *outputs], options.instructions)
    said = fit_messages(state.log, options.instructions, state.config.truncation, state.limits.context_tokens)
    return said + build_messages(outputs, "") if options.is_out_of_band else said


def _choose_declared_tools(state: CascadeState, asked: RealtimeResponseCreateParams) -> Sequence[DeclaredTool]:
    if asked.tools is None:
        return state.config.tools
    return parse_tools([tool.model_dump(exclude_none=True) for tool in asked.tools], state.servers, "response")


def _choose_tool(state: CascadeState, asked: RealtimeResponseCreateParams, tools: Sequence[Tool], default: str) -> str:
    names = {tool.name for tool in tools}
    given: object = asked.tool_choice
    if given is None:  # the session's may be of one of its own tools, which this response has not
        return default if default in (*TOOL_CHOICES, *names) else "auto"
    if isinstance(given, BaseModel):
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


def _apply_output(options: ResponseOptions, output: Output | None) -> ResponseOptions:
    if output is not None and output.voice is not None:
        options = replace(options, voice=output.voice if isinstance(output.voice, str) else output.voice.id)
    if output is not None and output.format is not None and output.format.type is not None:
        options = replace(options, format=AudioFormat(output.format.type))
    return options
