"""The model's context: the conversation's items as messages, within a budget of tokens."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from conversations.realtime.protocol.errors import ProtocolError
from conversations.realtime.protocol.items import ItemLog, LiveItem

CHARS_PER_TOKEN = 4  # roughly; no provider tells beforehand
MESSAGE_TOKENS = 4  # of each message beside its words


@dataclass(frozen=True, slots=True)
class ContextCall:
    call_id: str
    name: str
    arguments: str  # JSON text


@dataclass(frozen=True, slots=True)
class ContextMessage:
    """`role`: system, user, assistant or tool; a tool's message names the `call_id` that it answers."""

    role: str
    words: str
    calls: tuple[ContextCall, ...] = ()
    call_id: str = ""


def build_messages(items: Iterable[LiveItem], instructions: str) -> list[ContextMessage]:
    """What was heard, not what was generated; a call with its output, each in the order that models accept."""
    items = list(items)
    outputs = _outputs(items)
    spoken = [ContextMessage("system", instructions)] * bool(instructions)
    for item in _in_order(items):
        spoken += _said(item, outputs)
    return spoken


def _outputs(items: Iterable[LiveItem]) -> dict[str, str]:
    """By `call_id`."""
    return {item.call["call_id"]: item.call["output"] for item in items if "output" in item.call}


def _in_order(items: Sequence[LiveItem]) -> list[LiveItem]:
    """A message that has ended answers what the server's tools brought amid its response, so it comes after them."""
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


def _said(item: LiveItem, outputs: dict[str, str]) -> list[ContextMessage]:
    if item.type == "message":
        return [ContextMessage(item.role, item.context_text)] if item.context_text.strip() else []
    call = item.call
    # A call without its output is refused by models; an output is told with its call.
    if "name" not in call or call["call_id"] not in outputs:
        return []
    asked = ContextCall(call["call_id"], call["name"], call["arguments"] or "{}")
    return [
        ContextMessage("assistant", "", (asked,)),
        ContextMessage("tool", outputs[call["call_id"]] or call.get("error", ""), call_id=asked.call_id),
    ]


def count_tokens(said: Iterable[ContextMessage]) -> int:
    """About."""
    return sum(
        MESSAGE_TOKENS + (len(message.words) + sum(len(call.arguments) for call in message.calls)) // CHARS_PER_TOKEN
        for message in said
    )


def fit_messages(log: ItemLog, instructions: str, truncation: Any, most_tokens: int) -> list[ContextMessage]:
    """The context of the conversation, its oldest items left out where it would be longer than `most_tokens`.

    `truncation` as in the session: with a retention ratio more than needed goes at once, so that what is kept begins
    alike for many turns, and a provider's cache of it holds. Raises ProtocolError where truncation is disabled.
    """
    ratio = 1.0
    if isinstance(truncation, dict):
        ratio = truncation["retention_ratio"]
        limits = truncation.get("token_limits") or {}
        most_tokens = min(most_tokens, limits.get("post_instructions") or most_tokens)
    said = build_messages(log.kept, instructions)
    budget = most_tokens + (count_tokens(said[:1]) if instructions else 0)
    if count_tokens(said) <= budget:
        return said
    if truncation == "disabled":
        message = (
            f"The conversation is longer than the {most_tokens} tokens that the model is shown. Delete items, or allow "
            f"truncation."
        )
        raise ProtocolError("context_length_exceeded", message)
    excess = count_tokens(said) - (budget - most_tokens * (1 - ratio))
    outputs = _outputs(log.kept)
    for item in log.kept[:-1]:
        if excess <= 0:
            break
        excess -= count_tokens(_said(item, outputs))
        log.forget_first()
    return build_messages(log.kept, instructions)
