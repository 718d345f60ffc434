"""Run the language model once for a response, and report its text and its tool calls as they come."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing

from conversations.engines.base import ChatMessage, Completion, LanguageModel, Tool, ToolCall
from conversations.engines.deadline import set_deadline
from conversations.realtime.agent_turn import context
from conversations.realtime.commands import Generate
from conversations.realtime.engine_events import (
    GenerationDone,
    GenerationFailed,
    SpeechAudio,
    SpeechDone,
    TextDelta,
    TextWithdrawn,
    Thinking,
    ToolCallDelta,
)

Report = Callable[
    [
        TextDelta
        | TextWithdrawn
        | Thinking
        | ToolCallDelta
        | GenerationDone
        | GenerationFailed
        | SpeechAudio
        | SpeechDone
    ],
    None,
]

PIECE_CHARS = 500  # how much text is reported at a time


async def complete_text(llm: LanguageModel, asked: Generate, report: Report) -> None:
    """Ask the model, and report what it writes, then its usage. Raise EngineError."""
    messages = [_convert_message(message) for message in asked.messages]
    tools = [Tool(tool.name, tool.description, tool.parameters) for tool in asked.tools]
    last = None
    stream = llm.complete(
        messages,
        max_tokens=asked.max_tokens,
        tools=tools,
        tool_choice=asked.tool_choice,
        on_thought=lambda: report(Thinking(asked.response_id)),
    )
    with set_deadline(asked.due_at):
        async with aclosing(stream) as pieces:
            async for piece in pieces:
                await _report_piece(report, asked.response_id, piece)
                last = piece if piece.finish_reason else last
    reason = last.finish_reason if last and last.finish_reason else "stop"
    used = (last.input_tokens, last.output_tokens, last.cached_tokens) if last else (0, 0, 0)
    report(GenerationDone(asked.response_id, reason, *used))


async def _report_piece(report: Report, response_id: str, piece: Completion) -> None:
    if piece.withdraws:
        report(TextWithdrawn(response_id))
    for start in range(0, len(piece.text), PIECE_CHARS):
        if start:
            await asyncio.sleep(0)  # let other sessions run while a long text is cut into clauses
        report(TextDelta(response_id, piece.text[start : start + PIECE_CHARS]))
    if call := piece.call:
        report(ToolCallDelta(response_id, call.index, call.call_id, call.name, call.arguments))


def _convert_message(message: context.ContextMessage) -> ChatMessage:
    calls = tuple(ToolCall(call.call_id, call.name, call.arguments) for call in message.calls)
    return ChatMessage(message.role, message.words, calls, message.call_id)  # type: ignore[arg-type]
