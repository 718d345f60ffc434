"""Build the language model's context: the conversation's items as messages, within a budget of tokens."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.items import ItemLog, LiveItem
from conversations.realtime.protocol.session_config import Truncation

CHARS_PER_TOKEN = 4  # an estimate: no provider says beforehand how it splits a text
MESSAGE_TOKENS = 4  # what each message costs beside its words


@dataclass(frozen=True, slots=True)
class ContextCall:
    """One tool call that an earlier response made, as the model is shown it."""

    call_id: str
    name: str
    arguments: str  # JSON text


@dataclass(frozen=True, slots=True)
class ContextMessage:
    """One message of the model's context.

    `role` is system, user, assistant or tool; a tool's message has the `call_id` of the call that it answers.
    """

    role: str
    words: str
    calls: tuple[ContextCall, ...] = ()
    call_id: str = ""


def build_messages(items: Iterable[LiveItem], instructions: str) -> list[ContextMessage]:
    """Return the items as messages, in the order that models accept, after the instructions.

    Of the assistant's speech it holds what the user heard, not all that was generated. A call comes with its output.
    """
    items = list(items)
    outputs = _find_outputs(items)
    spoken = [ContextMessage("system", instructions)] * bool(instructions)
    for item in _order_items(items):
        spoken += _convert_item(item, outputs)
    return spoken


def _find_outputs(items: Iterable[LiveItem]) -> dict[str, str]:
    """Return the outputs of all calls by their `call_id`."""
    return {item.call["call_id"]: item.call["output"] for item in items if "output" in item.call}


def _order_items(items: Sequence[LiveItem]) -> list[LiveItem]:
    """Return the items with each finished message after the server's tool calls of the same response.

    The message says what the tools found out, so the model must read them first.
    """
    ordered: list[LiveItem] = []
    held: LiveItem | None = None
    for item in items:
        if held is not None and not (item.type == "mcp_call" and item.response_id == held.response_id):
            ordered.append(held)
            held = None
        if item.type == "message" and item.response_id and item.status != "in_progress":
            held = item
        else:
            ordered.append(item)
    return ordered + ([held] if held else [])


def _convert_item(item: LiveItem, outputs: dict[str, str]) -> list[ContextMessage]:
    """Return the item as one message, a call and its output as two, or nothing if the model has no use for it."""
    if item.type == "message":
        return [ContextMessage(item.role, item.context_text)] if item.context_text.strip() else []
    call = item.call
    # Models refuse a call without its output, so both go together, at the place of the call.
    if "name" not in call or call["call_id"] not in outputs:
        return []
    asked = ContextCall(call["call_id"], call["name"], call["arguments"] or "{}")
    return [
        ContextMessage("assistant", "", (asked,)),
        ContextMessage("tool", outputs[call["call_id"]] or call.get("error", ""), call_id=asked.call_id),
    ]


def count_tokens(said: Iterable[ContextMessage]) -> int:
    """Return an estimate of how many tokens these messages take."""
    return sum(
        MESSAGE_TOKENS + (len(message.words) + sum(len(call.arguments) for call in message.calls)) // CHARS_PER_TOKEN
        for message in said
    )


def fit_messages(log: ItemLog, instructions: str, truncation: Truncation, most_tokens: int) -> list[ContextMessage]:
    """Return the context of the conversation, without its oldest items if it is longer than `most_tokens`.

    `truncation` is the session's setting of that name. With a retention ratio more than necessary is left out at once,
    so that the context begins alike for many turns and the provider's prompt cache keeps working.
    Raise ProtocolError if the context is too long and truncation is disabled.
    """
    most_tokens = min(most_tokens, truncation.max_tokens or most_tokens)
    said = build_messages(log.context_items, instructions)
    budget = most_tokens + (count_tokens(said[:1]) if instructions else 0)
    if count_tokens(said) <= budget:
        return said
    if not truncation.is_allowed:
        message = (
            f"The conversation is longer than the {most_tokens} tokens that the model is shown. Delete items, or allow "
            f"truncation."
        )
        raise ProtocolError("context_length_exceeded", message)
    excess = count_tokens(said) - (budget - most_tokens * (1 - truncation.retention_ratio))
    outputs = _find_outputs(log.context_items)
    for item in log.context_items[:-1]:
        if excess <= 0:
            break
        excess -= count_tokens(_convert_item(item, outputs))
        log.forget_oldest()
    return build_messages(log.context_items, instructions)
