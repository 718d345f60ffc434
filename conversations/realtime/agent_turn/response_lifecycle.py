"""Open and close a response: what it holds at first, and its closing events, stored items and `response.done`."""

from typing import Any

from conversations.realtime.agent_turn import response_events
from conversations.realtime.agent_turn.response import Response, ResponseStatus
from conversations.realtime.agent_turn.thinking_budget import ThinkingBudget
from conversations.realtime.agent_turn.tool_calls import ToolCalls
from conversations.realtime.cascade_state import CascadeState
from conversations.realtime.protocol.items import LiveItem
from conversations.realtime.protocol.response_options import ResponseOptions, find_awaited


def open_response(
    state: CascadeState, options: ResponseOptions, response_id: str, conversation_id: str | None
) -> Response:
    """Return a new response with an empty message. `conversation_id` None: it is out of band."""
    item = LiveItem(state.make_id("item"), role="assistant", status="in_progress", is_audio=options.is_audio)
    item.response_id, item.sent_text = response_id, ""
    response = Response(response_id, item, options, conversation_id, state.send)
    response.thinking = ThinkingBudget(state.limits.thinking_sec)
    response.awaits = find_awaited(state, options)
    return response


def close_response(
    state: CascadeState,
    tool_calls: ToolCalls,
    response: Response,
    status: ResponseStatus,
    details: dict[str, Any] | None,
) -> None:
    """Set the status, close the message and the calls, store them, and send `response.done`."""
    response.status, response.status_details = status, details
    response.item.status = "completed" if status == "completed" else "incomplete"
    response.stamp("done", state.now)
    tool_calls.abandon(response)
    if response.is_out_of_band:
        if response.is_open:
            response.settle_clauses()
            response_events.close_message(response, None)
    else:
        _store(state, tool_calls, response)
    tool_calls.hand_over(response)
    response_events.send_done(response)
    state.send_rate_limits()


def _store(state: CascadeState, tool_calls: ToolCalls, response: Response) -> None:
    if response.is_open:
        response.settle_clauses()
        state.save(response.item, is_final=True)
        response_events.close_message(response, state.log.get_previous_id(response.item))
    elif response.item.error_code:
        state.save(response.item, is_final=True)  # the history shows what went wrong
    elif response.outputs:
        tool_calls.store_without_message(response)
