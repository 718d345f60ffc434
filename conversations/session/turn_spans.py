"""The spans of a turn, named as the conventions for generative AI have it (`tracing.CONVENTIONS`), without any content.

The conventions have no operations for speech yet; `speech_to_text` and `text_to_speech` are what is proposed for them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from conversations.session.engine_calls.observed import EngineCall
from conversations.tracing import Span, Value

OPERATIONS = {"stt": "speech_to_text", "llm": "chat", "tts": "text_to_speech", "s2s": "chat", "tool": "execute_tool"}
OUTPUTS = {"stt": "text", "llm": "text", "tts": "speech", "s2s": "speech"}
# As the conventions name them; the others are our own names.
PROVIDERS = {"openai-realtime": "openai", "google": "gcp.gen_ai"}
IN_PROCESS = ("local", "demo")
MAX_NAME = 80  # characters of a model's name, which a user may have typed


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn that has ended, as its trace tells of it. Times are seconds of the monotonic clock."""

    conversation_id: str  # "" if nothing is stored
    assistant: str
    response: Mapping[str, Any]  # as `response.done` has it
    began_at: float
    done_at: float
    waterfall: Mapping[str, int]  # ms since the endpoint
    calls: Iterable[EngineCall]
    discarded: Iterable[EngineCall]  # what was begun before the user went on, and not used


def build_turn_span(turn: Turn) -> Span:
    """Return the span of a turn, and within it those of its calls."""
    children = [build_call_span(call, turn.conversation_id) for call in turn.calls]
    children += [build_call_span(call, turn.conversation_id, is_used=False) for call in turn.discarded]
    endpoint_at = turn.done_at - turn.waterfall.get("done", 0) / 1000
    steps = [(step, endpoint_at + ms / 1000) for step, ms in turn.waterfall.items() if step != "done"]
    failure = (turn.response.get("status_details") or {}).get("error") or {}
    return Span(
        f"invoke_agent {turn.assistant}",
        began_at=min([turn.began_at, *(at for _, at in steps), *(child.began_at for child in children)]),
        ended_at=max([turn.done_at, *(at for _, at in steps), *(child.ended_at for child in children)]),
        attributes={
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": turn.assistant,
            **_name_conversation(turn.conversation_id),
            **_name_usage(turn.response.get("usage") or {}),
            "voiceproject.response.id": turn.response["id"],
            "voiceproject.response.status": turn.response["status"],
        },
        error=str(failure.get("code") or "failed") if turn.response["status"] == "failed" else "",
        events=sorted(steps, key=lambda step: step[1]),
        children=sorted(children, key=lambda child: child.began_at),
    )


def build_call_span(call: EngineCall, conversation_id: str, *, is_used: bool = True) -> Span:
    """Return the span of a call to an engine or a tool."""
    operation, model = OPERATIONS[call.kind], call.model[:MAX_NAME]
    attributes: dict[str, Value] = {"gen_ai.operation.name": operation, **_name_conversation(conversation_id)}
    if call.kind == "tool":
        attributes |= {"gen_ai.tool.name": model, "gen_ai.tool.type": "function"}
    else:
        attributes |= _describe_model_call(call, model)
    if call.outcome == "cancelled":
        attributes["voiceproject.cancelled"] = True
    if not is_used:
        attributes["voiceproject.discarded"] = True
    is_here = call.kind == "tool" or call.provider in IN_PROCESS
    return Span(
        f"{operation} {model}".strip(),
        call.began_at,
        call.ended_at,
        attributes,
        kind="internal" if is_here else "client",
        error=call.error,
    )


def _describe_model_call(call: EngineCall, model: str) -> dict[str, Value]:
    described: dict[str, Value] = {
        "gen_ai.provider.name": PROVIDERS.get(call.provider, call.provider),
        "gen_ai.output.type": OUTPUTS[call.kind],
    }
    if model:
        described["gen_ai.request.model"] = model
    if call.first_at is not None and call.kind != "stt":
        described["gen_ai.response.time_to_first_chunk"] = round(call.first_at - call.began_at, 4)
    if call.finish_reason:
        described["gen_ai.response.finish_reasons"] = [call.finish_reason]
    if call.input_tokens or call.output_tokens:
        described["gen_ai.usage.input_tokens"] = call.input_tokens
        described["gen_ai.usage.output_tokens"] = call.output_tokens
        described["gen_ai.usage.cache_read.input_tokens"] = call.cached_tokens
    return described


def _name_conversation(conversation_id: str) -> dict[str, Value]:
    return {"gen_ai.conversation.id": conversation_id} if conversation_id else {}


def _name_usage(usage: Mapping[str, Any]) -> dict[str, Value]:
    return {f"gen_ai.usage.{name}": usage[name] for name in ("input_tokens", "output_tokens") if usage.get(name)}
